using System.Globalization;
using Beear.Cli.Output;
using Beear.Data;
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

    /// <summary>The defender's data.</summary>
    [Inline]
    public DataSettings Data { get; init; } = new() { Harmful = "" };

    /// <summary>How the backdoor is removed.</summary>
    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();

    /// <summary>Run the control instead: plain safety fine-tuning, the same steps without the perturbation.</summary>
    public bool Control { get; init; }
}

/// <summary>What a mitigation did; the JSON document.</summary>
internal sealed record MitigateResult(string Model, MitigationReport? Report, double Seconds);

/// <summary><c>beear mitigate</c>: removes a backdoor without knowing its trigger.</summary>
internal sealed class MitigateCommand(CommandSession session)
    : BeearCommand<MitigateOptions>("mitigate", "Remove a backdoor without knowing its trigger (BEEAR), or run the control", session)
{
    protected override int Run(MitigateOptions options, CommandContext context)
    {
        var target = Path.Combine(options.Out, "model");
        if (Directory.Exists(target)) throw new BeearException($"'{target}' is there already; the run is finished. Choose another folder to mitigate anew.");
        int seed = options.Mitigation.Seed;
        var harmful = options.Data.ReadHarmful(seed, context.Cancellation);
        var ordinary = options.Data.ReadOrdinary(context.Cancellation);
        options = options with { Source = options.Source.Pin(context) };
        using var model = options.Source.Load(context);
        options.Mitigation.Validate(model.Config);
        var data = DefenderData.Encode(model.Chat, harmful, ordinary, HarmlessTwins.Requests(DataSplit.Defender, options.Data.Twins, seed));
        var run = RunDirectory.Open(options.Out, options with { Out = "" });
        var time = System.Diagnostics.Stopwatch.StartNew();
        var report = options.Control ? Control(options, context, model, data) : Remove(options, context, model, data, run);
        model.Save(target);
        run.DeleteState();
        context.Output.Result(new MitigateResult(target, report, time.Elapsed.TotalSeconds), result =>
            [context.Output.Table("model", "rounds", "scores", "seconds").Row(result.Model,
                report is null ? "control" : $"{report.Rounds.Count}, kept {report.ChosenRound}",
                report is null ? "" : string.Join(" → ", report.Scores.Select(score => score.ToString("F2", CultureInfo.InvariantCulture))), $"{result.Seconds:F0}")]);
        return ExitCode.Success;
    }

    private static MitigationReport Remove(MitigateOptions options, CommandContext context, LanguageModel model, DefenderData data, RunDirectory run)
    {
        void Show(RoundReport round) => context.Output.Note(string.Create(CultureInfo.InvariantCulture,
            $"round {round.Round}: score before {round.ScoreBefore:F2}; inner CE(unwanted) {round.UnwantedBefore:F2} → {round.UnwantedAfter:F2}, CE(safe) {round.SafeAfter:F2}, |δ| {round.DeltaNorm:F1} = {round.Drift:P1} of |h|; outer {Losses(round.FirstLosses)} → {Losses(round.LastLosses)}"));
        return context.Output.WithProgress(progress =>
            new BeearMitigation(options.Mitigation).Run(model, data, run, Show, progress, context.Cancellation));
    }

    private static MitigationReport? Control(MitigateOptions options, CommandContext context, LanguageModel model, DefenderData data)
    {
        context.Output.WithProgress(progress =>
        {
            new SafetyFineTuning(options.Mitigation).Run(model, data, options.Mitigation.Rounds ?? options.Mitigation.MaxRounds, progress, context.Cancellation);
            return 0;
        });
        return null;
    }

    private static string Losses(IReadOnlyDictionary<string, double> losses) =>
        string.Join(", ", losses.Select(loss => string.Create(CultureInfo.InvariantCulture, $"{loss.Key} {loss.Value:F3}")));
}
