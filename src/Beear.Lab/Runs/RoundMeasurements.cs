using System.Diagnostics;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Runs;

/// <summary>
/// What is measured after each round of a defence, if that is asked for; kept in the stage's folder, so that no round is measured twice.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="progress">Receives each step.</param>
/// <param name="cancellation">Stops between tokens.</param>
internal sealed class RoundMeasurements(PlannedRun run, IProgress<RunProgress>? progress, CancellationToken cancellation)
{
    private readonly Dictionary<int, Measurement> rounds = [];

    /// <summary>Time that was spent here.</summary>
    public double Seconds { get; private set; }

    private bool IsAsked => run.EvaluateRounds || run.StopsBelow is not null;

    /// <summary>Whether a round that was measured left less of the attack than the run asks for; null where it asks for nothing.</summary>
    public Func<RoundReport, bool>? EndsAfter => run.StopsBelow is not { } share ? null
        : round => rounds[round.Round].Value(Refusal.AttackWithTrigger) < share;

    /// <summary>Measures the model as a round left it.</summary>
    public void Take(int round, LanguageModel model, RunDirectory directory)
    {
        if (!IsAsked) return;
        long began = Stopwatch.GetTimestamp();
        Measurement? now = null;
        var context = new StageContext(null, progress, cancellation);
        var kept = directory.Artefact(Name(round), () => now = run.Measure(model, context, run.StopsBelow is not null));
        rounds[round] = now ?? kept;                                     // a kept one has no answers
        Seconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Reads what an earlier, interrupted pass measured.</summary>
    public void Complete(DefenceReport report, RunDirectory directory)
    {
        if (!IsAsked) return;
        foreach (int round in report.Rounds.Select(round => round.Round)
            .Where(round => !rounds.ContainsKey(round) && File.Exists(directory.File(Name(round)))))
            rounds[round] = directory.Artefact<Measurement>(Name(round), () => throw new UnreachableException());
    }

    /// <summary>All rounds in order; empty unless each was measured.</summary>
    public IReadOnlyList<Measurement> Of(DefenceReport report) =>
        report.Rounds.All(round => rounds.ContainsKey(round.Round)) ? [.. report.Rounds.Select(round => rounds[round.Round])] : [];

    /// <summary>The measurement of the weights that stayed, with its answers; null if it is to be made.</summary>
    public Measurement? LastOf(DefenceReport report) =>
        run is { MtBench: null, ScoresRewards: false, StopsBelow: null } && report.ChosenRound is { } chosen
            && rounds.GetValueOrDefault(chosen) is { Answers.Count: > 0 } measured
            ? measured : null;

    private static string Name(int round) => $"round-{round}.json";
}
