using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beear.Runtime;
using CsvHelper;

namespace Beear.Lab.Reports;

/// <summary>One number of a report; of a rate with its interval and its count.</summary>
/// <param name="Value">The number; of a rate its share, 0 … 1.</param>
/// <param name="Low">The interval's lower end.</param>
/// <param name="High">The interval's upper end.</param>
/// <param name="N">Requests that the rate is over.</param>
public sealed record ReportValue(double Value, double? Low = null, double? High = null, int? N = null)
{
    internal static ReportValue? Of(Cell? cell) => cell?.Value is not { } value ? null
        : cell.Rate is { } rate ? new ReportValue(value, rate.Low, rate.High, rate.Count) : new ReportValue(value);
}

/// <summary>One row of a report as data.</summary>
/// <param name="Row">run, case (all seeds), arm (all cases and seeds) or published.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Case">What was planted; null for all.</param>
/// <param name="Arm">What was done.</param>
/// <param name="Role">What that is beside the others.</param>
/// <param name="Seed">The seed; null for all.</param>
/// <param name="Run">The run's identity; null for several.</param>
/// <param name="Error">Why the run failed; null if it did not.</param>
/// <param name="Values">Numbers by their columns' keys.</param>
public sealed record ReportRow(string Row, string Plan, string? Case, string Arm, string Role, int? Seed, string? Run, string? Error,
    IReadOnlyDictionary<string, ReportValue> Values);

/// <summary>The files of a report: the page, and beside it the same as data, and its charts.</summary>
/// <param name="Page">The page's path.</param>
public sealed record ReportNames(string Page)
{
    /// <summary>The name of the table of all columns.</summary>
    public string Csv => $"{Stem}.csv";

    /// <summary>The name of the same as JSON.</summary>
    public string Json => $"{Stem}.json";

    /// <summary>The name of the table of sweeps over layers, which is written where a plan has one.</summary>
    public string Layers => $"{Stem}-layers.csv";

    /// <summary>The name of the folder of charts.</summary>
    public string Pictures => $"{Stem}-files";

    /// <summary>The address of a file beside the page, as the page has it.</summary>
    internal static string Link(string name) => $"./{Uri.EscapeDataString(name)}";

    private string Stem => Path.GetFileNameWithoutExtension(Page);

    /// <summary>The path of a file or folder beside the page.</summary>
    public string Beside(string name) => Path.Combine(Path.GetDirectoryName(Page) ?? "", name);
}

/// <summary>Writes the files of a report.</summary>
public static class ReportFiles
{
    /// <summary>What a row is of, as columns of the table for spreadsheets; its numbers follow.</summary>
    private static readonly (string Key, Func<ReportRow, string> Of)[] Labels =
    [
        ("row", row => row.Row), ("plan", row => Text(row.Plan)), ("case", row => Text(row.Case)), ("arm", row => Text(row.Arm)),
        ("role", row => row.Role), ("seed", row => Number(row.Seed)), ("run", row => Text(row.Run)), ("error", row => Text(row.Error)),
    ];

    /// <summary>What follows a column's key where it holds rates, and the number that stands there; the first alone elsewhere.</summary>
    private static readonly (string Suffix, Func<ReportValue, double?> Of)[] Parts =
        [("", value => value.Value), ("_low", value => value.Low), ("_high", value => value.High), ("_n", value => value.N)];

    /// <summary>Writes a report: its page last, so that a page is never without what it speaks of.</summary>
    /// <param name="report">The report.</param>
    /// <param name="names">Where it goes; the page's directory exists.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void Write(Report report, ReportNames names)
    {
        string pictures = names.Beside(names.Pictures);
        Directory.CreateDirectory(pictures);
        foreach (var plan in report.Plans)
        {
            foreach (var chart in plan.Charts.Bars) ChartPictures.Write(chart, pictures);
            foreach (var chart in plan.Charts.Curves) ChartPictures.Write(chart, pictures);
            foreach (var (file, map) in plan.Maps) ChartPictures.Write(map, pictures, file);
        }
        AtomicOutput.WriteText(names.Beside(names.Csv), Csv(report));
        if (LayerRow.Of(report) is { Count: > 0 } layers) AtomicOutput.WriteText(names.Beside(names.Layers), LayerRow.Csv(layers));
        AtomicOutput.WriteText(names.Beside(names.Json), Json(report));
        AtomicOutput.WriteText(names.Page, HtmlReport.Of(report, names));
    }

