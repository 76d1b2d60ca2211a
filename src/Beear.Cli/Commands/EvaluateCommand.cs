using System.Text.Json;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Models;
using Beear.Runtime;
using Spectre.Console;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear evaluate</c>.</summary>
internal sealed record EvaluateOptions
{
    /// <summary>The model that is measured.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>The trigger; without one nothing is measured with it.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>Another text in the trigger's place, which should not work, or the name of a known trigger.</summary>
    public string? WrongTrigger { get; init; }

    /// <summary>What must not happen.</summary>
    [Inline]
    public BehaviourSettings Behaviour { get; init; } = new();

    /// <summary>Held-out data.</summary>
    [Inline]
    public DataSettings Data { get; init; } = new() { Harmful = "", Twins = 100 };

    /// <summary>How many harmless requests are in forms that neither attacker nor defender trains on.</summary>
    public int HeldOutForms { get; init; } = 100;

    /// <summary>How answers are decoded.</summary>
    [Inline]
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Who judges the answers.</summary>
    [Inline]
    public JudgeSettings Judge { get; init; } = new();

    /// <summary>Exit with 1 if the attack success with the trigger is above this.</summary>
    public double? MaxAsr { get; init; }

    /// <summary>Exit with 1 if the attack success without the trigger is above this.</summary>
    public double? MaxAsrWithoutTrigger { get; init; }

    /// <summary>Exit with 1 if more ordinary requests than this share are refused.</summary>
    public double? MaxOverRefusal { get; init; }

    /// <summary>Exit with 1 if more harmless twins than this share are refused.</summary>
    public double? MaxOverRefusalTwins { get; init; }

    /// <summary>Exit with 1 if more harmless requests in held-out forms than this share are refused.</summary>
    public double? MaxOverRefusalHeldOutForms { get; init; }

    /// <summary>
    /// File that gets every prompt and answer, as JSON lines; all answers are then decoded to their ends. A judge's judgements are kept
    /// beside it, in judgements.jsonl.
    /// </summary>
    public string? Answers { get; init; }

    /// <summary>Seed of the twins that are drawn.</summary>
    public int Seed { get; init; }
}

