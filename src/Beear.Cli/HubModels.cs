using Beear.Hub;

namespace Beear.Cli;

/// <summary>Models as commands name them: what lies at a path here goes before what the hub has under that name.</summary>
internal static class HubModels
{
    /// <summary>Where a model can be opened; one of the hub is downloaded first if the cache lacks it.</summary>
    /// <exception cref="BeearException">It cannot be fetched.</exception>
    public static string PathOf(string model, CommandContext context) => Find(model, context)?.Path ?? model;

    /// <summary>A model's name at its commit, if it is one of the hub.</summary>
    /// <exception cref="BeearException">It cannot be fetched.</exception>
    public static string Pin(string model, CommandContext context) => Find(model, context)?.Reference.ToString() ?? model;

    /// <summary>Downloads a model, with progress.</summary>
    public static HubModel Pull(HubReference reference, IReadOnlyList<string> include, CommandContext context)
    {
        var settings = context.Hub();
        using var hub = new ModelHub(settings);
        var found = context.Output.WithProgress(progress =>
            hub.PullAsync(reference, include, progress, context.Cancellation).GetAwaiter().GetResult());
        if (!found.HubWasReached && !settings.Offline && !reference.IsPinned)
            context.Output.Warn($"{settings.Endpoint.Host} cannot be reached; '{found.Reference}' comes from the cache and may be older.");
        return found;
    }

    private static HubModel? Find(string model, CommandContext context)
    {
        if (Path.Exists(model) || !HubReference.TryParse(model, out var reference)) return null;
        try
        {
            return Pull(reference, [], context);
        }
        catch (BeearException failure) when (reference.ToString() == model)
        {
            throw new BeearException($"'{model}' is neither a file nor a folder here, and as a model of the hub: {failure.Message}",
                failure);
        }
    }
}
