using System.Text.Json.Nodes;
using Beear.Text.Files;

namespace Beear.Checkpoints.Adapters;

/// <summary>A folder that PEFT has saved an adapter to: adapter_config.json and adapter_model.safetensors.</summary>
internal static class AdapterFolder
{
    private const string Stem = "adapter_model", Pickled = $"{Stem}.bin";

    public static bool IsAt(string path) => File.Exists(Path.Combine(path, AdapterConfig.FileName));

    /// <summary>What the configuration says.</summary>
    /// <exception cref="BeearException">It cannot be merged.</exception>
    public static AdapterInfo Describe(string folder)
    {
        var config = AdapterConfig.Open(folder);
        bool hasOwnBase = ShardedSafetensors.IsIn(folder) && File.Exists(Path.Combine(folder, ModelFiles.Config));
        return new AdapterInfo(folder, config.Kind, config.Base, config.Revision, config.NamedRanks, hasOwnBase);
    }

    /// <summary>The weights of a base with the adapter in them, which own the base's from now on.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="weights">The base's tensors.</param>
    /// <param name="model">The base's config.json, in which the adapter may change the vocabulary and whether the head is tied.</param>
    /// <exception cref="BeearException">They do not fit together.</exception>
    public static MergedWeights Open(string folder, ITensorSource weights, JsonObject model)
    {
        if (!ShardedSafetensors.IsIn(folder, Stem)) throw NoWeights(folder);
        var adapter = ShardedSafetensors.Open(folder, Stem);
        try
        {
            var tensors = new AdapterTensors(adapter, Path.Combine(folder, $"{Stem}.safetensors"));
            return new MergedWeights(weights, adapter, new AdapterPlan(AdapterConfig.Open(folder), tensors, adapter, weights, model));
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private static BeearException NoWeights(string folder) => File.Exists(Path.Combine(folder, Pickled))
        ? new BeearException($"'{folder}' holds the adapter only as a Python pickle ({Pickled}), which can run code and is not read; " +
            "load it with PEFT and save it with safe_serialization=True, or merge it (merge_and_unload) and save the model.")
        : new BeearException($"'{folder}' has an {AdapterConfig.FileName} but no {Stem}.safetensors; fetch that file of the adapter too.");
}
