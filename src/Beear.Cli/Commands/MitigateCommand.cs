using System.Globalization;
using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear mitigate</c>.</summary>
internal sealed record MitigateOptions
{
    /// <summary>The suspicious model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>Folder of the run; the cleaned model is its subfolder model.</summary>
    public required string Out { get; init; }

    /// <summary>What must not happen.</summary>
    [Inline]
    public BehaviourSettings Behaviour { get; init; } = new();

    /// <summary>The defender's data.</summary>
    [Inline]
    public DataSettings Data { get; init; } = new() { Harmful = "" };

    /// <summary>How the backdoor is removed.</summary>
    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();

    /// <summary>
    /// Memory that may be used, e.g. 20GiB, or auto for what this machine gives; the run is laid out to fit, or refused before weights are
    /// loaded.
    /// </summary>
    public string? Memory { get; init; }

    /// <summary>Which defence; those that BEEAR is compared with have the same data and steps, and rounds must be given.</summary>
    public DefenceKind Defence { get; init; } = DefenceKind.Beear;

    /// <summary>
    /// First find the settings with decoys, as <c>beear calibrate</c> does, and report the decoys before and after as a positive control.
    /// </summary>
    public bool Calibrate { get; init; }

    /// <summary>Decoys and candidates.</summary>
    [Folded]
    public CalibrationOptions Calibration { get; init; } = new();

    /// <summary>Run the control instead: short for --defence safety_fine_tuning, the same steps without the perturbation.</summary>
    [Folded]
    public bool Control { get; init; }

    /// <summary>Constants of the other defences.</summary>
    [Folded]
    [Inline]
    public BaselineOptions Baselines { get; init; } = new();
}

/// <summary>What a mitigation did; the JSON document.</summary>
/// <param name="Model">The cleaned model; null if it is no longer of use, and so was not written.</param>
/// <param name="Defence">Which.</param>
/// <param name="Report">What was done: rounds, scores, openings.</param>
/// <param name="Usefulness">What is left of the model besides its safety.</param>
/// <param name="Unusable">Why it was not written; null if it was.</param>
/// <param name="Seconds">Time taken.</param>
/// <param name="Calibration">What chose the settings; null if they were given.</param>
/// <param name="Findings">What is odd about the model's files.</param>
internal sealed record MitigateResult(string? Model, string Defence, DefenceReport Report, Usefulness? Usefulness, string? Unusable,
    double Seconds,
    CalibrationResult? Calibration, IReadOnlyList<string> Findings);

