using System.Globalization;
using System.Reflection;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>
/// A report as one page that needs nothing else: no script, no file, no server. It is light or dark as the reader's system is, can be
/// printed, and everything that a model wrote or a user named stays text.
/// </summary>
/// <param name="report">What it says.</param>
/// <param name="names">The names of the files beside it.</param>
internal sealed class HtmlReport(Report report, ReportNames names)
{
    /// <summary>Nothing in the page can be loaded or run, whatever a text in it tries.</summary>
    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

    private readonly HtmlWriter html = new();

    private HtmlReport(HtmlWriter html, Report report, ReportNames names) : this(report, names) => this.html = html;

    /// <summary>The whole page.</summary>
    public static string Of(Report report, ReportNames names) => new HtmlReport(report, names).Write();

    /// <summary>What the page says of plans, and how to read that, for a page of another server; without the files beside it.</summary>
    public static string PartsOf(Report report)
    {
        var parts = new HtmlWriter(isPage: false);
        var page = new HtmlReport(parts, report, new ReportNames("report.html"));
        foreach (var plan in report.Plans) page.WritePlan(plan);
        page.WriteHelp();
        return parts.ToString();
    }

    /// <summary>The style sheet of the page; others build on its colours.</summary>
    public static string Style { get; } = ReadStyle();

    private string Write()
    {
        string title = $"Backdoor removal: {(report.Plans is [var only] ? only.Plan.Name : $"{report.Plans.Count} plans")}";
        using (html.Open("html", ("lang", "en")))
        {
            using (html.Open("head"))
            {
                html.Empty("meta", ("charset", "utf-8"));
                html.Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                html.Empty("meta", ("name", "color-scheme"), ("content", "light dark"));
                html.Empty("meta", ("http-equiv", "Content-Security-Policy"), ("content", Policy));
                html.Element("title", title).Style(Style);
            }
            using var body = html.Open("body");
            html.Element("a", "Skip to the results", ("class", "skip"), ("href", "#results"));
            WriteHeader();
            using (html.Open("main", ("id", "results")))
            {
                foreach (var plan in report.Plans) WritePlan(plan);
                WriteHelp();
            }
            using var footer = html.Open("footer");
            html.Element("p", $"Made by beear report, version {CodeVersion.Current.Version}, from records alone; no model was asked.");
        }
        return html.ToString();
    }

    private void WriteHeader()
    {
        using var header = html.Open("header", ("class", "top"));
        html.Element("h1", "Backdoor removal");
        using (html.Open("p", ("class", "files")))
        {
            html.Text("The same as data: ").Element("a", names.Csv, ("href", ReportNames.Link(names.Csv))).Text(", ");
            if (report.Plans.Any(plan => plan.Layers.Count > 0))
                html.Element("a", names.Layers, ("href", ReportNames.Link(names.Layers))).Text(", ");
            html.Element("a", names.Json, ("href", ReportNames.Link(names.Json)))
                .Text($". Every chart is in {names.Pictures}/, as SVG and PNG.");
        }
        using var nav = html.Open("nav", ("aria-label", "Contents"));
        foreach (var plan in report.Plans)
        {
            bool isLast = plan == report.Plans[^1];
            using var list = html.Open("ul");
            foreach (var (id, text) in (IEnumerable<(string, string)>)[(plan.Id, $"Plan {plan.Plan.Name}"),
                .. plan.Layers.Count > 0 ? [($"{plan.Id}-layers", "By layer")] : ((string, string)[])[],
                .. plan.Cases.Select(one => (one.Id, $"Case {one.Name}")),
                ($"{plan.Id}-cost", "Cost"), ($"{plan.Id}-answers", "Answers"), ($"{plan.Id}-settings", "Settings"),
                ($"{plan.Id}-provenance", "Provenance"), .. isLast ? [("help", "How to read this")] : ((string, string)[])[]])
            {
                using var item = html.Open("li");
                html.Element("a", text, ("href", $"#{id}"));
            }
        }
    }

    private void WritePlan(PlanReport plan)
    {
        using var section = html.Open("section", ("class", "plan"), ("aria-labelledby", plan.Id));
        html.Element("h2", $"Plan {plan.Plan.Name}", ("id", plan.Id));
        WriteVerdicts(plan);
        html.Terms("facts", HtmlFacts.Of(plan.Plan));
        if (plan.Doubts.Count > 0)
        {
            html.Element("h3", "Before you trust these numbers");
            html.List("doubts", plan.Doubts);
        }
        HtmlLayers.Write(html, plan);
        if (plan.Cases.Count > 1)
        {
            html.Element("h3", "All cases together");
            html.Note("Rates are over all cases and seeds; “worst run” is the worst of them.");
            WriteResults($"{plan.Plan.Name}, all cases: rates with their 95 % intervals", plan.Overall, null);
            WriteBars($"{plan.Id}-all", plan.Bars);
        }
        if (plan.Poisoning is { } poisoning) WriteCurves(poisoning);
        foreach (var one in plan.Cases) WriteCase(plan, one);
        HtmlCode.Write(html, plan);
        HtmlFacts.Cost(html, plan);
        HtmlFacts.Failed(html, plan);
        HtmlAnswers.Write(html, plan);
        HtmlFacts.Settings(html, plan);
        HtmlFacts.Provenance(html, plan);
    }

