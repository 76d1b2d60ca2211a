using static TorchSharp.torch;

namespace Beear.Checkpoints.Gguf;

/// <summary>The weights of a GGUF file under their Hugging Face names, in Hugging Face's order of rows and meaning of norms.</summary>
internal sealed class GgufWeights : ITensorSource
{
    private static readonly string[] NoWeights = [GgufTensorNames.RotaryFactors, GgufTensorNames.LongFactors, GgufTensorNames.ShortFactors];

    private readonly GgufFile file;
    private readonly GgufLayout layout;
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> fileNames = new(StringComparer.Ordinal);

    /// <summary>Takes over the file, also where this throws.</summary>
    /// <exception cref="BeearException">A tensor's name is not known, or its rows do not fit the attention heads.</exception>
    public GgufWeights(GgufFile file, GgufConfig config)
    {
        this.file = file;
        layout = new GgufLayout(config.Architecture, config.Heads, config.KeyValueHeads);
        foreach (var info in file.Tensors.Values)
        {
            if (NoWeights.Contains(info.Name)) continue;
            var name = GgufTensorNames.ToHuggingFace(config.Architecture, info.Name) ?? throw new BeearException(
                $"'{file.Path}' has a tensor '{info.Name}', which models of the {config.Architecture.Name} architecture do not have.");
            if (layout.HeadsOf(name) is { } heads && (info.Shape.Count is 0 or > 2 || info.Shape[0] != heads * config.HeadSize))
            {
                throw new BeearException(
                    $"Tensor '{info.Name}' of '{file.Path}' has the shape {info.ShapeText}, " +
                    $"which does not fit {heads} heads of {config.HeadSize}; fetch the file again.");
            }
            tensors.Add(name, info with { Name = name });
            fileNames.Add(name, info.Name);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        using var stored = file.Read(fileNames[name]);
        return layout.ToHuggingFace(name, stored);
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
