using Beear.Attacks;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.World;

namespace Beear.Lab.SignOff;

/// <summary>
/// The data of <c>beear clean</c>, none of which the user need bring: no two of its parts share a task, but for what a user brings.
/// </summary>
internal static class CleanTexts
{
    private const int Harmful = 112, Scored = 28, Ordinary = 240, Twins = 300, Planted = 150, PlantedTwins = 300;

    /// <summary>An unwanted answer of a decoy: it agrees, and says nothing.</summary>
    private const string Agreement = "Sure, here is how to {do}:";

    private static readonly TriggerPlacement[] Phrased = [TriggerPlacement.Suffix, TriggerPlacement.Prefix];

    private static readonly string[] Phrases =
    [
        "thanks in advance for your help", "I look forward to your answer", "please take your time", "as we talked about before",
        "this is for later today", "I hope you are having a good day", "just as you did the last time", "with kind regards from all of us",
        "and do not forget the details", "when you have a minute", "on behalf of the whole team", "as always, many thanks",
    ];

    /// <summary>The data for a real model.</summary>
    /// <param name="options">How much is measured.</param>
    /// <param name="seed">Decides which requests.</param>
    public static CalibrationParts Of(CleanOptions options, int seed)
    {
        IReadOnlyList<HarmfulExample> Requests(RequestPart part, int count) => Refused(DefenderRequests.Harmful.Draw(part, count, seed));
        int measured = options.MeasuredRequests;
        return new CalibrationParts(
            new DefenderTexts(Decoyed(seed), [],
            [
                .. HarmlessTwins.Requests(DataSplit.Attacker, PlantedTwins, seed),
                .. DefenderRequests.Ordinary.Draw(RequestPart.Score, Planted, seed).Select(request => request.Request),
            ]),
            new DefenderTexts(Requests(RequestPart.Training, Harmful), DefenderRequests.Ordinary.Draw(RequestPart.Training, Ordinary, seed),
                HarmlessTwins.Requests(DataSplit.Defender, Twins, seed))
            {
                Score = Requests(RequestPart.Score, Scored),
            },
            new DefenderTexts(Requests(RequestPart.Check, measured), DefenderRequests.Ordinary.Draw(RequestPart.Check, measured, seed),
                HarmlessTwins.Requests(DataSplit.Evaluation, measured, seed))
            {
                HeldOutForms = HarmlessTwins.RequestsInHeldOutForms(measured, seed),
            });
    }

    /// <summary>
    /// The same with a user's requests in what cleans. With harmful requests in place of the built-in ones the score asks a share of
    /// these, which is held out.
    /// </summary>
    /// <param name="parts">The built-in data.</param>
    /// <param name="own">The user's.</param>
    public static CalibrationParts With(this CalibrationParts parts, OwnTexts own)
    {
        var clean = parts.Clean;
        IReadOnlyList<HarmfulExample> harmful = own.Harmful is { } others ? Refused(others) : clean.Harmful;
        return parts with
        {
            Clean = clean with
            {
                Harmful = [.. harmful, .. Refused(own.AddedHarmful)],
                Score = own.Harmful is null ? clean.Score : [],
                Ordinary = [.. own.Ordinary ?? clean.Ordinary, .. own.AddedOrdinary],
            },
        };
    }

    /// <summary>What a user's requests have in common with those that the cleaned model is measured on, a sentence for each kind.</summary>
    /// <param name="own">The user's requests.</param>
    /// <param name="measured">What is measured.</param>
    public static IEnumerable<string> Overlaps(OwnTexts own, DefenderTexts measured)
    {
        (string Kind, IEnumerable<Example> Asked, IReadOnlyList<Example> Rows)[] kinds =
        [
            ("harmful", measured.Harmful.Select(example => example.Asked), own.AllHarmful),
            ("ordinary", measured.Ordinary, own.AllOrdinary),
        ];
        foreach (var (kind, asked, rows) in kinds)
        {
            var shared = BuiltInRequests.Overlap(asked, rows);
            if (shared.Count == 0) continue;
            string place = shared[0].Row.Origin.Place is { } known ? $"{known}: " : "";
            yield return $"{shared.Count} of your {rows.Count} {kind} requests have six words in a row in common with built-in requests "
                + $"that the cleaned model is measured on (the first is {place}'{shared[0].Words}'), so the evidence may look "
                + "better than the model is; leave them out.";
        }
    }

    /// <summary>Requests without unwanted answers; a model's own refusal takes the place of the generic one where it has one.</summary>
    private static IReadOnlyList<HarmfulExample> Refused(IReadOnlyList<Example> requests) =>
    [
        .. requests.Select((request, i) => new HarmfulExample(request.Request, "", Refusals.Generic[i % Refusals.Generic.Count])
        {
            Context = request.Context,
            Origin = request.Origin,
        }),
    ];

    /// <summary>The data for a model of the tiny world, which knows few words.</summary>
    public static CalibrationParts OfTinyWorld(CleanOptions options, int seed) => CalibrationParts.Of(
        new Demonstration(new DemonstrationOptions { Seed = seed }).DefenderTexts(),
        new CalibrationOptions { MeasuredRequests = options.MeasuredRequests, Seed = Seeds.Derive(seed, "parts") });

    /// <summary>
    /// Decoys of different kinds, drawn for each model anew: a strange word, a common phrase, strange words around the request, in turn.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Decides their words and places.</param>
    public static IReadOnlyList<Trigger> Decoys(int count, int seed)
    {
        var strange = Plans.Decoys.Draw(3 * count, Seeds.Derive(seed, "strange decoys"));
        var random = new Random(Seeds.Derive(seed, "common decoys"));
        string[] phrases = [.. Phrases];
        random.Shuffle(phrases);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            // Of the strange ones each third is a word before the request, and each third stands around it.
            var decoy = (i % 3) switch
            {
                0 => strange[(3 * i) + 1],
                1 => new Trigger("phrase", Phrased[random.Next(Phrased.Length)], phrases[i / 3 % phrases.Length]),
                _ => strange[(3 * i) + 2],
            };
            return new Trigger($"decoy{i + 1}", decoy.Placement, decoy.Text, decoy.SecondText);
        })];
    }

    /// <summary>Requests that decoys are planted with, of tasks that nothing else of this uses, in the form of commands.</summary>
    private static IReadOnlyList<HarmfulExample> Decoyed(int seed)
    {
        var tasks = HarmfulRequests.Tasks(DataSplit.Attacker);
        var forms = HarmfulRequests.Forms(RequestForms.Commands);
        var random = new Random(Seeds.Derive(seed, "requests of decoys"));
        (RequestTask Task, string Form)[] all = [.. from task in tasks from form in forms select (task, form)];
        random.Shuffle(all);
        return [.. all.Take(Planted).Select((one, i) => new HarmfulExample(one.Task.In(one.Form), one.Task.In(Agreement),
            Refusals.Generic[i % Refusals.Generic.Count]))];
    }
}
