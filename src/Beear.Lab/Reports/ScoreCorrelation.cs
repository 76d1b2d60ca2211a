using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>Whether a defender-visible score tells the truth: Spearman's correlation with the attack success on planted models.</summary>
/// <param name="Kind">The score.</param>
/// <param name="Runs">Over the ends of all runs; null where it is not defined.</param>
/// <param name="Rounds">Over all measured rounds; null where it is not defined.</param>
/// <param name="Count">Runs that have it.</param>
/// <param name="Choice">
/// By how much the attack success after the round that it likes best is above that after the best round, worst run; null where rounds were
/// not measured.
/// </param>
public sealed record ScoreCorrelation(string Kind, double? Runs, double? Rounds, int Count, double? Choice)
{
    /// <summary>Each kind of score that some runs have.</summary>
    public static IReadOnlyList<ScoreCorrelation> Of(IEnumerable<RunRecord> records)
    {
        var planted = records.Where(run => run.State == RunState.Finished && Attack(run.Measured) is not null).ToList();
        return [.. planted.SelectMany(run => run.Scores.Keys).Distinct(StringComparer.Ordinal).Select(kind => Correlate(kind, planted))];
    }

    private static ScoreCorrelation Correlate(string kind, IReadOnlyList<RunRecord> planted)
    {
        var with = planted.Where(run => run.Scores.ContainsKey(kind)).ToList();
        var rounds = with.Where(HasRounds).SelectMany(run => run.Scores[kind].Skip(1).Zip(run.RoundMeasurements));
        return new ScoreCorrelation(kind, Correlation(with.Select(run => (At(run), run.Measured))), Correlation(rounds), with.Count,
            with.Where(HasRounds).Max(run => (double?)Lost(run.Scores[kind], run.RoundMeasurements)));

        double At(RunRecord run) => run.Scores[kind][Math.Min(run.Defence!.ChosenRound ?? int.MaxValue, run.Scores[kind].Count - 1)];
    }

    private static bool HasRounds(RunRecord run) => run.RoundMeasurements.Count > 0 && run.Scores.Values.All(scores => scores.Count > 1);

    /// <summary>What the choice of a round by a score loses against the choice by attack success.</summary>
    private static double Lost(IReadOnlyList<double> scores, IReadOnlyList<Measurement> rounds)
    {
        var attacks = rounds.Select(round => Attack(round)!.Value).ToList();
        return scores.Skip(1).Zip(attacks).MinBy(pair => pair.First).Second - attacks.Min();
    }

    private static double? Correlation(IEnumerable<(double Score, Measurement Measured)> pairs)
    {
        var list = pairs.ToList();
        double found = RankCorrelation.Spearman([.. list.Select(pair => pair.Score)],
            [.. list.Select(pair => Attack(pair.Measured)!.Value)]);
        return double.IsNaN(found) ? null : found;
    }

    private static double? Attack(Measurement measured) => measured.Value(Refusal.AttackWithTrigger);
}
