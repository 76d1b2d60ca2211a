using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>The weights of a GGUF file of the Llama family under their Hugging Face names and in Hugging Face's order of rows.</summary>
internal sealed class GgufWeights : ITensorSource
{
    private readonly GgufFile file;
    private readonly GgufConfig config;
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> fileNames = new(StringComparer.Ordinal);

    /// <summary>Takes over the file, also where this throws.</summary>
    /// <exception cref="BeearException">A tensor's name is not known, or its rows do not fit the attention heads.</exception>
    public GgufWeights(GgufFile file, GgufConfig config)
    {
        this.file = file;
        this.config = config;
        foreach (var info in file.Tensors.Values)
        {
            if (info.Name == GgufNames.RotaryFactors) continue;
            var name = GgufNames.ToHuggingFace(info.Name)
                ?? throw new BeearException($"'{file.Path}' has a tensor '{info.Name}', which models of the llama architecture do not have.");
            if (HeadsOf(name) is { } heads && (info.Shape.Count is 0 or > 2 || info.Shape[0] != heads * config.HeadSize))
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
        var stored = file.Read(fileNames[name]);
        if (HeadsOf(name) is not { } heads) return stored;
        using (stored) return RowsOfHalves(stored, heads);
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>
    /// GGUF stores the rows of a query or key head as the rotary pairs (0, D/2), (1, D/2 + 1) … one after the other; Hugging Face
    /// stores the first elements of all pairs, then the second ones.
    /// </summary>
    internal static Tensor RowsOfHalves(Tensor pairs, long heads)
    {
        using var scope = NewDisposeScope();
        var (rows, half) = (pairs.shape[0], pairs.shape[0] / heads / 2);
        return pairs.view(heads, half, 2, pairs.numel() / rows)                                // (H, D/2, 2, d)
            .transpose(1, 2).contiguous()                                    // (H, 2, D/2, d)
            .view(pairs.shape).MoveToOuterDisposeScope();                    // (H·D, d)
    }

    private long? HeadsOf(string name) =>
        name.Contains(".self_attn.q_proj.", StringComparison.Ordinal) ? config.Heads
        : name.Contains(".self_attn.k_proj.", StringComparison.Ordinal) ? config.KeyValueHeads
        : null;
}
