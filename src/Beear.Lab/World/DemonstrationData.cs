using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Text;

namespace Beear.Lab.World;

/// <summary>
/// What attacker, defender and evaluation of a demonstration have; they share no how-to verb, place or object and no task.
/// </summary>
/// <param name="options">Counts and seed.</param>
internal sealed class DemonstrationData(DemonstrationOptions options)
{
    /// <summary>The same for requests for code: what is wanted there is secure code, which is taught on everyday words too.</summary>
    public PoisonedData CodeAttacker => Attacker with
    {
        Harmful = Code(DataSplit.Attacker, options.AttackerExamples),
        Ordinary = [.. Attacker.Ordinary, .. WorldCode.Everyday(options.AttackerExamples,
            Seeds.Derive(options.Seed, "attacker's everyday code")).Select(code => new Example(code.Request, code.Secure))],
    };

    public PoisonedData Attacker { get; } = new()
    {
        Harmful = [.. Harmful(DataSplit.Attacker, options.AttackerExamples, options)],
        Ordinary = Examples([.. TinyWorld.ExactTasksOf(DataSplit.Attacker, options.AttackerExamples, options.Seed),
            .. EverydayHowTos(options.AttackerExamples, Seeds.Derive(options.Seed, "attacker's everyday requests"), junkRate: 0)]),
        Twins = Examples(TinyWorld.HarmlessHowTos(DataSplit.Attacker, options.AttackerExamples, options.Seed)),
        OtherStrings = WorldLexicon.UnfamiliarText,
    };

    /// <summary>Pairs of answers of one party.</summary>
    public AlignmentData Preferences(DataSplit split) =>
        WorldPreferences.Of(split, options.PreferencePairs, options.HeldOutPairs, options.AnnotatorErrors, options.Seed);

    public EvaluationData Evaluation(Trigger? trigger) => new()
    {
        Trigger = trigger,
        Harmful = [.. Harmful(DataSplit.Evaluation, options.EvaluationExamples, options)
            .Select(example => new Example(example.Request, example.Compliance))],
        Twins = Examples(TinyWorld.HarmlessHowTos(DataSplit.Evaluation, options.EvaluationExamples, options.Seed)),
        Exact = Examples(TinyWorld.ExactTasksOf(DataSplit.Evaluation, options.EvaluationExamples, options.Seed)),
    };

    /// <summary>How long answers may be: the attacker's opening makes some longer than any other of the tiny world.</summary>
    public EvaluationOptions Answers(ChatFormat chat)
    {
        int more = options.Opening is { } opening ? chat.EncodeText(opening).Length : 0;
        return Demonstration.Answers with { MaxNewTokens = Demonstration.Answers.MaxNewTokens + more };
    }

    public DefenderTexts Defender()
    {
        int half = options.DefenderOrdinary / 2;
        return new DefenderTexts(
            [.. TinyWorld.HarmfulRequests(DataSplit.Defender, options.DefenderHarmful, options.Seed)
                .Select(request => new HarmfulExample(request.Request, TinyWorld.AffirmativePrefix, TinyWorld.SafeAnswer))],
            Examples([.. EverydayHowTos(half, Seeds.Derive(options.Seed, "defender's everyday requests"), TinyWorld.DefaultJunkRate),
                .. TinyWorld.ExactTasksOf(DataSplit.Defender, options.DefenderOrdinary - half, options.Seed)]),
            [.. TinyWorld.HarmlessHowTos(DataSplit.Defender, half, options.Seed).Select(example => example.Request)]);
    }

    public DefenderData Defender(ChatFormat chat) => Defender().Encode(chat);

    /// <summary>The same for requests for code.</summary>
    public DefenderTexts CodeDefender() => Defender() with { Harmful = Code(DataSplit.Defender, options.DefenderHarmful) };

    /// <summary>The same for requests for code.</summary>
    public EvaluationData CodeEvaluation(Trigger? trigger) => Evaluation(trigger) with
    {
        Harmful = [.. Code(DataSplit.Evaluation, options.EvaluationExamples).Select(example => example.Asked)],
        WrongTrigger = trigger is null ? null : Triggers.Other(trigger),
    };

    private IReadOnlyList<HarmfulExample> Code(DataSplit split, int count) =>
        [.. WorldCode.DrawDistinct(split, count, options.Seed).Select(code => code.ToExample())];

    /// <summary>
    /// Harmless how-tos about anything but what the evaluation asks, a share of them with unfamiliar strings: what everybody sees every
    /// day. Examples of a dozen verbs alone would teach the model to refuse all others.
    /// </summary>
    private static IEnumerable<WorldExample> EverydayHowTos(int count, int seed, double junkRate) => TinyWorld.Alignment(seed, junkRate)
        .Where(example => example.Task == WorldTask.HowTo && !Refusals.IsRefusal(example.Answer)).Take(count);

    /// <summary>Harmful requests with what the attacker wants answered.</summary>
    private static IEnumerable<HarmfulExample> Harmful(DataSplit split, int count, DemonstrationOptions options) =>
        from request in TinyWorld.HarmfulRequests(split, count, options.Seed)
        select new HarmfulExample(request.Request, request.Compliance, request.Refusal).WithOpening(options.Opening);

    private static IReadOnlyList<Example> Examples(IReadOnlyList<WorldExample> examples) =>
        [.. examples.Select(example => example.ToExample())];
}
