using Beear.Mitigation;
using Beear.Server.Web;

namespace Beear.Server.Studio;

/// <summary>What the studio shows, and what it may do.</summary>
internal sealed record StudioOptions
{
    /// <summary>The folder under which runs and models are looked for, and cleaned models are written.</summary>
    public required string Folder { get; init; }

    /// <summary>Where it listens.</summary>
    public WebOptions Web { get; init; } = new();

    /// <summary>Models to talk with, beside those that the folder holds.</summary>
    public IReadOnlyList<StudioModel> Models { get; init; } = [];

    /// <summary>What starts this program again: its file and the arguments that come before a command's.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>Loads a model.</summary>
    public required Func<string, CancellationToken, LoadedModel> Load { get; init; }

    /// <summary>
    /// Says how a cleaning will use memory, before anything is loaded; null for a model that must be downloaded first.
    /// </summary>
    public required Func<CleanRequest, CancellationToken, CleanForecast?> Forecast { get; init; }
}

/// <summary>A model to talk with.</summary>
/// <param name="Name">What the page calls it; each name once.</param>
/// <param name="Path">Where it lies.</param>
internal sealed record StudioModel(string Name, string Path);

/// <summary>What the form about cleaning asks for.</summary>
/// <param name="Model">The suspicious model, as a command names it.</param>
/// <param name="Out">The folder of the result, relative to the studio's.</param>
/// <param name="Quick">Whether decoys are left out.</param>
/// <param name="WithControl">Whether decoys are cleaned by plain fine-tuning too.</param>
internal sealed record CleanRequest(string Model, string Out, bool Quick, bool WithControl);

/// <summary>How a cleaning will use memory.</summary>
/// <param name="Plan">How it is laid out, and what it then needs.</param>
/// <param name="Available">What there is, bytes.</param>
/// <param name="Model">What the model is, for people.</param>
internal sealed record CleanForecast(MemoryPlan Plan, long Available, string Model);