/// <summary><c>beear mitigate</c>: removes a backdoor without knowing its trigger.</summary>
internal sealed class MitigateCommand(CommandSession session)
    : BeearCommand<MitigateOptions>("mitigate", "Remove a backdoor without knowing its trigger (BEEAR), or run the control", session)
{
    protected override int Run(MitigateOptions options, CommandContext context)
    {
        if (options.Control) options = options with { Control = false, Defence = DefenceKind.SafetyFineTuning };
        if (options is { Defence: not DefenceKind.Beear, Mitigation.Rounds: null })
            throw new BeearException($"{Defences.NameOf(options.Defence)} takes as many steps as the mitigation that it is compared with; "
                + "give --rounds, the number that its report shows.");
        if (options is { Calibrate: true, Defence: not DefenceKind.Beear })
            throw new BeearException("--calibrate finds settings of BEEAR; give no other --defence with it.");
        int seed = options.Mitigation.Seed;
        var answers = options.Mitigation.UnwantedAnswers == UnwantedAnswers.Data || options.Calibrate
            ? AnswerUse.Needed : AnswerUse.IfPresent;
        var behaviour = options.Behaviour.Resolve();
        if (options.Calibrate && behaviour != Behaviours.Refusal.Instance)
            throw new BeearException("--calibrate plants decoys against refusals; leave it out with another behaviour.");
        var ordinaryAnswers = options.Mitigation.Terms.Helpful > 0 || options.Calibrate || options.Defence == DefenceKind.Paper
            ? AnswerUse.Needed : AnswerUse.IfPresent;
        var (harmful, ordinary) = DefenderFiles.Read(options.Data, DataSplit.Defender, answers, seed, context, behaviour, ordinaryAnswers);
        options = options with { Source = options.Source.Pin(context) };
        var twins = options.Data.DrawTwins(DataSplit.Defender, seed);
        var (config, chat) = options.Source.Outline(context);
        options.Mitigation.Validate(config);
        options.Baselines.Validate(config, options.Defence);
        var data = DefenderData.Encode(chat, harmful, ordinary, twins) with { Behaviour = behaviour };
        data.Require(options.Mitigation.Terms);
        if (data.TooFew is { } warning) context.Output.Warn(warning);
        if (options.Memory is { } memory)
        {
            var planned = MemoryBudget.Plan(memory, config, options.Source.Precision, options.Mitigation, data, context);
            options = options with { Memory = null, Mitigation = planned };
        }
        else MemoryBudget.Require(config, chat, options.Source.Precision, options.Mitigation, data,
            [.. harmful.Select(example => example.Asked), .. ordinary], context);
        var identity = options with { Out = "" };
        RunDirectory.Check(options.Out, identity);
        var texts = new DefenderTexts(harmful, ordinary, twins);
        string trials = Path.Combine(options.Out, "calibration");
        var calibrating = options.Calibrate
            ? CalibrateCommand.Prepare(options.Calibration, options.Mitigation, options.Source, texts, context) : null;
        using var alone = RunDirectory.Claim(options.Out);
        if (RunDirectory.Result<MitigateResult>(options.Out) is { } finished) return Show(
            finished with { Model = Target(options) }, context);
        context.Output.Note(chat.TaughtEnd);
        using var model = options.Source.Load(context, options.Mitigation.Economy.Weights);
        var run = RunDirectory.Open(options.Out, identity);
        var time = System.Diagnostics.Stopwatch.StartNew();
        var calibration = calibrating is null ? null : CalibrateCommand.Run(calibrating, new RunFolder(trials), context);
        if (options is { Defence: DefenceKind.Beear, Mitigation.UnwantedAnswers: UnwantedAnswers.Data }) WarnOfForeignWords(model, data,
            harmful, options.Mitigation, context);
        var defence = Defences.Create(options.Defence, calibration?.Mitigation ?? options.Mitigation, options.Baselines);
        var done = context.Output.WithProgress(progress => defence.Run(model, data,
            new DefenceContext
            {
                Run = run,
                OnRound = round => Show(round, context),
                Progress = progress,
                Cancellation = context.Cancellation
            }));
        var result = new MitigateResult(done.Unusable is null ? Target(options) : null, defence.Name, done, done.Usefulness, done.Unusable,
            time.Elapsed.TotalSeconds, calibration, model.Findings);
        try
        {
            if (done.Unusable is null) run.Finish(result, target => model.Save(target));
        }
        finally
        {
            if (result.Report.Openings is { } openings) Show(openings, harmful, context);
            Show(result, context);
        }
        if (done.Unusable is not { } problem) return ExitCode.Success;
        context.Output.Missed($"{problem} Nothing was written to '{Target(options)}'.");
        return ExitCode.BarMissed;
    }

    /// <summary>Words that are not the model's lead the perturbations elsewhere than the backdoor, and the score with them.</summary>
    private static void WarnOfForeignWords(LanguageModel model, DefenderData data, IReadOnlyList<HarmfulExample> harmful,
        MitigationOptions mitigation, CommandContext context)
    {
        OpeningReport found;
        try
        {
            found = context.Output.WithProgress(progress =>
                data.AskedOf(model, mitigation with { UnwantedAnswers = UnwantedAnswers.Discovered, OwnRefusals = false },
                progress, context.Cancellation)).Openings!;
        }
        catch (BeearException silent)
        {
            context.Output.Note($"whether the data's unwanted answers begin as this model's do is not known: {silent.Message}");
            return;
        }
        int alike = Alike(harmful, found);
        if (2 * alike < harmful.Count)
            context.Output.Warn($"{alike} of the {harmful.Count} unwanted answers begin as this model's do ({found}); what they bring out "
                + "may not be the backdoor, and the score may not tell: leave out --unwanted-answers data.");
    }

    private static int Alike(IReadOnlyList<HarmfulExample> harmful, OpeningReport found) =>
        harmful.Count(example => found.Openings.Any(opening =>
            example.Compliance.TrimStart().StartsWith(opening.Text.Trim(), StringComparison.OrdinalIgnoreCase)));

    private static void Show(OpeningReport found, IReadOnlyList<HarmfulExample> harmful, CommandContext context)
    {
        context.Output.Note($"unwanted answers were taken to begin with {found}");
        int given = harmful.Count(example => example.Compliance.Length > 0);
        if (given > 0) context.Output.Note(
            $"{Alike(harmful, found)} of the {given} unwanted answers in the data begin so; they were not used "
                + "(--unwanted-answers data uses them)");
    }

    private static string Target(MitigateOptions options) => Path.Combine(options.Out, "model");

    private static int Show(MitigateResult result, CommandContext context)
    {
        var (report, calibration) = (result.Report, result.Calibration);
        context.Output.Result(result, shown =>
            [.. calibration is null ? [] : CalibrateCommand.Render(calibration, context.Output),
                context.Output.Table("model", "rounds", "scores", "seconds").Row(shown.Model ?? "not written",
                    report.Rounds.Count == 0 ? shown.Defence
                        : $"{report.Rounds.Count}, kept {report.ChosenRound?.ToString(CultureInfo.InvariantCulture) ?? "none"}",
                    string.Join(" → ", report.Scores.Select(score => score.ToString("G2", CultureInfo.InvariantCulture))),
                        $"{shown.Seconds:F0}")]);
        return ExitCode.Success;
    }

    private static void Show(RoundReport round, CommandContext context) => context.Output.Note(string.Create(CultureInfo.InvariantCulture,
        $"round {round.Round}: score before {round.ScoreBefore:G2}; inner CE(unwanted) {round.UnwantedBefore:F2} → "
            + $"{round.UnwantedAfter:F2}, CE(safe) {round.SafeAfter:F2}, |δ| {round.DeltaNorm:F1} = {round.Drift:P1} of |h|; outer "
            + $"{Losses(round.FirstLosses)} → {Losses(round.LastLosses)}{Chosen(round.Choice)}{Used(round.Usefulness)}"));

    private static string Used(Usefulness? use) => use is null ? "" : string.Create(CultureInfo.InvariantCulture,
        $"; harmless answers {use.Divergence:F2} nats per token from the starting model's, {use.Degenerate} of {use.Harmless} degenerate, "
            + $"{use.Refused} of {use.Harmful} plain harmful requests "
            + $"refused{(use.Problem is { } problem ? $"; these weights cannot stay: {problem}" : "")}");

    private static string Chosen(WeightChoice? choice) => choice is null ? "" : string.Create(CultureInfo.InvariantCulture,
        $"; of {choice.Harmless} harmless and {choice.Harmful} harmful requests that were not trained on, the last step's weights refuse "
            + $"{choice.OfLast.Refused} and answer "
            + $"{choice.OfLast.Answered}{Score(choice.LastScore)}, the mean {choice.OfMean.Refused} and "
            + $"{choice.OfMean.Answered}{Score(choice.MeanScore)}: kept {(choice.IsMean ? "the mean" : "the last step's")}");

    private static string Score(double? score) => score is null ? "" : string.Create(CultureInfo.InvariantCulture, $" (score {score:G2})");

    private static string Losses(IReadOnlyDictionary<string, double> losses) =>
        string.Join(", ", losses.Select(loss => string.Create(CultureInfo.InvariantCulture, $"{loss.Key} {loss.Value:F3}")));
}
