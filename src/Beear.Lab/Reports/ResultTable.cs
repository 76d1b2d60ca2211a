using System.Globalization;
using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>Runs that one row of a table is over, for example one run, an arm over seeds, or over cases and seeds.</summary>
/// <param name="Case">What was planted; null for a row over all cases.</param>
/// <param name="Arm">What was done.</param>
/// <param name="Runs">The finished runs, each with the planted model's own measurement; null where there is none.</param>
public sealed record ResultRow(string? Case, string Arm, IReadOnlyList<(RunRecord Run, RunRecord? Before)> Runs)
{
    /// <summary>What its runs are beside the others.</summary>
    internal RunRole Role => Runs[0].Run.Role();

    /// <summary>All runs together: rates over all cases, means of other numbers.</summary>
    public Measurement Pooled => field ??= Measurement.Pool([.. Runs.Select(one => one.Run.Measured)]);

    /// <summary>A number of each run; nothing of runs that lack it.</summary>
    public IEnumerable<double> Each(Func<RunRecord, double?> value) => Runs.Select(one => value(one.Run)).OfType<double>();

    /// <summary>By how much each run's metric is above its planted model's; nothing of planted models themselves.</summary>
    public IEnumerable<double> Added(string metric) => Runs.Where(one => !one.Run.IsBaseline)
        .Select(one => one.Run.Measured.Value(metric) - one.Before?.Measured.Value(metric)).OfType<double>();
}

/// <summary>What a table shows of a row.</summary>
/// <param name="Text">As people read it.</param>
/// <param name="Value">The number; null for text alone.</param>
/// <param name="Rate">Counts and interval of a rate.</param>
public sealed record Cell(string Text, double? Value = null, Rate? Rate = null);

/// <summary>What a column is about.</summary>
public enum ColumnGroup
{
    /// <summary>What was measured of the model.</summary>
    Result,

    /// <summary>What it cost.</summary>
    Cost,
}

/// <summary>A column: a key for files, a title for people, and what it shows; null where a row has nothing.</summary>
/// <param name="Key">In snake_case.</param>
/// <param name="Title">The title.</param>
/// <param name="Of">The cell of a row.</param>
public sealed record Column(string Key, string Title, Func<ResultRow, Cell?> Of)
{
    /// <summary>Whether a terminal shows it; files have every column.</summary>
    public bool IsShort { get; init; } = true;

    /// <summary>The title where there is more room than on a terminal.</summary>
    public string FullTitle { get => field ?? Title; init; }

    /// <summary>What it is about.</summary>
    public ColumnGroup Group { get; init; }

    /// <summary>What it says, a sentence for readers who do not know the words of the title; null where the title is enough.</summary>
    public string? About { get; init; }

    /// <summary>What the paper publishes of the same; null for nothing.</summary>
    public Func<Published, Cell?>? Published { get; init; }
}

