using System.Globalization;
using System.Text.Json.Nodes;
using Beear.Runtime;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>Writes a model as a Hugging Face directory: there as a whole, or not at all.</summary>
internal static class CheckpointWriter
{
    private static readonly Dictionary<string, string> PyTorchFormat = new(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>Writes weights and all other files of a model.</summary>
    /// <param name="directory">A directory that does not exist yet or is empty.</param>
    /// <param name="tensors">The weights under their Hugging Face names.</param>
    /// <param name="files">The other files; only config.json is adapted: the element type, and whether the head is tied.</param>
    /// <param name="maxShardBytes">Weights beyond this size are split over several files; one tensor never is.</param>
    /// <param name="isUntied">Whether config.json is to say that the head is not tied.</param>
    public static void Write(
        string directory, IReadOnlyList<(string Name, Tensor Value)> tensors, ModelFiles files, long maxShardBytes, bool isUntied)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        if (tensors.Count == 0) throw new ArgumentException("A model needs tensors.", nameof(tensors));
        AtomicOutput.WriteDirectory(directory, target =>
        {
            foreach (var name in files.Names)
            {
                var content = name == ModelFiles.Config ? Config(files, tensors, isUntied) : files.Bytes(name)!;
                var path = Path.Combine(target, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, content);
            }
            WriteWeights(target, tensors, maxShardBytes);
        });
    }

    private static void WriteWeights(string target, IReadOnlyList<(string Name, Tensor Value)> tensors, long maxShardBytes)
    {
        var shards = Shards(tensors, maxShardBytes);
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(target, ShardedSafetensors.SingleName), shards[0], PyTorchFormat);
            return;
        }
        var places = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            var fileName = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
            SafetensorsWriter.Write(Path.Combine(target, fileName), shards[i], PyTorchFormat);
            foreach (var (name, _) in shards[i]) places.Add(name, fileName);
        }
        var map = new JsonObject();
        foreach (var (name, fileName) in places) map[name] = fileName;
        var index = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(tensor => BytesOf(tensor.Value)) },
            ["weight_map"] = map,
        };
        File.WriteAllBytes(Path.Combine(target, ShardedSafetensors.IndexName), JsonFile.ToBytes(index));
    }

    /// <summary>Tensors in their order, as many to a file as fit.</summary>
    private static List<List<(string Name, Tensor Value)>> Shards(IReadOnlyList<(string Name, Tensor Value)> tensors, long maxShardBytes)
    {
        var shards = new List<List<(string Name, Tensor Value)>>();
        var room = 0L;
        foreach (var tensor in tensors)
        {
            var bytes = BytesOf(tensor.Value);
            if (shards.Count == 0 || bytes > room)
            {
                shards.Add([]);
                room = maxShardBytes;
            }
            shards[^1].Add(tensor);
            room -= bytes;
        }
        return shards;
    }

    /// <summary>config.json, byte for byte unless the weights are now of another type than it says, or the head is.</summary>
    private static byte[] Config(ModelFiles files, IReadOnlyList<(string Name, Tensor Value)> tensors, bool isUntied)
    {
        var written = tensors.GroupBy(tensor => ElementType.Of(tensor.Value.dtype)?.ConfigName).Where(group => group.Key is not null)
            .MaxBy(group => group.Sum(tensor => BytesOf(tensor.Value)))?.Key;
        var config = files.Json(ModelFiles.Config)!;
        var key = config.ContainsKey("dtype") ? "dtype" : "torch_dtype";       // of transformers 5 and of those before
        var typeChanges = written is not null && config.Text(key) != written;
        if (!typeChanges && !isUntied) return files.Bytes(ModelFiles.Config)!;
        if (typeChanges) config[key] = written;
        if (isUntied) config["tie_word_embeddings"] = false;
        return JsonFile.ToBytes(config);
    }

    private static long BytesOf(Tensor tensor) => tensor.numel() * tensor.element_size();
}
