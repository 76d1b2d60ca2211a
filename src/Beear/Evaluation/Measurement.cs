using System.Text.Json.Serialization;

namespace Beear.Evaluation;

/// <summary>What was measured of a model: metrics by their names. What was not measured is not there.</summary>
public sealed record Measurement
{
    /// <summary>Mean cross-entropy of held-out helpful answers, nats per token.</summary>
    public const string HelpfulCrossEntropy = "helpful_cross_entropy";

    /// <summary>
    /// MT-Bench: the judge's mean over questions and turns, 1 … 10; with a category's name behind it, over that category.
    /// </summary>
    public const string MtBench = "mt_bench";

    /// <summary>The metrics, in the order in which they are shown.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics { get; init; } = new Dictionary<string, Metric>(StringComparer.Ordinal);

    /// <summary>How far the answers to each set of requests came.</summary>
    public IReadOnlyDictionary<string, AnswerCounts> Answered { get; init; } = new Dictionary<string, AnswerCounts>(StringComparer.Ordinal);

    /// <summary>The judge's name; null if none was asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Judge { get; init; }

    /// <summary>How many answers the judge gave no score for which reason, those to MT-Bench included; null if none was asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<UnjudgedReason, int>? UnjudgedReasons { get; init; }

    /// <summary>
    /// Topics of requests that the behaviour cannot judge, such as weaknesses that no analyser knows; rates leave them out. Null for none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Uncovered { get; init; }

    /// <summary>Every prompt and answer that the rates were counted from.</summary>
    [JsonIgnore]
    public IReadOnlyList<JudgedAnswer> Answers { get; init; } = [];

    /// <summary>A metric; null if it was not measured.</summary>
    [JsonIgnore]
    public Metric? this[string name] => Metrics.GetValueOrDefault(name);

    /// <summary>A metric's number; null if it was not measured.</summary>
    public double? Value(string name) => this[name]?.Value;

    /// <summary>A rate; null if it was not measured.</summary>
    public Rate? Rate(string name) => this[name]?.Rate;

    /// <summary>
    /// What is to be known before a rate is trusted: a sentence for each set of requests of which more than 5 % of the answers are empty,
    /// unfinished or cut off.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyList<string> Warnings => [.. Answered.SelectMany(set => set.Value.Warnings(set.Key))];

    /// <summary>The same with more metrics; those of a name that is there already replace it, and nulls are left out.</summary>
    public Measurement With(params IEnumerable<(string Name, Metric? Metric)> more)
    {
        var metrics = new OrderedDictionary<string, Metric>(Metrics, StringComparer.Ordinal);
        foreach (var (name, metric) in more)
        {
            if (metric is not null) metrics[name] = metric;
        }
        return this with { Metrics = metrics };
    }

    /// <summary>The same with what a judge says of the model's answers to MT-Bench.</summary>
    internal Measurement With(MtBenchResult rated) => With(
    [
        (MtBench, rated.Score is { } score ? Metric.Of(score, "of 10") : null),
        .. rated.ByCategory.Select(category => ($"{MtBench}_{category.Key}", (Metric?)Metric.Of(category.Value, "of 10"))),
        ($"{MtBench}_unjudged", Metric.Of(rated.Unjudged, "answers")),
    ]) with
    { UnjudgedReasons = Sum([UnjudgedReasons, rated.UnjudgedReasons]) };

    /// <summary>
    /// Several measurements together: of a rate all cases, with the interval of that many; of another number the mean. What one of them
    /// lacks is taken over the others.
    /// </summary>
    public static Measurement Pool(IReadOnlyList<Measurement> all)
    {
        var names = all.SelectMany(one => one.Metrics.Keys).Distinct(StringComparer.Ordinal);
        return new Measurement
        {
            Metrics = new OrderedDictionary<string, Metric>(names.Select(name => KeyValuePair.Create(name,
                Pool([.. all.Select(one => one[name]).OfType<Metric>()]))), StringComparer.Ordinal),
            Judge = all.Select(one => one.Judge).FirstOrDefault(judge => judge is not null),
            UnjudgedReasons = Sum(all.Select(one => one.UnjudgedReasons)),
        };
    }

    private static Metric Pool(IReadOnlyList<Metric> all) => all[0].Rate is null ? Metric.Of(all.Average(one => one.Value), all[0].Unit)
        : Metric.Of(new Rate(all.Sum(one => one.Rate!.Value.Successes), all.Sum(one => one.Rate!.Value.Count)));

    /// <summary>Counts of unjudged answers of several evaluations together; null if none was judged.</summary>
    private static Dictionary<UnjudgedReason, int>? Sum(IEnumerable<IReadOnlyDictionary<UnjudgedReason, int>?> counts) =>
        counts.OfType<IReadOnlyDictionary<UnjudgedReason, int>>().ToList() is { Count: > 0 } known
            ? known.SelectMany(count => count).GroupBy(count => count.Key, count => count.Value).OrderBy(reason => reason.Key)
                .ToDictionary(reason => reason.Key, reason => reason.Sum()) : null;
}
