using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>The tokens that a pass adds to one sequence.</summary>
/// <param name="Past">Its earlier tokens, of one row; gets the new ones.</param>
/// <param name="Tokens">The new tokens; not empty.</param>
/// <param name="SequenceLength">
/// How many tokens it is known to have, these and later ones too; frequencies that depend on the length go by it.
/// </param>
internal sealed record SequencePart(GrowingCache Past, int[] Tokens, int SequenceLength)
{
    /// <summary>Where the new tokens stand in the sequence.</summary>
    public IEnumerable<long> Positions { get; } = [.. Enumerable.Range((int)Past.Length, Tokens.Length).Select(at => (long)at)];

    /// <summary>Tokens with the new ones.</summary>
    public long End { get; } = Past.Length + Tokens.Length;
}

/// <summary>
/// Tokens of several sequences that go through the layers together, one behind the other, as N rows. Only attention knows that they are
/// of different sequences: each attends to its own past.
/// </summary>
/// <param name="config">The model.</param>
/// <param name="options">Device and number formats.</param>
/// <param name="parts">The sequences.</param>
internal sealed class SequencePass(ModelConfig config, ModelOptions options, IReadOnlyList<SequencePart> parts)
    : IDisposable
{
    private readonly Dictionary<(int Part, bool Windowed), Tensor> masks = [];

    /// <summary>What stands for the rectangle's mask: sequences make their own.</summary>
    public Tensor NoMask { get; } = empty(0, device: options.Device);

    /// <summary>A layer's attention; the new tokens' keys and values go to their sequences.</summary>
    /// <param name="layer">Decoder layer.</param>
    /// <param name="kind">What it sees.</param>
    /// <param name="queries">(1, H, N, D), rotated.</param>
    /// <param name="keys">(1, G, N, D), rotated.</param>
    /// <param name="values">(1, G, N, D).</param>
    /// <param name="attend">
    /// The layer's attention over a rectangle: queries (1, H, T, D), keys and values (1, G, S, D), mask (1, 1, T, S) → (1, H, T, D).
    /// </param>
    /// <returns>(1, N, H·D): the mixed values.</returns>
    public Tensor Attend(int layer, LayerKind kind, Tensor queries, Tensor keys, Tensor values,
        Func<Tensor, Tensor, Tensor, Tensor, Tensor> attend)
    {
        var mixed = empty([1, queries.size(2), queries.size(1) * queries.size(3)], queries.dtype, queries.device);
        var steps = new List<SequenceStep>();
        int at = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            var part = parts[i];
            int count = part.Tokens.Length;
            long first = kind.Windowed ? Math.Max(0, part.End - config.SlidingWindow!.Value) : 0;
            if (count == 1 && config.AttentionSoftCap is null && StepAttention.IsFused(queries, keys, part.End - first))
            {
                var (ownKeys, ownValues, room, place) = part.Past.Next(layer, keys);
                steps.Add(new SequenceStep(at, ownKeys, ownValues, room, first, place));
            }
            else
            {
                var (all, mixable) = part.Past.Extend(layer, keys.narrow(2, at, count), values.narrow(2, at, count)); // (1, G, S, D)
                var some = attend(queries.narrow(2, at, count).contiguous(), all, mixable, Mask(i, kind));            // (1, H, T, D)
                mixed.narrow(1, at, count).copy_(some.transpose(1, 2).flatten(2));
            }
            at += count;
        }
        if (steps.Count > 0) StepAttention.Apply(queries, keys, values, steps, mixed, config.AttentionScale);
        return mixed;
    }

    /// <summary>What the new tokens see, (1, 1, T, S); made by the first layer of a kind, for all.</summary>
    private Tensor Mask(int index, LayerKind kind)
    {
        if (masks.TryGetValue((index, kind.Windowed), out var made)) return made;
        using var scope = NewDisposeScope();
        var part = parts[index];
        long count = part.Tokens.Length, earlier = part.End - count;
        var allowed = ones(count, part.End, ScalarType.Bool, options.Device).tril(earlier);             // (T, S)
        if (kind.Windowed) allowed = allowed.triu(earlier + 1 - config.SlidingWindow!.Value);
        var mask = LayerContext.AdditiveMask(allowed.unsqueeze(0), options.ComputeType).DetachFromDisposeScope();
        masks.Add((index, kind.Windowed), mask);
        return mask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NoMask.Dispose();
        foreach (var mask in masks.Values) mask.Dispose();
    }
}
