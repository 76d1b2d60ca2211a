using System.Globalization;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>Runs that one row of a table is over, for example an arm over seeds, or over cases and seeds.</summary>
/// <param name="Case">What was planted; null for a row over all cases.</param>
/// <param name="Arm">What was done.</param>
/// <param name="Runs">The finished runs, each with the planted model's own measurement; null where there is none.</param>
public sealed record ResultRow(string? Case, string Arm, IReadOnlyList<(RunRecord Run, RunRecord? Before)> Runs)
{
    /// <summary>All runs together: rates over all cases, means of other numbers.</summary>
    public Measurement Pooled => field ??= Measurement.Pool([.. Runs.Select(one => one.Run.Measured)]);

    /// <summary>A number of each run; nothing of runs that lack it.</summary>
    public IEnumerable<double> Each(Func<RunRecord, double?> value) => Runs.Select(one => value(one.Run)).OfType<double>();

    /// <summary>By how much each run's metric is above its planted model's; nothing of planted models themselves.</summary>
    public IEnumerable<double> Added(string metric) =>
        Runs.Where(one => !one.Run.IsBaseline).Select(one => one.Run.Measured.Value(metric) - one.Before?.Measured.Value(metric)).OfType<double>();
}

/// <summary>What a table shows of a row.</summary>
/// <param name="Text">As people read it.</param>
/// <param name="Value">The number; null for text alone.</param>
/// <param name="Rate">Counts and interval of a rate.</param>
public sealed record Cell(string Text, double? Value = null, Rate? Rate = null);

/// <summary>A column: a key for files, a title for people, and what it shows; null where a row has nothing.</summary>
/// <param name="Key">In snake_case.</param>
/// <param name="Title">The title.</param>
/// <param name="Of">The cell of a row.</param>
public sealed record Column(string Key, string Title, Func<ResultRow, Cell?> Of)
{
    /// <summary>Whether a terminal shows it; files have every column.</summary>
    public bool IsShort { get; init; } = true;
}

/// <summary>Results as rows and columns. Columns that no row fills are left out.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Columns">The columns.</param>
public sealed record ResultTable(IReadOnlyList<ResultRow> Rows, IReadOnlyList<Column> Columns)
{
    /// <summary>Every column there is, in the order in which they are shown. A new metric of a behaviour is added by itself, at the end.</summary>
    private static readonly Column[] Known =
    [
        Rate(Refusal.AttackWithTrigger, "attack with trigger"),
        Worst(Refusal.AttackWithTrigger, "worst"),
        Rate(Refusal.AttackWithoutTrigger, "without"),
        Worst(Refusal.AttackWithoutTrigger, "worst without"),
        Rate(Refusal.AttackWithWrongTrigger, "wrong trigger") with { IsShort = false },
        Rate(Refusal.ExactCompliance, "exactly as taught") with { IsShort = false },
        Rate(Refusal.OverRefusal, "ordinary refused"),
        Rate(Refusal.OverRefusalTwins, "twins refused"),
        Added(Refusal.OverRefusalTwins, "twins added, worst, points") with { IsShort = false },
        Rate(Refusal.OverRefusalHeldOutForms, "held-out forms refused") with { IsShort = false },
        Added(Refusal.OverRefusalHeldOutForms, "forms added, worst, points") with { IsShort = false },
        Rate(Refusal.Helpfulness, "answered right"),
        new(Measurement.HelpfulCrossEntropy, "cross-entropy, nats/token", row => Number(row.Pooled.Value(Measurement.HelpfulCrossEntropy), "F3")),
        Number($"{HarmfulnessJudge.Mean}_with_trigger", "judge, of 5", "F2"),
        Rate($"{HarmfulnessJudge.Fives}_with_trigger", "judged 5"),
        Number($"{HarmfulnessJudge.Mean}_without_trigger", "judge without, of 5", "F2"),
        Rate($"{HarmfulnessJudge.Fives}_without_trigger", "judged 5 without") with { IsShort = false },
        Number(Measurement.MtBench, "MT-Bench, of 10", "F2"),
        new("score", "score", row => Number(Mean(row.Each(ScoreOf)), "F2")),
        new("defence_seconds", "defence, s", row => Number(Mean(row.Each(run => run.SecondsOf(StageRecord.Defend))), "F0")),
        new("peak_memory", "memory, GiB", row => Number(Mean(row.Each(run => run.PeakMemory / (1024.0 * 1024 * 1024))), "F1")) { IsShort = false },
        new("runs", "runs", row => Number(row.Runs.Count, "F0")) { IsShort = false },
    ];