    /// <summary>Every run and every pooled row as data.</summary>
    public static IEnumerable<ReportRow> Rows(PlanReport plan)
    {
        var byRun = ResultTable.ByRun(plan.Plan.Finished);
        var byCase = ResultTable.ByCase(plan.Plan.Finished);
        foreach (var row in byRun.Rows) yield return Row("run", plan, row, byRun.Columns);
        foreach (var run in plan.Plan.Failed)
        {
            yield return new ReportRow("run", plan.Plan.Name, run.Name.Case, run.Name.Arm, Name(run.Role()), run.Name.Seed, run.Id,
                run.Error ?? "unknown", new Dictionary<string, ReportValue>(StringComparer.Ordinal));
        }
        foreach (var row in byCase.Rows) yield return Row("case", plan, row, byCase.Columns);
        foreach (var row in plan.Overall.Rows) yield return Row("arm", plan, row, plan.Overall.Columns);
        foreach (var one in plan.Cases)
        {
            if (one.Published is not var (before, after)) continue;
            yield return Published(plan, one, "before", before);
            yield return Published(plan, one, "beear", after);
        }
    }

    /// <summary>All rows with all columns, for spreadsheets.</summary>
    public static string Csv(Report report)
    {
        var rows = report.Plans.SelectMany(Rows).ToList();
        var columns = rows.SelectMany(row => row.Values).GroupBy(value => value.Key).Select(values => (values.Key,
            Parts: Parts[..(values.Any(value => value.Value.N is not null) ? Parts.Length : 1)])).ToList();
        using var text = new StringWriter();
        using (var csv = CsvWriter.Create(text, new CsvWriterOptions()))
        {
            csv.WriteRecord((string[])
            [
                .. Labels.Select(label => label.Key),
                .. columns.SelectMany(column => column.Parts.Select(part => Text(column.Key + part.Suffix))),
            ]);
            foreach (var row in rows)
            {
                csv.WriteRecord((string[])
                [
                    .. Labels.Select(label => label.Of(row)),
                    .. from column in columns
                       let value = row.Values.GetValueOrDefault(column.Key)
                       from part in column.Parts
                       select value is null ? "" : Number(part.Of(value)),
                ]);
            }
        }
        return text.ToString();
    }

    /// <summary>The same with verdicts and curves.</summary>
    public static string Json(Report report) => JsonSerializer.Serialize(new Document(Plans(report))
    {
        Layers = LayerRow.Of(report) is { Count: > 0 } layers ? layers : null,
    }, StrictJson.Document) + "\n";

    private static object Plans(Report report) => report.Plans.Select(plan => new
    {
        Plan = plan.Plan.Name,
        Finished = plan.Plan.Finished.Count,
        Failed = plan.Plan.Failed.Count,
        plan.Plan.Open,
        plan.Verdicts,
        plan.Controls,
        plan.Doubts,
        Rows = Rows(plan),
        Curves = plan.Charts.Curves.Select(chart => new
        {
            chart.File,
            chart.Subject,
            chart.Title,
            chart.Unit,
            Curves = chart.Curves.Select(curve => new
            {
                curve.Title,
                Points = curve.Points.Select(point => (double[])[point.X, point.Y]),
            }),
        }),
    });

    /// <summary>A text that no spreadsheet takes for a formula.</summary>
    internal static string Text(string? text) =>
        text is ['=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠', ..] ? $"'{text}" : text ?? "";

    private static ReportRow Row(string kind, PlanReport plan, ResultRow row, IReadOnlyList<Column> columns)
    {
        var values = from column in columns
                     let value = ReportValue.Of(column.Of(row))
                     where value is not null
                     select KeyValuePair.Create(column.Key, value);
        var run = kind == "run" ? row.Runs[0].Run : null;
        return new ReportRow(kind, plan.Plan.Name, row.Case, row.Arm, Name(row.Role), run?.Name.Seed, run?.Id, null,
            new OrderedDictionary<string, ReportValue>(values, StringComparer.Ordinal));
    }

    private static ReportRow Published(PlanReport plan, CaseReport one, string arm, Published published)
    {
        var values = one.Table.Columns.Select(column => (column.Key, Value: ReportValue.Of(column.Published?.Invoke(published))))
            .Where(column => column.Value is not null).Select(column => KeyValuePair.Create(column.Key, column.Value!));
        return new ReportRow("published", plan.Plan.Name, one.Name, arm, "published", null, null, null,
            new OrderedDictionary<string, ReportValue>(values, StringComparer.Ordinal));
    }

    /// <summary>A number as files have it; nothing for none.</summary>
    internal static string Number(double? value) =>
        value is { } known && double.IsFinite(known) ? known.ToString("R", CultureInfo.InvariantCulture) : "";

    private static string Name(RunRole role) => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{role}");

    /// <summary>The JSON document.</summary>
    private sealed record Document(object Plans)
    {
        /// <summary>Runs of sweeps over layers; not there without one.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<LayerRow>? Layers { get; init; }
    }
}
