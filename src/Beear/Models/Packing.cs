using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// Where the real tokens of a padded batch stand. Between attentions, which need the rectangle, the layers run over real tokens only.
/// </summary>
/// <param name="Rows">(N) int64: the real ones of the B·T positions, in order.</param>
/// <param name="Batch">B.</param>
/// <param name="Tokens">T.</param>
public sealed record Packing(Tensor Rows, long Batch, long Tokens)
{
    /// <summary>Share of real tokens above which packing does not pay.</summary>
    private const double Full = 0.95;

    /// <summary>The packing of a pass; null if there is hardly any padding in it.</summary>
    /// <param name="allowed">(B, T, S) bool: whether query t may attend to key s; the queries are the last T keys, and a real token sees itself.</param>
    public static Packing? Of(Tensor allowed)
    {
        using var scope = NewDisposeScope();
        long batch = allowed.size(0), tokens = allowed.size(1);
        if (tokens == 1) return null;                                    // a step of generation
        var real = allowed.diagonal(allowed.size(2) - tokens, 1, 2);                                    // (B, T)
        var rows = real.flatten().nonzero().flatten();                                                   // (N)
        return rows.size(0) > Full * batch * tokens ? null : new Packing(rows.MoveToOuterDisposeScope(), batch, tokens);
    }

    /// <summary>The real tokens' rows.</summary>
    /// <param name="padded">(B, T, w).</param>
    /// <returns>(N, w).</returns>
    public Tensor Pack(Tensor padded)
    {
        using var scope = NewDisposeScope();
        return PackedRows.Take(padded.reshape(Batch * Tokens, -1), Rows).MoveToOuterDisposeScope();
    }

    /// <summary>The rectangle, with zeros where there is padding.</summary>
    /// <param name="packed">(N, w).</param>
    /// <returns>(B, T, w).</returns>
    public Tensor Unpack(Tensor packed)
    {
        using var scope = NewDisposeScope();
        return PackedRows.Place(packed, Rows, Batch * Tokens).view(Batch, Tokens, -1).MoveToOuterDisposeScope();
    }
}