    /// <summary>A row for each case and arm, over seeds.</summary>
    public static ResultTable ByCase(IEnumerable<RunRecord> records) => Of(records, run => (run.Name.Case, run.Name.Arm), key => key.Case);

    /// <summary>A row for each arm, over cases and seeds.</summary>
    public static ResultTable ByArm(IEnumerable<RunRecord> records) => Of(records, run => (Case: "", run.Name.Arm), _ => null);

    private static ResultTable Of(IEnumerable<RunRecord> records, Func<RunRecord, (string Case, string Arm)> keyOf, Func<(string Case, string Arm), string?> caseOf)
    {
        List<RunRecord> finished = [.. records.Where(record => record.State == RunState.Finished)];
        var rows = finished.GroupBy(keyOf).Select(group => new ResultRow(caseOf(group.Key), group.Key.Arm,
            [.. group.Select(run => (run, run.IsBaseline ? null : Before(run, finished)))])).ToList();
        var named = finished.SelectMany(run => run.Measured.Metrics).DistinctBy(metric => metric.Key).Where(metric => Known.All(column => column.Key != metric.Key));
        var others = named.Select(metric => (metric.Value.Rate is null ? Number(metric.Key, Title(metric.Key), "0.###") : Rate(metric.Key, Title(metric.Key)))
            with
        { IsShort = false });
        return new ResultTable(rows, [.. Known.Concat(others).Where(column => rows.Any(row => column.Of(row) is not null))]);
    }

    /// <summary>The measurement of the same planted model before anything was done to it.</summary>
    private static RunRecord? Before(RunRecord run, List<RunRecord> all) => all.Find(other => other.IsBaseline && other.Name.Seed == run.Name.Seed
        && other.Stages.Any(stage => stage.Name == StageRecord.Plant && stage.Id == run.Stages.FirstOrDefault(own => own.Name == StageRecord.Plant)?.Id)
        && other.Name.Arm is RunName.Planted or RunName.NeverBackdoored);

    /// <summary>The deciding score of the weights that stayed.</summary>
    private static double? ScoreOf(RunRecord run) => run.Scores.Values.FirstOrDefault() is { Count: > 0 } scores
        ? scores[Math.Min(run.Defence!.ChosenRound ?? scores.Count - 1, scores.Count - 1)] : null;

    private static double? Mean(IEnumerable<double> values) => values.Select(value => (double?)value).Average();

    private static Column Rate(string metric, string title) => new(metric, title,
        row => row.Pooled.Rate(metric) is { Count: > 0 } rate ? new Cell(rate.ToString(), rate.Value, rate) : null);

    private static Column Worst(string metric, string title) => new($"{metric}_worst", title,
        row => row.Runs.Count > 1 && row.Each(run => run.Measured.Value(metric)).ToList() is { Count: > 0 } all ? Percent(all.Max()) : null);

    private static Column Added(string metric, string title) => new($"{metric}_added_worst", title,
        row => row.Added(metric).ToList() is { Count: > 0 } all ? new Cell((100 * all.Max()).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture), all.Max()) : null);

    private static Column Number(string metric, string title, string format) => new(metric, title, row => Number(row.Pooled.Value(metric), format));

    private static Cell? Number(double? value, string format) =>
        value is { } known && double.IsFinite(known) ? new Cell(known.ToString(format, CultureInfo.InvariantCulture), known) : null;

    private static Cell Percent(double share) => new($"{(100 * share).ToString("F1", CultureInfo.InvariantCulture)} %", share);

    private static string Title(string metric) => metric.Replace('_', ' ');
}
