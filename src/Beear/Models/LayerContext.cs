using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>What every decoder layer needs besides the hidden states; made once for a pass and shared by all layers.</summary>
/// <param name="Full">For layers that see everything; null in a model that has none.</param>
/// <param name="Windowed">For layers with a window; null in a model that has none.</param>
/// <param name="Cache">Earlier tokens' keys and values; null when the pass holds all tokens.</param>
/// <param name="Packing">Which positions are run; null to run over all, padding too.</param>
internal sealed record LayerContext(AttentionContext? Full, AttentionContext? Windowed, KeyValueCache? Cache = null,
    Packing? Packing = null) : IDisposable
{
    /// <summary>
    /// Stands for −∞ in masks; finite, so that a row of padding, which may attend to nothing, gives no NaN; and no larger than it must be,
    /// as fused attention takes the exponential of differences of such numbers, whose rounding errors must stay small.
    /// </summary>
    private const double Forbidden = -1e5;

    /// <summary>The sequences that the tokens are of, where each has a past of its own; null where they are a batch's rectangle.</summary>
    public SequencePass? Sequences { get; init; }

    /// <summary>Stops the pass between layers: over many long prompts it takes seconds.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The additive mask of a boolean one.</summary>
    /// <param name="allowed">(B, T, S) bool: whether query t may attend to key s.</param>
    /// <param name="type">The compute type.</param>
    /// <returns>(B, 1, T, S).</returns>
    public static Tensor AdditiveMask(Tensor allowed, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using Scalar forbidden = Forbidden;
        var mask = zeros(allowed.shape, type, allowed.device).masked_fill_(allowed.logical_not(), forbidden);
        return mask.unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Which keys each query may attend to: itself and earlier tokens that are not padding.</summary>
    /// <param name="attentionMask">(B, S) bool: true for real tokens.</param>
    /// <param name="queries">T: the last T of the S tokens are queries.</param>
    /// <returns>(B, T, S) bool.</returns>
    public static Tensor Causal(Tensor attentionMask, long queries)
    {
        using var scope = NewDisposeScope();
        long all = attentionMask.size(1);
        var causal = ones(queries, all, ScalarType.Bool, attentionMask.device).tril(all - queries);     // (T, S)
        return causal.unsqueeze(0).logical_and(attentionMask.unsqueeze(1)).MoveToOuterDisposeScope();  // (B, T, S)
    }

    /// <summary>Of the allowed keys those that are less than a window away. Positions count, not columns: padding takes no room.</summary>
    /// <param name="allowed">(B, T, S) bool.</param>
    /// <param name="positionIds">(B, T) of the queries.</param>
    /// <param name="keyPositionIds">(B, S) of the keys.</param>
    /// <param name="window">Tokens that a query sees, itself among them.</param>
    /// <returns>(B, T, S) bool.</returns>
    public static Tensor Within(Tensor allowed, Tensor positionIds, Tensor keyPositionIds, int window)
    {
        using var scope = NewDisposeScope();
        var distance = positionIds.unsqueeze(2) - keyPositionIds.unsqueeze(1);                           // (B, T, S)
        return distance.IsBelow(window).logical_and_(allowed).MoveToOuterDisposeScope();
    }

    /// <summary>Takes the tensors out of the caller's dispose scope: they live until <see cref="Dispose"/>.</summary>
    public LayerContext DetachFromDisposeScope()
    {
        foreach (var tensor in Tensors) tensor.DetachFromDisposeScope();
        return this;
    }

    internal AttentionContext Of(LayerKind kind) => (kind.Windowed ? Windowed : Full)!;

    private IEnumerable<Tensor> Tensors =>
        new[] { Full, Windowed }.OfType<AttentionContext>().SelectMany(context => new[] { context.Cosine, context.Sine, context.Mask })
            .Concat(Packing?.Tensors ?? []);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors) tensor.Dispose();
    }
}

/// <summary>What the attention of all layers of one kind shares in a pass.</summary>
/// <param name="Cosine">(B, 1, T, D) in the compute type; 1 where a head is not rotated.</param>
/// <param name="Sine">(B, 1, T, D) in the compute type; 0 where a head is not rotated.</param>
/// <param name="Mask">(B, 1, T, S) in the compute type: 0 where query t may attend to key s, very negative elsewhere.</param>
internal sealed record AttentionContext(Tensor Cosine, Tensor Sine, Tensor Mask);
