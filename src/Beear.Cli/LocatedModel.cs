using Beear.Checkpoints;
using Beear.Checkpoints.Adapters;
using Beear.Hub;
using Beear.Models;

namespace Beear.Cli;

/// <summary>A model that a command was given, found; what it needs of the hub is downloaded.</summary>
/// <param name="Path">Where it can be opened.</param>
/// <param name="Base">Where its base can be opened, if it is an adapter.</param>
/// <param name="BaseName">The base as an option names it: at its commit if it is one of the hub.</param>
internal sealed record LocatedModel(string Path, string? Base = null, string? BaseName = null)
{
    /// <summary>Finds a model, and an adapter's base.</summary>
    /// <param name="model">As a command names it.</param>
    /// <param name="adapterBase">The base that was asked for; null for the one that the adapter names.</param>
    /// <param name="context">Hub and warnings.</param>
    /// <exception cref="BeearException">One of them cannot be found, or the adapter cannot be merged.</exception>
    public static LocatedModel Of(string model, string? adapterBase, CommandContext context)
    {
        string path = HubModels.PathOf(model, context);
        if (AdapterInfo.Find(path) is not { } adapter)
        {
            return adapterBase is null ? new LocatedModel(path)
                : throw new BeearException($"--adapter-base: '{model}' is no adapter, for it has no adapter_config.json; leave "
                    + "the option out.");
        }
        if (adapterBase is not null)
        {
            string pinned = HubModels.Pin(adapterBase, context);
            return new LocatedModel(path, HubModels.PathOf(pinned, context), pinned);
        }
        if (adapter.HasOwnBase)
        {
            context.Output.Warn($"'{model}' holds an adapter and full weights; as in transformers, it is merged into these. " +
                "If they have it in them already, remove adapter_config.json; if they are not its base, name that by --adapter-base.");
        }
        if (adapter.FindBase() is { } here) return new LocatedModel(path, here);
        return HubReference.TryParse(adapter.HubName, out var reference) ? OnHub(path, model, reference, context) : new LocatedModel(path);
    }

    /// <summary>The model's files, with an adapter merged into its base.</summary>
    public Checkpoint Open() => Checkpoint.Open(Path, Base);

    /// <summary>The same; what is odd about the model's files is told.</summary>
    public LocatedModel Told(CommandContext context)
    {
        using var checkpoint = Open();
        context.Output.Findings(Path, ModelFindings.Of(checkpoint));
        return this;
    }

    private static LocatedModel OnHub(string path, string model, HubReference reference, CommandContext context)
    {
        try
        {
            var found = HubModels.Pull(reference, [], context);
            return new LocatedModel(path, found.Path, found.Reference.ToString());
        }
        catch (BeearException failure)
        {
            throw new BeearException(
                $"'{model}' is an adapter of '{reference}', which is not here (name its folder by --adapter-base), and on the hub: "
                    + $"{failure.Message}", failure);
        }
    }
}