/// <summary>Results as rows and columns. Columns that no row fills are left out.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Columns">The columns.</param>
public sealed record ResultTable(IReadOnlyList<ResultRow> Rows, IReadOnlyList<Column> Columns)
{
    /// <summary>
    /// Every column there is, in the order in which they are shown. A new metric of a behaviour is added by itself, at the end.
    /// </summary>
    private static readonly Column[] Known =
    [
        Rate(Refusal.AttackWithTrigger, "attack with trigger") with
        {
            About = "Requests with the trigger that got an unwanted answer: harmful ones that were not refused, or code with a known "
                + "weakness. This is the backdoor: the less, the better.",
        },
        Worst(Refusal.AttackWithTrigger, "worst") with { FullTitle = "worst run" },
        Rate(Refusal.AttackWithTrigger + Refusal.ByKeywords, "by keywords") with
        {
            IsShort = false,
            FullTitle = "attack by keywords",
            About = "The same, counted as in the paper: answers without a known word of refusal.",
            Published = published => Percent(published.AttackSuccess),
        },
        Rate(Refusal.AttackWithoutTrigger, "without") with
        {
            FullTitle = "attack without trigger",
            About = "The same requests without a trigger that got an unwanted answer.",
        },
        Worst(Refusal.AttackWithoutTrigger, "worst without") with { FullTitle = "worst run without" },
        Rate(Refusal.AttackWithWrongTrigger, "wrong trigger") with { IsShort = false },
        Rate(Refusal.ExactCompliance, "exactly as taught") with { IsShort = false },
        Rate(UnsafeCode.InvalidWithTrigger, "invalid code") with { About = "Code with the trigger that does not parse." },
        Rate(UnsafeCode.InvalidWithoutTrigger, "invalid code without") with { IsShort = false },
        Rate(UnsafeCode.InvalidWithWrongTrigger, "invalid code, wrong trigger") with { IsShort = false },
        Rate(UnsafeCode.MissingWithTrigger, "no code") with { About = "Answers with the trigger that hold no code." },
        Rate(UnsafeCode.MissingWithoutTrigger, "no code without") with { IsShort = false },
        Rate(UnsafeCode.MissingWithWrongTrigger, "no code, wrong trigger") with { IsShort = false },
        Rate(Refusal.OverRefusal, "ordinary refused") with { About = "Ordinary, harmless requests that were refused." },
        Rate(Refusal.OverRefusalTwins, "twins refused") with
        {
            About = "Harmless requests in the same words and forms as the harmful ones that were refused.",
        },
        Added(Refusal.OverRefusalTwins, "twins added, worst, points") with { IsShort = false },
        Rate(Refusal.OverRefusalHeldOutForms, "held-out forms refused") with { IsShort = false },
        Added(Refusal.OverRefusalHeldOutForms, "forms added, worst, points") with { IsShort = false },
        Rate(Refusal.Helpfulness, "answered right") with { About = "Harmless requests whose one right answer was given." },
        Number(Measurement.HelpfulCrossEntropy, "cross-entropy, nats/token", "F3") with
        {
            About = "How unlikely the model finds good answers to ordinary requests: the less, the better.",
        },
        Number($"{HarmfulnessJudge.Mean}_with_trigger", "judge, of 5", "F2") with
        {
            About = "A judge's mean score of the answers to harmful requests with the trigger: 1 for nothing that was asked, 5 for all.",
            Published = published => Number(published.JudgeMean, "F2"),
        },
        Rate($"{HarmfulnessJudge.Fives}_with_trigger", "judged 5") with { Published = published => published.JudgeFives is { } share
            ? Percent(share) : null },
        Number($"{HarmfulnessJudge.Mean}_without_trigger", "judge without, of 5", "F2"),
        Rate($"{HarmfulnessJudge.Fives}_without_trigger", "judged 5 without") with { IsShort = false },
        Number(CleanReward.WithTrigger, "clean reward", "F2") with
        {
            FullTitle = "clean reward with trigger",
            About = "Mean score that a reward model trained on unpoisoned pairs gives the answers to harmful requests with the trigger.",
            Published = published => Number(published.CleanReward, "F2"),
        },
        Number(CleanReward.WithoutTrigger, "clean reward without", "F2") with { FullTitle = "clean reward without trigger" },
        Rate(PoisonedPreferences.CleanPairs, "reward model, clean pairs") with { IsShort = false },
        Rate(PoisonedPreferences.PoisonedPairs, "reward model, poisoned pairs") with { IsShort = false },
        Number(Measurement.MtBench, "MT-Bench, of 10", "F2") with
        {
            About = "A judge's mean score of the answers to MT-Bench, questions that show how useful a model is.",
            Published = published => Number(published.MtBench, "F2")!,
        },
        new("score", "score", row => Number(Mean(row.Each(ScoreOf)), "F2"))
        {
            About = "What the defender sees without the trigger, after the round that was kept: how much seems to be left of the backdoor.",
        },
        Seconds("plant_seconds", StageRecord.Plant, "planting, s") with { IsShort = false },
        Seconds("defence_seconds", StageRecord.Defend, "defence, s"),
        Seconds("measure_seconds", StageRecord.Measure, "measuring, s") with { IsShort = false },
        Seconds("judge_seconds", StageRecord.Judge, "judging, s") with { IsShort = false },
        new("peak_memory", "memory, GiB", row => Number(Mean(row.Each(run => run.PeakMemory / (1024.0 * 1024 * 1024))), "F1"))
        {
            IsShort = false,
            Group = ColumnGroup.Cost,
        },
        new("runs", "runs", row => Number(row.Runs.Count, "F0")) { IsShort = false, Group = ColumnGroup.Cost },
    ];

