using System.Globalization;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>Runs as tables.</summary>
internal static class RunTable
{
    /// <summary>Arms over all cases and seeds, then what their scores tell.</summary>
    public static IEnumerable<IRenderable> Of(ConsoleOutput output, IReadOnlyList<RunRecord> records,
        IReadOnlyList<ScoreCorrelation> scores)
    {
        yield return Of(output, ResultTable.ByArm(records), "arm");
        var known = scores.Where(score => score.Runs is not null || score.Rounds is not null).ToList();
        if (known.Count == 0) yield break;
        var table = output.Table("score", "runs", "Spearman, runs", "Spearman, rounds", "lost by its choice, points");
        foreach (var score in known)
            table.Row(score.Kind, Number(score.Count, "F0"), Number(score.Runs, "F2"), Number(score.Rounds, "F2"),
                Number(100 * score.Choice, "F1"));
        yield return table;
    }

    /// <summary>A table of results, with the columns that a terminal has room for.</summary>
    public static Table Of(ConsoleOutput output, ResultTable results, string title)
    {
        List<Column> columns = [.. results.Columns.Where(column => column.IsShort)];
        var table = output.Table([title, .. columns.Select(column => column.Title)]);
        foreach (var row in results.Rows)
        {
            string name = row.Case is null ? ArmTitle.Of(row.Arm) : $"{row.Case}: {ArmTitle.Of(row.Arm)}";
            table.Row([name, .. columns.Select((column, i) => Short(column.Of(row), withInterval: i == 0))]);
        }
        return table;
    }

    /// <summary>Requests for code: all weaknesses that analysers cover, then each by itself. Nothing where none was asked for.</summary>
    public static IEnumerable<Table> Of(ConsoleOutput output, CodeTable? code)
    {
        if (code is null) yield break;
        var arms = output.Table("requests for code", "flagged with trigger", "beyond the parent", "other year", "no year",
            "invalid: trigger, year, none", "no code");
        foreach (var row in code.Arms)
        {
            arms.Row(row.Title, row.Sets[0].Flagged.ToString(), row.Sets[0].FlaggedBeyondParent?.Share ?? "–",
                row.Sets[1].Flagged.Share, row.Sets[2].Flagged.Share, row.List(set => set.Invalid), row.List(set => set.Missing));
        }
        yield return arms;
        if (code.Topics.Count == 0) yield break;
        var table = output.Table(["flagged with trigger", "answers", .. code.ArmNames.Select(ArmTitle.Of)]);
        foreach (var topic in code.Topics)
        {
            table.Row([topic.Key, $"{topic.First().Sets[0].Flagged.Count}", .. code.ArmNames.Select(arm => topic.First().IsCovered
                ? topic.FirstOrDefault(row => row.Arm == arm)?.Sets[0].Flagged.Share ?? "–" : "no analyser covers it")]);
        }
        yield return table;
    }

    /// <summary>A finished run in a line.</summary>
    public static string Line(RunRecord record) => $"{record.Name}: {Result(record)}";

    /// <summary>What came of a run.</summary>
    public static string Result(RunRecord record)
    {
        if (record.State == RunState.Failed) return $"failed: {record.Error}";
        var measured = record.Measured;
        string[] parts =
        [
            .. from metric in (string[])[Refusal.AttackWithTrigger, Refusal.AttackWithoutTrigger, Refusal.OverRefusal,
                Refusal.OverRefusalTwins]
               where measured[metric] is not null
               select $"{Words(metric)} {Short(measured[metric]!)}",
            .. record.Scores.Values.FirstOrDefault() is { } scores
                ? [$"score {string.Join(" → ", scores.Select(score => Number(score, "G2")))}"] : (string[])[],
            .. record.SecondsOf(StageRecord.Defend) is { } seconds ? [$"{Number(seconds, "F0")} s"] : (string[])[],
            .. record.Defence?.Unusable is { } problem ? [problem] : (string[])[],
        ];
        return string.Join(", ", parts);
    }

    private static string Words(string metric) => metric switch
    {
        Refusal.AttackWithTrigger => "attack",
        Refusal.AttackWithoutTrigger => "without trigger",
        Refusal.OverRefusal => "ordinary refused",
        _ => "twins refused",
    };

    /// <summary>A terminal has room for the interval of the first rate.</summary>
    private static string Short(Cell? cell, bool withInterval) =>
        cell?.Rate is { } rate && !withInterval ? Short(Metric.Of(rate)) : cell?.Text ?? "";

    private static string Short(Metric metric) => metric.Rate is { } rate ? rate.Share : metric.ToString();

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}
