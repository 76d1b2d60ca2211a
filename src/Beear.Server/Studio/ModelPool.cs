using Microsoft.Extensions.AI;

namespace Beear.Server.Studio;

/// <summary>The models that answers are asked of: loaded when needed, two at a time at most, for one comparison at a time.</summary>
/// <param name="named">The models that the command line names.</param>
/// <param name="folder">Those that the folder holds.</param>
/// <param name="load">Loads one.</param>
internal sealed class ModelPool(IReadOnlyList<StudioModel> named, StudioFolder folder, Func<string, CancellationToken, LoadedModel> load)
    : IDisposable
{
    /// <summary>How many models are in memory at most.</summary>
    public const int Most = 2;

    private readonly SemaphoreSlim alone = new(1);
    private readonly Dictionary<string, LoadedModel> loaded = new(StringComparer.Ordinal);

    /// <summary>All models that can be asked, those of the command line first.</summary>
    public IReadOnlyList<StudioModel> All => [.. named, .. folder.Models.Where(model => named.All(other => other.Name != model.Name))];

    /// <summary>A model by its name.</summary>
    /// <exception cref="NothingThere">There is none.</exception>
    public StudioModel Find(string? name) => All.FirstOrDefault(model => model.Name == name)
        ?? throw new NothingThere("There is no such model here; name it with --model, or choose one of the list.");

    /// <summary>Takes all models for one comparison; null while another has them.</summary>
    public IDisposable? TryTake() => alone.Wait(0) ? new Turn(alone) : null;

    /// <summary>Loads a model; one that is not needed now is let go if there would be too many. The caller has taken the pool.</summary>
    /// <param name="model">The model.</param>
    /// <param name="needed">The paths of all that are needed now.</param>
    /// <param name="cancellation">Stops loading.</param>
    /// <exception cref="BeearException">It cannot be loaded.</exception>
    public LoadedModel Load(StudioModel model, IReadOnlyList<string> needed, CancellationToken cancellation)
    {
        if (loaded.TryGetValue(model.Path, out var known)) return known;
        foreach (string other in loaded.Keys.Except(needed).ToList())
        {
            if (loaded.Count < Most) break;
            loaded.Remove(other, out var left);
            left!.Dispose();
        }
        return loaded[model.Path] = load(model.Path, cancellation);
    }

    /// <summary>Whether a model is in memory.</summary>
    public bool Holds(StudioModel model) => loaded.ContainsKey(model.Path);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var model in loaded.Values) model.Dispose();
        loaded.Clear();
        alone.Dispose();
    }

    private sealed class Turn(SemaphoreSlim alone) : IDisposable
    {
        public void Dispose() => alone.Release();
    }
}

/// <summary>A model in memory.</summary>
/// <param name="Client">Who talks with it.</param>
/// <param name="System">The system prompt of conversations that have none; null for none.</param>
/// <param name="Weights">What is freed with it; null for nothing.</param>
internal sealed record LoadedModel(IChatClient Client, string? System = null, IDisposable? Weights = null) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        Weights?.Dispose();
    }
}
