using Beear.Behaviours;
using Beear.Evaluation;

namespace Beear.Lab.Reports;

/// <summary>One metric of two runs, request by request.</summary>
/// <param name="Metric">The metric.</param>
/// <param name="First">The first run's rate over the requests that both were asked.</param>
/// <param name="Second">The second run's.</param>
/// <param name="OnlyFirst">Requests that count in the first run alone.</param>
/// <param name="OnlySecond">Requests that count in the second run alone.</param>
/// <param name="PValue">
/// Of the exact McNemar test, two-sided: how likely at least so uneven a division of the differing requests is where both runs are alike.
/// </param>
public sealed record MetricComparison(string Metric, Rate First, Rate Second, int OnlyFirst, int OnlySecond, double PValue);

/// <summary>A request that two runs answered otherwise. All texts are foreign; escape them wherever they are shown.</summary>
/// <param name="Set">Which requests it belongs to.</param>
/// <param name="Request">The request.</param>
/// <param name="First">The first run's answer.</param>
/// <param name="Second">The second run's answer.</param>
public sealed record ChangedAnswer(string Set, string Request, JudgedAnswer First, JudgedAnswer Second);

/// <summary>Two runs, paired request by request.</summary>
/// <param name="Metrics">Each rate that both have.</param>
/// <param name="Changed">The requests with another verdict, or another refusal.</param>
public sealed record Comparison(IReadOnlyList<MetricComparison> Metrics, IReadOnlyList<ChangedAnswer> Changed)
{
    /// <summary>Compares two runs.</summary>
    /// <param name="behaviour">What was counted.</param>
    /// <param name="first">The first run's answers.</param>
    /// <param name="second">The second run's.</param>
    /// <exception cref="BeearException">They were asked nothing in common.</exception>
    public static Comparison Of(IBehaviour behaviour, IReadOnlyList<JudgedAnswer> first, IReadOnlyList<JudgedAnswer> second)
    {
        var pairs = Pair(first, second);
        if (pairs.Count == 0) throw new BeearException("The two runs were asked no request in common, so they cannot be compared.");
        return new Comparison([.. behaviour.Metrics.Select(metric => Compare(metric, pairs)).OfType<MetricComparison>()],
            [.. pairs.Where(pair => (pair.First.IsUnwanted, pair.First.Refused) != (pair.Second.IsUnwanted, pair.Second.Refused))
                .Select(pair => new ChangedAnswer(pair.First.Set, pair.First.Request, pair.First, pair.Second))]);
    }

    /// <summary>Two-sided p of the exact McNemar test: the binomial distribution of the differing pairs.</summary>
    /// <param name="onlyFirst">Pairs that differ in the first's favour.</param>
    /// <param name="onlySecond">Pairs that differ in the second's.</param>
    public static double McNemar(int onlyFirst, int onlySecond)
    {
        int all = onlyFirst + onlySecond, fewer = Math.Min(onlyFirst, onlySecond);
        double logHalf = all * Math.Log(0.5), logWays = 0, tail = 0;
        for (int k = 0; k <= fewer; k++)
        {
            tail += Math.Exp(logWays + logHalf);
            logWays += Math.Log(all - k) - Math.Log(k + 1);
        }
        return Math.Min(1, 2 * tail);
    }

    private static MetricComparison? Compare(CountedMetric metric, IReadOnlyList<(JudgedAnswer First, JudgedAnswer Second)> pairs)
    {
        var counted = pairs.Where(pair => metric.Sets.Contains(pair.First.Set, StringComparer.Ordinal))
            .Select(pair => (First: pair.First.Counts(metric.Counted), Second: pair.Second.Counts(metric.Counted)))
            .Where(pair => pair is { First: not null, Second: not null })
                .Select(pair => (First: pair.First!.Value, Second: pair.Second!.Value)).ToList();
        if (counted.Count == 0) return null;
        int onlyFirst = counted.Count(pair => pair is { First: true, Second: false }),
            onlySecond = counted.Count(pair => pair is { First: false, Second: true });
        return new MetricComparison(metric.Name, Rate.Of(counted, pair => pair.First), Rate.Of(counted, pair => pair.Second),
            onlyFirst, onlySecond,
            McNemar(onlyFirst, onlySecond));
    }

    /// <summary>The same requests of the same sets; those that come several times in their order.</summary>
    private static List<(JudgedAnswer First, JudgedAnswer Second)> Pair(IReadOnlyList<JudgedAnswer> first,
        IReadOnlyList<JudgedAnswer> second)
    {
        static (string, string, string) KeyOf(JudgedAnswer answer) =>
            (answer.Set, answer.Request, string.Join('\n', answer.Context.Select(message => message.Content)));
        var others = second.GroupBy(KeyOf).ToDictionary(group => group.Key, group => new Queue<JudgedAnswer>(group));
        return [.. from answer in first
                   let same = others.GetValueOrDefault(KeyOf(answer))
                   where same is { Count: > 0 }
                   select (answer, same.Dequeue())];
    }
}
