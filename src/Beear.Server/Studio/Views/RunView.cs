using System.Text.Json.Nodes;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Server.Studio.Views;

/// <summary>One run.</summary>
/// <param name="Place">Where it lies.</param>
/// <param name="Row">The run.</param>
/// <param name="Live">What it has written so far; null where it has ended, or written nothing.</param>
/// <param name="Before">The same model before anything was done to it; null where there is none.</param>
internal sealed record RunView(PlaceSummary Place, RunRow Row, LiveStage? Live, RunRecord? Before)
{
    /// <summary>Reads a run.</summary>
    /// <exception cref="NothingThere">There is none.</exception>
    public static RunView Of(RunsPlace place, string? id, CleanJobs jobs)
    {
        var summary = PlaceSummary.Of(place, jobs);
        if (summary.Problem is { } problem) throw new BeearException(problem);
        var run = summary.Runs.FirstOrDefault(run => run.Id == id)
            ?? throw new NothingThere("There is no such run in this folder; the list of runs has those that there are.");
        var wanted = summary.Wanted(run.Id);
        bool isOpen = run.State is RunProgressState.UnderWay or RunProgressState.Left && wanted is not null;
        return new RunView(summary, RunRow.Of(summary, run), isOpen ? LiveStage.Of(place.Folder, wanted!) : null,
            run.Record is { } record ? BeforeOf(record, summary) : null);
    }

    /// <summary>The record; null while it has not ended.</summary>
    public RunRecord? Record => Row.Run.Record;

    /// <summary>The arm as people read it.</summary>
    public string Title => StateText.Arm(Row.Run.Name);

    /// <summary>Its charts, a figure each, as HTML.</summary>
    public IReadOnlyList<string> Charts
    {
        get
        {
            var charts = Live is not null ? Live.Charts(Title)
                : Record is { State: RunState.Finished } record
                    ? CurveChart.Of("run", new ResultRow(record.Name.Case, record.Name.Arm, [(record, Before)])) : [];
            return [.. charts.Where(chart => chart.Curves.Any(curve => curve.Points.Count > 0)).Select(Figure)];
        }
    }

    /// <summary>A part of its settings as text; null where it has none.</summary>
    public string? Settings(string part) => Record?.Spec.At(part) is JsonNode settings ? settings.ToJsonString(StrictJson.Document) : null;

    private static string Figure(CurveChart chart)
    {
        var html = new HtmlWriter(isPage: false);
        HtmlReport.WriteFigure(html, chart);
        return html.ToString();
    }

    /// <summary>
    /// What a run is held against: the measurement of the same planted model, or in a folder of beear clean of the model as it came.
    /// </summary>
    internal static RunRecord? BeforeOf(RunRecord run, PlaceSummary place) => run.IsBaseline ? null
        : place.Runs.Select(other => other.Record).OfType<RunRecord>().FirstOrDefault(other => other.IsBaseline
            && other.State == RunState.Finished && (other.Name.Case, other.Name.Seed) == (run.Name.Case, run.Name.Seed)
            && other.Role() != RunRole.WrongTrigger && JsonNode.DeepEquals(other.Spec["plant"], run.Spec["plant"]));
}
