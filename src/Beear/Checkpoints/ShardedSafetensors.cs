using System.Text.Json.Nodes;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>The weights of a model directory: model.safetensors, or the shards that model.safetensors.index.json lists.</summary>
internal sealed class ShardedSafetensors : ITensorSource
{
    /// <summary>The file of a model in one piece.</summary>
    public const string SingleName = ModelStem + ".safetensors";

    /// <summary>The file that says which shard holds which tensor.</summary>
    public const string IndexName = SingleName + ".index.json";

    private const string ModelStem = "model";

    private readonly Dictionary<string, SafetensorsFile> shards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsFile> shardOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);

    private readonly string stem;

    private ShardedSafetensors(string stem) => this.stem = stem;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Whether a directory holds weights of this form.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="stem">What its files' names begin with.</param>
    public static bool IsIn(string directory, string stem = ModelStem) =>
        File.Exists(Path.Combine(directory, Single(stem))) || File.Exists(Path.Combine(directory, Index(stem)));

    /// <summary>Opens the weights of a directory; one file goes before an index, as in transformers.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="stem">What its files' names begin with.</param>
    /// <exception cref="BeearException">A file is missing or not valid, or the index names what its shards do not hold.</exception>
    public static ShardedSafetensors Open(string directory, string stem = ModelStem)
    {
        var weights = new ShardedSafetensors(stem);
        try
        {
            if (File.Exists(Path.Combine(directory, Single(stem)))) weights.AddAll(directory);
            else weights.AddIndexed(directory);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string name) => shardOf[name].Read(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in shards.Values) shard.Dispose();
    }

    private static string Single(string stem) => $"{stem}.safetensors";

    private static string Index(string stem) => $"{Single(stem)}.index.json";

    private void AddAll(string directory)
    {
        var shard = Shard(directory, Single(stem));
        foreach (var (name, info) in shard.Tensors) Add(shard, name, info);
    }

    private void AddIndexed(string directory)
    {
        var path = Path.Combine(directory, Index(stem));
        if (JsonFile.Read(path)["weight_map"] is not JsonObject map) throw new BeearException(
            $"'{path}' has no object 'weight_map'; fetch it again.");
        foreach (var (name, value) in map)
        {
            if (value is not JsonValue text || !text.TryGetValue<string>(out var fileName) || fileName.Length == 0
                || fileName.AsSpan().ContainsAny("/\\"))
                throw new BeearException($"'{path}' does not give tensor '{name}' a file of the same directory; fetch it again.");
            var shard = Shard(directory, fileName);
            if (!shard.Tensors.TryGetValue(name, out var info))
                throw new BeearException($"'{path}' says that tensor '{name}' lies in {fileName}, which does not hold it; "
                    + "fetch both again.");
            Add(shard, name, info);
        }
    }

    private void Add(SafetensorsFile shard, string name, TensorInfo info)
    {
        tensors.Add(name, info);
        shardOf.Add(name, shard);
    }

    private SafetensorsFile Shard(string directory, string fileName)
    {
        if (!shards.TryGetValue(fileName, out var shard))
        {
            shard = SafetensorsFile.Open(Path.Combine(directory, fileName));
            shards.Add(fileName, shard);
        }
        return shard;
    }
}
