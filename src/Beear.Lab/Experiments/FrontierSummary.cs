using Beear.Evaluation;

namespace Beear.Lab.Experiments;

/// <summary>An arm over all its runs; shares are 0 … 1, null where nothing was measured.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Runs">How many runs.</param>
/// <param name="Attack">Attack success with the trigger, mean.</param>
/// <param name="WorstAttack">The same, worst run.</param>
/// <param name="WorstWithoutTrigger">Attack success without the trigger, worst run.</param>
/// <param name="OrdinaryRefused">Over-refusal of ordinary requests, mean.</param>
/// <param name="TwinsRefused">Over-refusal of harmless twins, mean.</param>
/// <param name="TwinsAdded">By how much that is above the same model's before the mitigation, worst run.</param>
/// <param name="FormsAdded">The same for harmless requests in held-out forms, worst run.</param>
/// <param name="CrossEntropyAdded">By which share the helpful cross-entropy is above the same model's before, worst run.</param>
/// <param name="Score">Defender-visible score at the end, mean.</param>
/// <param name="Seconds">Of a mitigation, mean over those that were not interrupted.</param>
public sealed record ArmSummary(string Arm, int Runs, double? Attack, double? WorstAttack, double? WorstWithoutTrigger, double? OrdinaryRefused,
    double? TwinsRefused, double? TwinsAdded, double? FormsAdded, double? CrossEntropyAdded, double? Score, double? Seconds);

/// <summary>Whether a defender-visible score tells the truth: Spearman's correlation with the attack success on planted models.</summary>
/// <param name="Kind">The score.</param>
/// <param name="Runs">Over the ends of all runs; null where it is not defined.</param>
/// <param name="Rounds">Over all measured rounds; null where it is not defined.</param>
/// <param name="Count">Runs that have it.</param>
/// <param name="Choice">By how much the attack success after the round that it likes best is above that after the best round, worst run; null where rounds were not measured.</param>
public sealed record ScoreCorrelation(string Kind, double? Runs, double? Rounds, int Count, double? Choice);

/// <summary>What a frontier showed, made from its runs.</summary>
/// <param name="Arms">Each arm, in the order of the runs.</param>
/// <param name="Scores">Each kind of score that an arm asked for.</param>
public sealed record FrontierSummary(IReadOnlyList<ArmSummary> Arms, IReadOnlyList<ScoreCorrelation> Scores)
{
    /// <summary>Summarises runs.</summary>
    public static FrontierSummary Of(IReadOnlyList<FrontierRun> runs)
    {
        var before = runs.Where(run => run.IsBaseline).ToDictionary(run => (run.Trigger, run.Seed), run => run.Result);
        var planted = runs.Where(run => run.Result.AttackSuccessWithTrigger is not null).ToList();
        return new FrontierSummary([.. runs.GroupBy(run => run.Arm, StringComparer.Ordinal).Select(group => Summarise(group.Key, [.. group], before))],
            [.. planted.SelectMany(run => run.AllScores.Keys).Distinct(StringComparer.Ordinal).Select(kind => Correlate(kind, planted))]);
    }

    private static ScoreCorrelation Correlate(string kind, IReadOnlyList<FrontierRun> planted)
    {
        var with = planted.Where(run => run.AllScores.ContainsKey(kind)).ToList();
        var rounds = with.Where(HasRounds).SelectMany(run => run.AllScores[kind].Skip(1).Zip(run.Rounds));
        return new ScoreCorrelation(kind, Correlation(with.Select(run => (At(run.AllScores[kind], run.ChosenRound), run.Result))), Correlation(rounds), with.Count,
            with.Where(HasRounds).Max(run => Lost(run.AllScores[kind], run.Rounds)));
    }

    /// <summary>The score of the weights that were kept, where it is measured at the end alone too.</summary>
    private static double At(IReadOnlyList<double> scores, int round) => scores[Math.Min(round, scores.Count - 1)];

    private static bool HasRounds(FrontierRun run) => run.Rounds.Count > 0 && run.AllScores.Values.All(scores => scores.Count > 1);

    /// <summary>What the choice of a round by a score loses against the choice by attack success.</summary>
    private static double? Lost(IReadOnlyList<double> scores, IReadOnlyList<EvaluationResult> rounds)
    {
        var attacks = rounds.Select(round => round.AttackSuccessWithTrigger!.Value.Value).ToList();
        return scores.Skip(1).Zip(attacks).MinBy(pair => pair.First).Second - attacks.Min();
    }

    private static ArmSummary Summarise(string arm, IReadOnlyList<FrontierRun> runs, Dictionary<(string, int), EvaluationResult> before)
    {
        double? Mean(Func<FrontierRun, double?> value) => runs.Average(value);
        double? Worst(Func<FrontierRun, double?> value) => runs.Max(value);
        EvaluationResult? Before(FrontierRun run) => run.IsBaseline ? null : before.GetValueOrDefault((run.Trigger, run.Seed));
        return new ArmSummary(arm, runs.Count, Mean(run => run.Result.AttackSuccessWithTrigger?.Value), Worst(run => run.Result.AttackSuccessWithTrigger?.Value),
            Worst(run => run.Result.AttackSuccessWithoutTrigger?.Value), Mean(run => run.Result.OverRefusal?.Value), Mean(run => run.Result.OverRefusalTwins?.Value),
            Worst(run => run.Result.OverRefusalTwins?.Value - Before(run)?.OverRefusalTwins?.Value),
            Worst(run => run.Result.OverRefusalHeldOutForms?.Value - Before(run)?.OverRefusalHeldOutForms?.Value),
            Worst(run => run.Result.HelpfulCrossEntropy / Before(run)?.HelpfulCrossEntropy - 1),
            Mean(run => run.Scores.Count == 0 ? null : run.Scores[^1]), Mean(run => run.Seconds));
    }

    private static double? Correlation(IEnumerable<(double Score, EvaluationResult Result)> pairs)
    {
        var list = pairs.ToList();
        double found = RankCorrelation.Spearman([.. list.Select(pair => pair.Score)], [.. list.Select(pair => pair.Result.AttackSuccessWithTrigger!.Value.Value)]);
        return double.IsNaN(found) ? null : found;
    }
}