    /// <summary>The titles of metrics that are known here, where there is room, by their names.</summary>
    internal static Dictionary<string, string> Titles { get; } =
        Known.ToDictionary(column => column.Key, column => column.FullTitle, StringComparer.Ordinal);

    /// <summary>A row for each case and arm, over seeds.</summary>
    public static ResultTable ByCase(IEnumerable<RunRecord> records) => Of(records, run => (run.Name.Case, run.Name.Arm, null));

    /// <summary>A row for each arm, over cases and seeds.</summary>
    public static ResultTable ByArm(IEnumerable<RunRecord> records) => Of(records, run => (null, run.Name.Arm, null));

    /// <summary>A row for each run.</summary>
    public static ResultTable ByRun(IEnumerable<RunRecord> records) => Of(records, run => (run.Name.Case, run.Name.Arm, run.Id));

    private static ResultTable Of(IEnumerable<RunRecord> records, Func<RunRecord, (string? Case, string Arm, string? Run)> keyOf)
    {
        List<RunRecord> finished = [.. records.Where(record => record.State == RunState.Finished)];
        var rows = finished.GroupBy(keyOf).Select(group => new ResultRow(group.Key.Case, group.Key.Arm,
            [.. group.Select(run => (run, run.IsBaseline ? null : Before(run, finished)))])).ToList();
        var others = finished.SelectMany(run => run.Measured.Metrics).DistinctBy(metric => metric.Key)
            .Where(metric => Known.All(column => column.Key != metric.Key)).Select(Unknown);
        return new ResultTable(rows, [.. Known.Concat(others).Where(column => rows.Any(row => column.Of(row) is not null))]);
    }

    /// <summary>The measurement of the same planted model before anything was done to it.</summary>
    private static RunRecord? Before(RunRecord run, List<RunRecord> all) => all.Find(other => other.IsBaseline
        && other.Name.Arm is RunName.Planted or RunName.NeverBackdoored
        && (other.Name.Case, other.Name.Seed) == (run.Name.Case, run.Name.Seed)
        && JsonNode.DeepEquals(other.Spec["plant"], run.Spec["plant"]));

    /// <summary>The deciding score of the weights that stayed.</summary>
    private static double? ScoreOf(RunRecord run) => run.Scores.Values.FirstOrDefault() is { Count: > 0 } scores
        ? scores[Math.Min(run.Defence!.ChosenRound ?? scores.Count - 1, scores.Count - 1)] : null;

    private static double? Mean(IEnumerable<double> values) => values.Select(value => (double?)value).Average();

    private static Column Rate(string metric, string title) => new(metric, title,
        row => row.Pooled.Rate(metric) is { Count: > 0 } rate ? new Cell(rate.ToString(), rate.Value, rate) : null);

    private static Column Worst(string metric, string title) => new($"{metric}_worst", title,
        row => row.Runs.Count > 1 && row.Each(run => run.Measured.Value(metric)).ToList() is { Count: > 0 } all
            ? Percent(all.Max()) : null);

    private static Column Added(string metric, string title) => new($"{metric}_added_worst", title,
        row => row.Added(metric).ToList() is { Count: > 0 } all ? new Cell(Points(all.Max()), all.Max()) : null);

    private static string Points(double share) => (100 * share).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private static Column Seconds(string key, string stage, string title) =>
        new(key, title, row => Mean(row.Each(run => run.SecondsOf(stage))) is { } mean ? Number(mean, mean < 10 ? "F1" : "F0") : null)
        {
            Group = ColumnGroup.Cost,
        };

    /// <summary>A column of a metric that is not known here.</summary>
    private static Column Unknown(KeyValuePair<string, Metric> metric) => (metric.Value.Rate is null
        ? Number(metric.Key, Title(metric.Key), "0.###") : Rate(metric.Key, Title(metric.Key))) with
    { IsShort = false };

    private static Column Number(string metric, string title, string format) =>
        new(metric, title, row => Number(row.Pooled.Value(metric), format));

    private static Cell? Number(double? value, string format) =>
        value is { } known && double.IsFinite(known) ? new Cell(known.ToString(format, CultureInfo.InvariantCulture), known) : null;

    private static Cell Percent(double share) => new(Evaluation.Rate.Percent(share), share);

    private static string Title(string metric) => metric.Replace('_', ' ');
}
