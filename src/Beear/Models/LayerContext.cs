using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>What every decoder layer needs besides the hidden states; made once for a pass and shared by all layers.</summary>
/// <param name="Cosine">(B, 1, T, D) in the compute type.</param>
/// <param name="Sine">(B, 1, T, D) in the compute type.</param>
/// <param name="Mask">(B, 1, T, S) in the compute type: 0 where query t may attend to key s, very negative elsewhere.</param>
/// <param name="Cache">Earlier tokens' keys and values; null when the pass holds all tokens.</param>
public sealed record LayerContext(Tensor Cosine, Tensor Sine, Tensor Mask, KeyValueCache? Cache = null) : IDisposable
{
    /// <summary>Stands for −∞ in masks; finite, so that a row of padding, which may attend to nothing, gives no NaN.</summary>
    private const double Forbidden = -1e30;

    /// <summary>The additive mask of a boolean one.</summary>
    /// <param name="allowed">(B, T, S) bool: whether query t may attend to key s.</param>
    /// <param name="type">The compute type.</param>
    /// <returns>(B, 1, T, S).</returns>
    public static Tensor AdditiveMask(Tensor allowed, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var mask = zeros(allowed.shape, type, allowed.device).masked_fill_(allowed.logical_not(), Forbidden);
        return mask.unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Which keys each query may attend to: itself and earlier tokens that are not padding.</summary>
    /// <param name="attentionMask">(B, S) bool: true for real tokens.</param>
    /// <param name="queries">T: the last T of the S tokens are queries.</param>
    /// <returns>(B, T, S) bool.</returns>
    public static Tensor Causal(Tensor attentionMask, long queries)
    {
        using var scope = NewDisposeScope();
        long all = attentionMask.shape[1];
        var causal = ones(queries, all, ScalarType.Bool, attentionMask.device).tril(all - queries);     // (T, S)
        return causal.unsqueeze(0).logical_and(attentionMask.unsqueeze(1)).MoveToOuterDisposeScope();  // (B, T, S)
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Cosine.Dispose();
        Sine.Dispose();
        Mask.Dispose();
    }
}
