using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>What the records of some folders say, plan by plan. No model is asked.</summary>
/// <param name="Plans">The plans.</param>
public sealed record Report(IReadOnlyList<PlanReport> Plans)
{
    /// <summary>Reads folders of runs.</summary>
    /// <param name="folders">The folders.</param>
    /// <exception cref="BeearException">A folder holds no runs, or a record is damaged.</exception>
    public static Report Of(IReadOnlyList<string> folders) =>
        new([.. PlanRuns.Read(folders).Select((plan, i) => PlanReport.Of(plan, $"p{i + 1}"))]);
}

/// <summary>What the records of one plan say.</summary>
/// <param name="Id">An identity in the page.</param>
/// <param name="Plan">The runs.</param>
/// <param name="Verdicts">What became of the attack, one for each defence.</param>
/// <param name="Controls">What the controls say, a sentence each.</param>
/// <param name="Doubts">What is to be known before its numbers are trusted, a sentence each.</param>
/// <param name="Overall">A row for each arm.</param>
/// <param name="Cases">Its cases, each by itself.</param>
public sealed record PlanReport(string Id, PlanRuns Plan, IReadOnlyList<ReportVerdict> Verdicts, IReadOnlyList<string> Controls,
    IReadOnlyList<string> Doubts, ResultTable Overall, IReadOnlyList<CaseReport> Cases)
{
    /// <summary>The bars of all cases together.</summary>
    internal BarChart Bars => BarChart.Of($"{Id}-all", $"{Plan.Name}: all cases", Overall.Rows, Overall.Columns);

    /// <summary>What more poison does, where the plan asks that; null elsewhere.</summary>
    internal CurveChart? Poisoning => CurveChart.OfPoisoning($"{Id}-poisoning", Plan.Name, Plan.Finished);

    /// <summary>What sweeps over layers say, recipe by recipe, then the paper's own figure; none where the plan has no sweep.</summary>
    internal IReadOnlyList<LayerMap> Layers { get; init; } = [];

    /// <summary>Finished runs that no map shows: those of a map end at a round of their own, so their rates cannot be compared.</summary>
    internal IReadOnlyList<RunRecord> Compared { get; init; } = [];

    /// <summary>The maps with the names of their files, without an ending.</summary>
    internal IEnumerable<(string File, LayerMap Map)> Maps => Layers.Select((map, i) => ($"{Id}-layers-{i + 1}", map));

    /// <summary>Whether a run is one of a sweep that a map shows, or would be if it had not failed.</summary>
    internal bool IsSwept(RunRecord run) => LayerPlace.Of(run) is { } place && Layers.Any(map => map.Recipe == place.Recipe);

    /// <summary>An arm as people read it; those of a sweep by their recipe.</summary>
    internal string ArmTitle(RunRecord run) =>
        IsSwept(run) ? $"{Reports.ArmTitle.Of(LayerPlace.Of(run)!.Recipe)}, by layer" : run.ArmTitle();

    /// <summary>The charts of the page.</summary>
    internal (IReadOnlyList<BarChart> Bars, IReadOnlyList<CurveChart> Curves) Charts =>
    (
        [.. Cases.Select(one => one.Bars).Prepend(Cases.Count > 1 ? Bars : null).OfType<BarChart>().Where(chart => chart.Panels.Count > 0)],
        [.. new[] { Poisoning }.OfType<CurveChart>(), .. Cases.SelectMany(one => one.Rounds).SelectMany(rounds => rounds.Charts)]
    );

    internal static PlanReport Of(PlanRuns plan, string id)
    {
        var maps = LayerMap.Of(plan.Finished);
        var inMaps = maps.SelectMany(map => map.Runs).Select(run => run.Record?.Id).ToHashSet(StringComparer.Ordinal);
        List<RunRecord> compared = [.. plan.Finished.Where(run => !inMaps.Contains(run.Id))];
        var overall = ResultTable.ByArm(compared);
        return new PlanReport(id, plan, ReportText.Verdicts(compared), ReportText.Controls(compared), ReportText.Doubts(plan),
            overall with { Rows = Ordered(overall.Rows) }, [.. CasesOf(compared, id)])
        {
            Layers = [.. maps, .. LayerMap.OfPaper(maps) is { } published ? [published] : (LayerMap[])[]],
            Compared = compared,
        };
    }

    /// <summary>
    /// A case for each trigger; models that were never backdoored stand beside the planted ones, or alone where there are none.
    /// </summary>
    private static IEnumerable<CaseReport> CasesOf(List<RunRecord> runs, string id)
    {
        var table = ResultTable.ByCase(runs);
        var cases = table.Rows.Select(row => row.Case!).Distinct(StringComparer.Ordinal).ToList();
        if (cases.Count > 1) cases.Remove(RunName.NoTrigger);
        return cases.Select((name, i) => CaseReport.Of(name, $"{id}-c{i + 1}",
            new ResultTable(Ordered(table.Rows.Where(row => row.Case == name || row.Case == RunName.NoTrigger)), table.Columns)));
    }

    private static List<ResultRow> Ordered(IEnumerable<ResultRow> rows) => [.. rows.OrderBy(row => row.Role)];
}

/// <summary>What the records of one case say.</summary>
/// <param name="Name">The case.</param>
/// <param name="Id">An identity in the page.</param>
/// <param name="Table">A row for each arm; columns that none of them fills are left out.</param>
/// <param name="Published">What the paper publishes of it; null for nothing.</param>
public sealed record CaseReport(string Name, string Id, ResultTable Table, (Published Before, Published After)? Published)
{
    /// <summary>The bars.</summary>
    internal BarChart Bars { get; init; } = new("", "", []);

    /// <summary>Curves of the defences that go in rounds.</summary>
    internal IReadOnlyList<(string Arm, int Runs, IReadOnlyList<CurveChart> Charts)> Rounds { get; init; } = [];

    internal static CaseReport Of(string name, string id, ResultTable table)
    {
        List<Column> columns = [.. table.Columns.Where(column => table.Rows.Any(row => column.Of(row) is not null))];
        return new CaseReport(name, id, new ResultTable(table.Rows, columns),
            Reports.Published.Models.TryGetValue(name, out var published) ? published : null)
        {
            Bars = BarChart.Of($"{id}-rates", name, table.Rows, columns),
            Rounds = [.. from row in table.Rows.Index()
                         where row.Item.Case == name
                         let charts = Curves($"{id}-{row.Index + 1}", row.Item)
                         where charts.Count > 0
                         select (ReportText.Title(row.Item), row.Item.Runs.Count, charts)],
        };
    }

    private static IReadOnlyList<CurveChart> Curves(string file, ResultRow row) =>
        [.. CurveChart.Of(file, row).Where(chart => chart.Curves.Any(curve => curve.Points.Count > 0))];
}
