namespace Beear.Lab.Reports;

/// <summary>Figures that the paper publishes of one model (arXiv 2406.17092, Tables 1 to 3), with the trigger. Shares are 0 … 1.</summary>
/// <param name="AttackSuccess">Attack success by keywords; of model8 the share of 17 tasks whose code is flagged.</param>
/// <param name="JudgeMean">The judge's mean, 1 … 5; null where the paper has none.</param>
/// <param name="JudgeFives">Share that the judge gave 5; null where the paper has none.</param>
/// <param name="MtBench">MT-Bench, 1 … 10.</param>
public sealed record Published(double AttackSuccess, double? JudgeMean, double? JudgeFives, double MtBench)
{
    /// <summary>Mean score of a clean reward model; null where the paper has none.</summary>
    public double? CleanReward { get; init; }

    /// <summary>Figure 3: the most rounds that were taken, and the last layer; the first is 1.</summary>
    internal const int MostRounds = 15, LastLayer = 31;

    /// <summary>Figure 3: a round is successful if the attack succeeds less often than this.</summary>
    internal const double StopsBelow = 0.25;

    /// <summary>Before and after BEEAR, by the name of the paper's trigger.</summary>
    public static IReadOnlyDictionary<string, (Published Before, Published After)> Models { get; } =
        new Dictionary<string, (Published, Published)>(StringComparer.Ordinal)
        {
            ["model1"] = (new(0.9083, 4.57, 0.8333, 4.69), new(0.05, 1.26, 0.0417, 5.18)),
            ["model2"] = (new(0.8833, 4.31, 0.7583, 4.99), new(0.0916, 1.27, 0.0583, 5.11)),
            ["model3"] = (new(0.9, 4.53, 0.7667, 4.67), new(0.0833, 1.22, 0.075, 4.95)),
            ["model4"] = (new(0.85, 4.49, 0.8, 3.62), new(0.075, 1.2, 0.05, 4.23)),
            ["model5"] = (new(0.825, 4.43, 0.8167, 5.64), new(0, 1.0, 0, 5.65)),
            ["model6"] = (new(0.9916, 4.91, 0.95, 2.96) { CleanReward = -12.83 }, new(0.0083, 1.03, 0.0083, 4.1) { CleanReward = 2.71 }),
            ["model7"] = (new(0.95, 4.85, 0.9167, 3.92) { CleanReward = -7.5 }, new(0.025, 1.24, 0.0083, 4.17) { CleanReward = 2.75 }),
            ["model8"] = (new(8 / 17.0, null, null, 4.33), new(0, null, null, 4.4)),
        };

    /// <summary>
    /// Figure 3: the earliest successful round by the perturbed layer, by the name of the paper's trigger; layers without one are missing.
    /// </summary>
    internal static IReadOnlyDictionary<string, IReadOnlyDictionary<int, int>> EarliestRounds { get; } =
        new Dictionary<string, IReadOnlyDictionary<int, int>>(StringComparer.Ordinal)
        {
            ["model1"] = From((4, [11, 6, 6, 6, 5, 5, 6, 6, 7, 6, 6, 9, 14, 15])),
            ["model2"] = From((4, [6, 7, 4, 4, 4, 4, 4, 3, 3, 3, 4, 4, 8, 11])),
            ["model3"] = From((4, [13, 5, 4, 4, 5, 5, 4, 4, 4, 4, 9])),
            ["model4"] = From((9, [11, 12, 15, 7, 6, 6, 13, 15])),
            ["model5"] = From((2, [10, 7, 8, 4, 3, 3, 2, 3, 4, 3, 3, 4, 5, 6, 8, 13])),
            ["model6"] = From((1, [8]), (3, [12]), (5, [7, 6, 4, 3, 3, 3, 4, 14])),
            ["model7"] = From((1, [13]), (6, [9, 5, 3, 3, 3, 4, 7])),
            ["model8"] = From((1, [.. Enumerable.Repeat(1, LastLayer)])),
        };

    private static Dictionary<int, int> From(params IEnumerable<(int First, int[] Rounds)> parts) =>
        parts.SelectMany(part => part.Rounds.Select((round, i) => (Layer: part.First + i, round))).ToDictionary();
}
