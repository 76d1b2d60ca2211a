using Microsoft.AspNetCore.Http;

namespace Beear.Server.Studio.Views;

/// <summary>The form that starts a cleaning: first what is asked for, then how it would use memory, with a button that starts it.</summary>
/// <param name="Request">What is asked for.</param>
/// <param name="FormToken">What the form sends back.</param>
/// <param name="Root">The studio's folder.</param>
/// <param name="Models">Models of the folder, as suggestions.</param>
internal sealed record CleanView(CleanRequest Request, string FormToken, string Root, IReadOnlyList<StudioModel> Models)
{
    /// <summary>What is wrong, a sentence; null if nothing is known to be.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether everything was checked, so that it can be started.</summary>
    public bool IsChecked { get; init; }

    /// <summary>How it will use memory; null where that is not known before the model is downloaded.</summary>
    public CleanForecast? Forecast { get; init; }

    /// <summary>Whether the folder holds the same work already, which goes on.</summary>
    public bool Continues { get; init; }

    /// <summary>Reads the form.</summary>
    public static CleanRequest Read(IFormCollection form) => new(form["model"].ToString().Trim(), form["out"].ToString().Trim(),
        form["quick"] == "on", form["control"] == "on");

    /// <summary>Reads an address that fills the form.</summary>
    public static CleanRequest Read(IQueryCollection query) => new(query["model"].ToString(), query["out"].ToString(),
        query["quick"] == "on", query["control"] == "on");

    /// <summary>The address that fills the form so, which is read again as it was.</summary>
    public static string Address(CleanRequest request) => Link.To("/clean", ("model", request.Model), ("out", request.Out),
        ("quick", request.Quick ? "on" : null), ("control", request.WithControl ? "on" : null));

    /// <summary>Checks what is asked for, before anything is loaded or written.</summary>
    /// <exception cref="BeearException">It cannot be done; the sentence says why.</exception>
    public static string Check(CleanRequest request, StudioFolder folder)
    {
        if (request.Model.Length == 0)
            throw new BeearException("No model is named; write its folder, its .gguf file, or its name on the hub.");
        if (request.Model.Length > 4096 || request.Model.Any(char.IsControl))
            throw new BeearException("The model's name has control characters, or more than 4096 characters; write a path or a name.");
        if (request is { Quick: true, WithControl: true })
            throw new BeearException("The control is about decoys, and quick leaves them out; choose one of them.");
        return CleanSettings.FolderOf(folder.Root, request.Out);
    }
}

/// <summary>The folder of a cleaning.</summary>
/// <param name="Place">The folder.</param>
/// <param name="FormToken">What the stop button sends back.</param>
/// <param name="Now">The run that is under way; null for none.</param>
internal sealed record PlaceView(PlaceSummary Place, string FormToken, RunView? Now)
{
    /// <summary>Reads a folder.</summary>
    public static PlaceView Of(RunsPlace place, CleanJobs jobs, string formToken)
    {
        var summary = PlaceSummary.Of(place, jobs);
        var now = summary.Runs.FirstOrDefault(run => run.State == Lab.Runs.RunProgressState.UnderWay);
        return new PlaceView(summary, formToken, now is null ? null : RunView.Of(place, now.Id, jobs));
    }
}

/// <summary>A sentence on a page of its own.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Title">What went wrong, in a few words.</param>
/// <param name="Sentence">What, and what to do.</param>
internal sealed record MessageView(int Status, string Title, string Sentence);

/// <summary>The page that compares.</summary>
/// <param name="Models">Models to choose from.</param>
/// <param name="FormToken">What the script sends back.</param>
/// <param name="Query">What an address fills in.</param>
internal sealed record CompareView(IReadOnlyList<StudioModel> Models, string FormToken, IQueryCollection Query)
{
    /// <summary>A field's value.</summary>
    public string Of(string field, string otherwise = "") => Query[field].ToString() is { Length: > 0 } given ? given : otherwise;
}
