using Beear.Lab.Reports;

namespace Beear.Server.Studio.Views;

/// <summary>The tables and figures of a folder's plans.</summary>
/// <param name="Place">The folder.</param>
/// <param name="Parts">The report's parts as HTML; null where there is nothing to report.</param>
/// <param name="Problem">Why there is nothing; null if there is.</param>
internal sealed record PlansView(PlaceSummary Place, string? Parts, string? Problem)
{
    /// <summary>Reads a folder.</summary>
    public static PlansView Of(RunsPlace place, CleanJobs jobs)
    {
        var summary = PlaceSummary.Of(place, jobs);
        try
        {
            return new PlansView(summary, HtmlReport.PartsOf(Report.Of([place.Folder.Path])), null);
        }
        catch (BeearException failure)
        {
            return new PlansView(summary, null, failure.Message);
        }
    }
}