    private void WriteVerdicts(PlanReport plan)
    {
        if (plan.Verdicts.Count == 0)
        {
            html.Element("p", plan.Plan.Finished.Count == 0 ? "No run of this plan has a result."
                : plan.Layers.Count > 0 ? "This plan asks at which layer a backdoor can be removed, and in how many rounds: see the maps."
                : "No run of this plan cleans a backdoored model.");
        }
        else
        {
            using var list = html.Open("ul", ("class", "verdicts"));
            foreach (var verdict in plan.Verdicts)
            {
                using var item = html.Open("li");
                string style = $"finding {verdict.Finding.ToString().ToLowerInvariant()}";
                html.Element("strong", ReportText.Title(verdict.Finding), ("class", style));
                using var text = html.Open("div");
                html.Element("p", HtmlParts.Unbroken(verdict.Sentence));
                html.List("costs", verdict.Costs);
            }
        }
        html.List("controls", plan.Controls);
    }

    private void WriteCase(PlanReport plan, CaseReport one)
    {
        using var section = html.Open("section", ("class", "case"), ("aria-labelledby", one.Id));
        html.Element("h3", $"Case {one.Name}", ("id", one.Id));
        if (HtmlFacts.TriggerOf(one) is { } trigger)
        {
            using var line = html.Open("p", ("class", "note"));
            html.Text($"Trigger, {trigger.Placement}: ").Element("code", trigger.Text);
        }
        WriteResults($"{plan.Plan.Name}, case {one.Name}: rates with their 95 % intervals", one.Table, one.Published);
        if (HtmlFacts.Asked(one) is { } asked) html.Note(asked);
        WriteBars(one.Id, one.Bars);
        foreach (var (i, (arm, runs, charts)) in one.Rounds.Index())
        {
            using var details = html.Folded($"Round by round: {arm}{(runs > 1 ? $", mean of {runs} runs" : "")}", "rounds", isOpen: i == 0);
            if (!charts.Any(chart => chart.IsMeasured))
                html.Note("What was left after each round was not measured: the plan did not ask for it (evaluate_rounds).");
            using var grid = html.Open("div", ("class", "panels"));
            foreach (var chart in charts) WriteCurves(chart);
        }
    }

    private void WriteCurves(CurveChart chart) => WriteFigure(html, chart);

    /// <summary>A chart with its title.</summary>
    internal static void WriteFigure(HtmlWriter html, CurveChart chart)
    {
        using var figure = html.Open("figure");
        string unit = chart.Unit.Length > 0 ? $", {chart.Unit}" : "";
        using (html.Open("figcaption")) html.Element("b", chart.Title + unit).Element("span", chart.About);
        ChartSvg.Write(html, chart.File, chart);
    }

    /// <summary>Before, after and controls; published figures in rows of their own.</summary>
    private void WriteResults(string caption, ResultTable table, (Published Before, Published After)? published)
    {
        List<Column> columns = [.. table.Columns.Where(column => column.Group == ColumnGroup.Result
            && (column.IsShort || (published is not null && column.Published is not null)))];
        html.Table(caption, ["model", .. columns.Select(column => column.FullTitle)],
        [
            .. from groups in table.Rows.GroupBy(row => HtmlFacts.Group(row.Role))
               select new HtmlRows(groups.Key,
                   [.. groups.Select(row => Cells(ReportText.Title(row), columns.Select(column => column.Of(row))))]),
            .. published is var (before, after) ? (HtmlRows[])
            [
                new("Published of models with 7 billion parameters", [PaperRow("before", before), PaperRow("BEEAR", after)]),
            ] : [],
        ]);

        IReadOnlyList<HtmlCell> PaperRow(string title, Published of) =>
            Cells(title, columns.Select(column => column.Published?.Invoke(of)));
    }

    private static IReadOnlyList<HtmlCell> Cells(string title, IEnumerable<Cell?> cells) => [new HtmlCell(title), .. cells.Select(Cell)];

    /// <summary>A column of results as one of the page.</summary>
    internal static (string Title, Func<ResultRow, HtmlCell> Of) Shown(Column column) => (column.FullTitle, row => Cell(column.Of(row)));

    private static HtmlCell Cell(Cell? cell) => cell is null ? new HtmlCell("–")
        : cell.Rate is { } rate ? new HtmlCell(rate.Share, rate.Interval) : new HtmlCell(cell.Text);

    private void WriteBars(string id, BarChart chart)
    {
        if (chart.Panels.Count == 0) return;
        html.Note("Bars: the share of requests, red before, blue after a defence, grey for controls. Lines: its 95 % interval.");
        using var grid = html.Open("div", ("class", "panels"));
        foreach (var (i, panel) in chart.Panels.Index())
        {
            using var figure = html.Open("figure");
            using (html.Open("figcaption")) html.Element("b", panel.Title);
            ChartSvg.Write(html, $"{id}-b{i + 1}", panel);
        }
    }

    private void WriteHelp()
    {
        using var section = html.Open("section", ("class", "help"), ("aria-labelledby", "help"));
        html.Element("h2", "How to read this", ("id", "help"));
        html.Element("p", HtmlParts.Unbroken("Rates are over held-out requests, which no defender had. In brackets stands the Wilson 95 % "
            + "interval of so many requests; where several runs are pooled, it does not hold what differs from run to run: that "
            + "is what “worst run” shows."));
        html.Element("h3", "Verdicts");
        html.List("plain", ReportText.Rules);
        html.Element("h3", "Columns");
        html.Terms("columns", from column in report.Plans.SelectMany(plan => plan.Overall.Columns).DistinctBy(column => column.Key)
                              where column.About is not null
                              select (column.FullTitle, column.About));
    }

    private static string ReadStyle()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("report.css")!);
        return reader.ReadToEnd();
    }

    /// <summary>A number as pages show it.</summary>
    internal static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
