using Beear.Checkpoints;
using Beear.Checkpoints.Gguf;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Models.Export;

/// <summary>Writes a model as one GGUF file that llama.cpp runs: weights, configuration, tokenizer and chat template.</summary>
internal static class GgufExport
{
    /// <summary>Writes a checkpoint; its tensors are read one at a time.</summary>
    /// <param name="checkpoint">A model of any family that llama.cpp computes the same way.</param>
    /// <param name="path">The file; one that exists is replaced when the new one is complete.</param>
    /// <param name="type">How matrices are stored.</param>
    /// <param name="progress">Hears of every tensor.</param>
    /// <param name="cancellation">Stops between tensors; nothing is left behind.</param>
    /// <exception cref="BeearException">llama.cpp could not run the model faithfully, or it cannot be read or written.</exception>
    public static void Write(Checkpoint checkpoint, string path, GgufWeightType type,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        TorchRuntime.Load();
        var config = ModelConfig.Of(checkpoint);
        foreach (var part in config.Tensors) DecoderWeights.CheckShape(config, part, checkpoint);
        Write(config, checkpoint, name => checkpoint.Read(config.StoredName(name, checkpoint)), path, type, progress, cancellation);
    }

    /// <summary>Refuses, before long work, a path that no GGUF file can be written to.</summary>
    /// <exception cref="BeearException">It does not end in .gguf, is a directory, or lies in none.</exception>
    public static void RequirePath(string path)
    {
        AtomicOutput.RequireDirectoryOf(path);
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) throw new BeearException(
            $"'{path}' does not end in .gguf; GGUF files are known by it.");
    }

    /// <summary>Writes a model with the weights that it has now.</summary>
    internal static void Write(ModelConfig config, Checkpoint source, DecoderWeights weights, string path, GgufWeightType type,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var values = weights.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Value, StringComparer.Ordinal);
        Write(config, source, name => values[name].alias(), path, type, progress, cancellation);
    }

    private static void Write(ModelConfig config, Checkpoint source, Func<string, Tensor> read, string path, GgufWeightType type,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        RequirePath(path);
        var architecture = GgufArchitectures.OfModelType(config.ModelType) ?? throw new BeearException(
            $"Models of the family '{config.ModelType}' cannot be written to GGUF; those that can: {GgufArchitectures.ModelTypes}.");
        GgufFaithfulness.Check(config, architecture);
        var tokenizer = new GgufTokenizerWriter(source.Files, config.VocabularySize);
        var name = tokenizer.Name(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source.Path))));
        IReadOnlyList<(string, object)> metadata = [.. GgufConfigMetadata.Of(config, architecture, name, type), .. tokenizer.Metadata()];
        GgufWriter.Write(path, metadata, [.. Tensors(config, architecture, read, type)], progress, cancellation);
    }

    private static IEnumerable<GgufTensor> Tensors(ModelConfig config, GgufArchitecture architecture, Func<string, Tensor> read,
        GgufWeightType type)
    {
        var layout = new GgufLayout(architecture, config.QueryHeads, config.KeyValueHeads);
        foreach (var part in config.Tensors)
        {
            Tensor Stored()
            {
                using var weight = read(part.Name).to(ScalarType.Float32);
                return layout.ToGguf(part.Name, weight);
            }

            var name = GgufTensorNames.ToGguf(architecture, part.Name)
                ?? throw new BeearException($"llama.cpp's {architecture.Name} models have no place for the tensor '{part.Name}', so this "
                    + "model cannot be written to GGUF.");
            var isHead = name == GgufTensorNames.Output || (name == GgufTensorNames.Embedding && config.TiedEmbeddings);
            yield return new GgufTensor(name, TypeOf(part.Shape, type, isHead), part.Shape, Stored);
            if (name == GgufTensorNames.Embedding && config.TiedEmbeddings && architecture.NeedsOutput)
                yield return new GgufTensor(GgufTensorNames.Output, TypeOf(part.Shape, type, isHead: true), part.Shape, Stored);
        }
        foreach (var (name, factors) in GgufConfigMetadata.RotaryFactors(config))
            yield return new GgufTensor(name, GgufType.Named("F32"), [factors.Length], () => tensor(factors));
    }

    /// <summary>
    /// The type of a tensor: matrices as asked for, as far as their rows are whole blocks; llama.cpp falls back in the same way.
    /// </summary>
    private static GgufType TypeOf(IReadOnlyList<long> shape, GgufWeightType type, bool isHead)
    {
        if (shape.Count < 2) return GgufType.Named("F32");
        string[] candidates = type switch
        {
            GgufWeightType.F32 => ["F32"],
            GgufWeightType.Bf16 => ["BF16"],
            GgufWeightType.Q8_0 => ["Q8_0", "F16"],
            GgufWeightType.Q4_K => isHead ? ["Q6_K", "Q8_0", "F16"] : ["Q4_K", "Q5_0", "F16"],
            _ => ["F16"],
        };
        return candidates.Select(GgufType.Named).First(candidate => shape[^1] % candidate.BlockElements == 0);
    }
}
