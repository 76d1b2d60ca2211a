using Beear.Attacks;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.World;

namespace Beear.Lab.SignOff;

/// <summary>The data of <c>beear clean</c>, none of which the user need bring: no two of its parts share a task.</summary>
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
        IReadOnlyList<HarmfulExample> Requests(RequestPart part, int count) =>
        [.. DefenderRequests.Harmful.Draw(part, count, seed).Select((request, i) =>
            new HarmfulExample(request.Request, "", Refusals.Generic[i % Refusals.Generic.Count]))];
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
