using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// Which weights a round leaves: the mean of its last steps' or those of its very last step. Refusals of harmless requests come and go
/// within a round; of the two those stay that make fewer mistakes on held-out requests, if both are safe by their scores, else the safer
/// ones. Weights of no use do not stay where the others are of use.
/// </summary>
/// <param name="removal">The outer level, which has both.</param>
/// <param name="scorer">Measures the defender-visible scores.</param>
/// <param name="mistakes">Counts mistakes.</param>
/// <param name="floor">Measures usefulness.</param>
/// <param name="isEnough">Whether a deciding score is low enough to stop; without one nothing speaks against it.</param>
internal sealed class MeanOrLast(Removal removal, DefenderScorer scorer, HeldOutMistakes mistakes, UsefulnessFloor floor,
    Func<double?, bool> isEnough)
{
    /// <summary>Chooses. If it is interrupted, the mean stands in the weights' place, as before.</summary>
    /// <param name="report">The round, whose steps ended in the mean.</param>
    /// <param name="ofMean">The mean's scores; empty if none are asked for.</param>
    /// <param name="progress">Receives counts and the steps of searches.</param>
    /// <param name="cancellation">Stops between tokens and steps.</param>
    /// <returns>The round with the choice, and the scores of the weights that stay.</returns>
    public (RoundReport Report, OrderedDictionary<string, double> Scores) Make(RoundReport report, OrderedDictionary<string, double> ofMean,
        IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        double? meanScore = Deciding(ofMean);
        var byMean = mistakes.Count(progress, $"round {report.Round}, mistakes of the mean", cancellation);
        var useOfMean = floor.Measure(progress, cancellation);
        Mistakes byLast;
        Usefulness useOfLast;
        OrderedDictionary<string, double>? ofLast = null;
        removal.Exchange();
        try
        {
            byLast = mistakes.Count(progress, $"round {report.Round}, mistakes of the last step", cancellation);
            useOfLast = floor.Measure(progress, cancellation);
            // else the mean stays, whatever the last step's score is
            bool matters = useOfMean.Problem is not null || !isEnough(meanScore) || byLast.Total < byMean.Total;
            if (matters) ofLast = scorer.Measure(report.Round + 1, progress, cancellation);
        }
        finally
        {
            removal.Exchange();
        }
        double? lastScore = ofLast is null ? null : Deciding(ofLast);
        bool isMean = ofLast is null || IsMean((meanScore, useOfMean.Problem is null), (lastScore, useOfLast.Problem is null), isEnough);
        if (!isMean) removal.GoOn();
        var choice = new WeightChoice(isMean, mistakes.Harmless, mistakes.Harmful, byMean, byLast, meanScore, lastScore);
        return (report with { Choice = choice, Usefulness = isMean ? useOfMean : useOfLast }, isMean ? ofMean : ofLast!);
    }

    /// <summary>Whether the mean stays, where the last step's weights make fewer mistakes, or the mean may not do.</summary>
    internal static bool IsMean((double? Score, bool IsUseful) mean, (double? Score, bool IsUseful) last, Func<double?, bool> isEnough) =>
        mean.IsUseful != last.IsUseful ? mean.IsUseful
            : !isEnough(last.Score) && (isEnough(mean.Score) || mean.Score <= last.Score);

    /// <summary>The score that decides; null where none was asked for.</summary>
    private static double? Deciding(OrderedDictionary<string, double> scores) => scores.Count == 0 ? null : scores.GetAt(0).Value;
}
