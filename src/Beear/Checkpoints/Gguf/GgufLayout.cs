using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Checkpoints.Gguf;

/// <summary>What the elements of a tensor are in a GGUF file and in Hugging Face's form.</summary>
/// <param name="architecture">Says what differs.</param>
/// <param name="queryHeads">H.</param>
/// <param name="keyValueHeads">G.</param>
internal sealed class GgufLayout(GgufArchitecture architecture, long queryHeads, long keyValueHeads)
{
    /// <summary>A new tensor in Hugging Face's form.</summary>
    /// <param name="name">The Hugging Face name.</param>
    /// <param name="stored">As a GGUF file holds it.</param>
    public Tensor ToHuggingFace(string name, Tensor stored)
    {
        if (HeadsOf(name) is { } heads) return SwapRows(stored, heads, ofPairs: true);
        return IsShiftedNorm(name) ? stored.Minus(1) : stored.alias();
    }

    /// <summary>A new tensor as a GGUF file holds it.</summary>
    /// <param name="name">The Hugging Face name.</param>
    /// <param name="weight">In Hugging Face's form.</param>
    public Tensor ToGguf(string name, Tensor weight)
    {
        if (HeadsOf(name) is { } heads) return SwapRows(weight, heads, ofPairs: false);
        return IsShiftedNorm(name) ? weight.Plus(1) : weight.alias();
    }

    /// <summary>The heads whose rows stand in another order; null for a tensor whose rows do not.</summary>
    public long? HeadsOf(string name)
    {
        if (!architecture.RotaryPairs) return null;
        return name.Contains(".self_attn.q_proj.", StringComparison.Ordinal) ? queryHeads
            : name.Contains(".self_attn.k_proj.", StringComparison.Ordinal) ? keyValueHeads
            : null;
    }

    /// <summary>Turns each head's rows from pairs (D/2, 2) into halves (2, D/2), or back.</summary>
    private static Tensor SwapRows(Tensor weight, long heads, bool ofPairs)
    {
        using var scope = NewDisposeScope();
        var (rows, half) = (weight.size(0), weight.size(0) / heads / 2);
        var columns = weight.numel() / rows;
        var split = ofPairs ? weight.view(heads, half, 2, columns) : weight.view(heads, 2, half, columns);
        return split.transpose(1, 2).contiguous().view(weight.shape).MoveToOuterDisposeScope();             // (H·D, d)
    }

    private bool IsShiftedNorm(string name) => architecture.NormsPlusOne && name.EndsWith("norm.weight", StringComparison.Ordinal);
}
