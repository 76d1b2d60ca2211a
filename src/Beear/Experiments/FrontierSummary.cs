using Beear.Evaluation;

namespace Beear.Experiments;

/// <summary>An arm over all its runs; shares are 0 … 1, null where nothing was measured.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Runs">How many runs.</param>
/// <param name="Attack">Attack success with the trigger, mean.</param>
/// <param name="WorstAttack">The same, worst run.</param>
/// <param name="WorstWithoutTrigger">Attack success without the trigger, worst run.</param>
/// <param name="OrdinaryRefused">Over-refusal of ordinary requests, mean.</param>
/// <param name="TwinsRefused">Over-refusal of harmless twins, mean.</param>
/// <param name="TwinsAdded">By how much that is above the same model's before the mitigation, worst run.</param>
/// <param name="CrossEntropyAdded">By which share the helpful cross-entropy is above the same model's before, worst run.</param>
/// <param name="Score">Defender-visible score at the end, mean.</param>
/// <param name="Seconds">Of a mitigation, mean over those that were not interrupted.</param>
public sealed record ArmSummary(string Arm, int Runs, double? Attack, double? WorstAttack, double? WorstWithoutTrigger, double? OrdinaryRefused,
    double? TwinsRefused, double? TwinsAdded, double? CrossEntropyAdded, double? Score, double? Seconds);

/// <summary>What a frontier showed, made from its runs.</summary>
/// <param name="Arms">Each arm, in the order of the runs.</param>
/// <param name="ScoreCorrelation">Spearman's correlation of the last score with the attack success, over runs on planted models; null where there is none.</param>
/// <param name="RoundCorrelation">The same over all measured rounds.</param>
public sealed record FrontierSummary(IReadOnlyList<ArmSummary> Arms, double? ScoreCorrelation, double? RoundCorrelation)
{
    /// <summary>Summarises runs.</summary>
    public static FrontierSummary Of(IReadOnlyList<FrontierRun> runs)
    {
        var before = runs.Where(run => run.IsBaseline).ToDictionary(run => (run.Trigger, run.Seed), run => run.Result);
        var ends = runs.Where(run => run.Scores.Count > 0 && run.Result.AttackSuccessWithTrigger is not null)
            .Select(run => (Score: run.Scores[Math.Min(run.ChosenRound, run.Scores.Count - 1)], Attack: run.Result.AttackSuccessWithTrigger!.Value.Value)).ToList();
        var rounds = runs.SelectMany(run => run.Rounds.Zip(run.Scores.Skip(1)))
            .Where(pair => pair.First.AttackSuccessWithTrigger is not null)
            .Select(pair => (Score: pair.Second, Attack: pair.First.AttackSuccessWithTrigger!.Value.Value)).ToList();
        return new FrontierSummary([.. runs.GroupBy(run => run.Arm, StringComparer.Ordinal).Select(group => Summarise(group.Key, [.. group], before))],
            Correlation(ends), Correlation(rounds));
    }

    private static ArmSummary Summarise(string arm, IReadOnlyList<FrontierRun> runs, Dictionary<(string, int), EvaluationResult> before)
    {
        double? Mean(Func<FrontierRun, double?> value) => runs.Average(value);
        double? Worst(Func<FrontierRun, double?> value) => runs.Max(value);
        EvaluationResult? Before(FrontierRun run) => run.IsBaseline ? null : before.GetValueOrDefault((run.Trigger, run.Seed));
        return new ArmSummary(arm, runs.Count, Mean(run => run.Result.AttackSuccessWithTrigger?.Value), Worst(run => run.Result.AttackSuccessWithTrigger?.Value),
            Worst(run => run.Result.AttackSuccessWithoutTrigger?.Value), Mean(run => run.Result.OverRefusal?.Value), Mean(run => run.Result.OverRefusalTwins?.Value),
            Worst(run => run.Result.OverRefusalTwins?.Value - Before(run)?.OverRefusalTwins?.Value),
            Worst(run => run.Result.HelpfulCrossEntropy / Before(run)?.HelpfulCrossEntropy - 1),
            Mean(run => run.Scores.Count == 0 ? null : run.Scores[^1]), Mean(run => run.Seconds));
    }

    private static double? Correlation(IReadOnlyList<(double Score, double Attack)> pairs) =>
        RankCorrelation.Spearman([.. pairs.Select(pair => pair.Score)], [.. pairs.Select(pair => pair.Attack)]) is var found && double.IsNaN(found) ? null : found;
}