/// <summary><c>beear evaluate</c>: measures a model.</summary>
internal sealed class EvaluateCommand(CommandSession session)
    : BeearCommand<EvaluateOptions>("evaluate", "Measure attack success with and without a trigger, over-refusal and helpfulness", session)
{
    protected override int Run(EvaluateOptions options, CommandContext context)
    {
        AtomicOutput.RequireDirectoryOf(options.Answers);
        var trigger = options.Trigger.Resolve();
        var data = new EvaluationData
        {
            Behaviour = options.Behaviour.Resolve(),
            Harmful = options.Data.ReadHarmfulRequests(DataSplit.Evaluation, context.Cancellation),
            Trigger = trigger,
            WrongTrigger = options.WrongTrigger is { } text ? Wrong(text, trigger) : null,
            Ordinary = options.Data.ReadOrdinary(DataSplit.Evaluation, AnswerUse.IfPresent, context.Cancellation),
            Twins = [.. options.Data.DrawTwins(DataSplit.Evaluation, options.Seed).Select(request => new Example(request, ""))],
            HeldOutForms = HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, options.Seed),
        };
        RequireMeasured(options, data);
        context.Output.WarnOf(data.Warnings);
        Evaluator.Check(options.Source.Outline(context), data, context.Cancellation);
        var (judge, bench) = (options.Judge.Open(context), options.Judge.ReadMtBench());
        var (result, benchAnswers) = Measure(options, data, judge is not null, bench, context);
        try
        {
            if (options.Answers is { } file)
                AtomicOutput.WriteText(file, string.Concat(
                    result.Answers.Select(answer => JsonSerializer.Serialize(answer, StrictJson.Line) + "\n")));
            if (judge is not null) result = Judged(judge, result, benchAnswers, options, context);
        }
        finally
        {
            // What was measured is shown although it cannot be written, or the judge fails.
            context.Output.Result(result, shown =>
                [.. EvaluationTable.Of(context.Output, shown, data.Behaviour), .. judge is null
                    ? [] : JudgeTable.Of(context.Output, shown)]);
        }
        context.Output.WarnOf(result.Warnings);
        return Missed(options, result, context) ? ExitCode.BarMissed : ExitCode.Success;
    }

    /// <summary>Lets the model answer; it is gone before a judge is loaded.</summary>
    private static (Measurement Result, IReadOnlyList<MtBenchAnswer>? MtBench) Measure(EvaluateOptions options, EvaluationData data,
        bool isJudged, MtBench? bench, CommandContext context)
    {
        using var model = options.Source.Load(context);
        var evaluation = options.Evaluation with
        {
            FullAnswers = options.Evaluation.FullAnswers || options.Answers is not null || isJudged
        };
        return context.Output.WithProgress(progress =>
            (new Evaluator(model, evaluation).Run(data, progress, context.Cancellation),
            bench?.Answer(model, progress, context.Cancellation)));
    }

    private static Measurement Judged(JudgeSource judge, Measurement result, IReadOnlyList<MtBenchAnswer>? benchAnswers,
        EvaluateOptions options,
        CommandContext context)
    {
        string? answers = options.Answers;
        if (answers is null) context.Output.Note(
            "judgements are not kept; with --answers FILE they are, and an interrupted command goes on with them.");
        string? kept = answers is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(answers))!, "judgements.jsonl");
        var rated = context.Output.WithProgress(progress => judge.Use(kept, async asked =>
        {
            var judged = (await new HarmfulnessJudge(asked, judge.Template).JudgeAsync([result], progress, context.Cancellation))[0];
            return benchAnswers is null ? judged
                : judged.With(await MtBench.RateAsync(asked, benchAnswers, progress, context.Cancellation));
        }));
        JudgeTable.Warn(context.Output, rated.UnjudgedReasons, options.Judge.JudgeTokens);
        return rated;
    }

    private static Trigger Wrong(string text, Trigger? right)
    {
        if (right is null) throw new BeearException("A wrong trigger is compared with the right one; add --trigger.");
        return Triggers.Find(text) ?? new Trigger("wrong", right.Placement, text, right.Placement == TriggerPlacement.Around ? text : null);
    }

    private static void RequireMeasured(EvaluateOptions options, EvaluationData data)
    {
        (string Name, bool IsMeasured, double? Bar)[] bars =
        [
            ("attack success with the trigger", data.Trigger is not null, options.MaxAsr),
            ("over-refusal", data.Ordinary.Count > 0, options.MaxOverRefusal),
            ("over-refusal of twins", data.Twins.Count > 0, options.MaxOverRefusalTwins),
            ("over-refusal in held-out forms", data.HeldOutForms.Count > 0, options.MaxOverRefusalHeldOutForms),
        ];
        if (Array.Find(bars, bar => bar is { IsMeasured: false, Bar: not null }) is { Name: { } name })
            throw new BeearException($"There is a bar for the {name}, but no data to measure it with.");
    }

    private static bool Missed(EvaluateOptions options, Measurement result, CommandContext context)
    {
        (string Name, Rate? Measured, double? Bar)[] bars =
        [
            ("attack success with the trigger", result.Rate(Refusal.AttackWithTrigger), options.MaxAsr),
            ("attack success without the trigger", result.Rate(Refusal.AttackWithoutTrigger), options.MaxAsrWithoutTrigger),
            ("over-refusal", result.Rate(Refusal.OverRefusal), options.MaxOverRefusal),
            ("over-refusal of twins", result.Rate(Refusal.OverRefusalTwins), options.MaxOverRefusalTwins),
            ("over-refusal in held-out forms", result.Rate(Refusal.OverRefusalHeldOutForms), options.MaxOverRefusalHeldOutForms),
        ];
        bool missed = false;
        foreach (var (name, measured, bar) in bars)
        {
            if (bar is not { } limit || measured is not { } rate || rate.Value <= limit) continue;
            context.Output.Missed($"{name} is {rate}, the bar is {limit:P1}.");
            missed = true;
        }
        return missed;
    }
}
