using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Attention of query heads that share keys and values in groups.</summary>
internal static class GroupedAttention
{
    /// <summary>Scores that are held at once where no gradient needs them: those of batches of usual length are fewer.</summary>
    public const long MostScores = 1L << 26;

    /// <summary>
    /// The mixed values. Where all scores would be too many, and no gradient is asked for, slices of the queries follow each other.
    /// </summary>
    /// <param name="queries">(B, H, T, D), contiguous.</param>
    /// <param name="keys">(B, G, S, D) of the same type; H = G · R.</param>
    /// <param name="values">(B, G, S, D) of the same type.</param>
    /// <param name="mask">(B, 1, T, S) of the same type, added to the scores.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="softCap">c of c·tanh(x/c), through which scaled scores go; null for none.</param>
    /// <param name="mostScores">Most numbers of the scores (B, H, t, S) of a slice of t queries; one query at least is in it.</param>
    /// <returns>(B, H, T, D) of the same type.</returns>
    public static Tensor Apply(Tensor queries, Tensor keys, Tensor values, Tensor mask, double scale, double? softCap = null,
        long mostScores = MostScores)
    {
        long tokens = queries.size(2), step = Math.Max(1, mostScores / (queries.size(0) * queries.size(1) * keys.size(2)));
        if (step >= tokens || Recording.IsNeeded(queries, keys)
            || Recording.IsNeeded(values)) return Whole(queries, keys, values, mask, scale, softCap);
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long start = 0; start < tokens; start += step)
        {
            using var slice = NewDisposeScope();
            long count = Math.Min(step, tokens - start);
            var some = queries.narrow(2, start, count).contiguous();                                     // (B, H, t, D)
            parts.Add(Whole(some, keys, values, mask.narrow(2, start, count).contiguous(), scale, softCap).MoveToOuterDisposeScope());
        }
        return cat(parts, 2).MoveToOuterDisposeScope();                                                  // (B, H, T, D)
    }

    private static Tensor Whole(Tensor queries, Tensor keys, Tensor values, Tensor mask, double scale, double? softCap)
    {
        using var scope = NewDisposeScope();
        // The R = H/G query heads of a group stand under each other, so that keys and values need no copies.
        var grouped = queries.view(queries.size(0), keys.size(1), -1, queries.size(3));                  // (B, G, R·T, D)
        var scores = grouped.matmul(keys.transpose(2, 3));                                               // (B, G, R·T, S)
        if (softCap is { } cap) (scores, scale) = (SoftCap(scores.Times(scale), cap), 1);
        var shares = MaskedSoftmax.Apply(scores, mask, scale);                                           // (B, G, R·T, S)
        return shares.matmul(values).view(queries.shape).MoveToOuterDisposeScope();                      // (B, H, T, D)
    }

    /// <summary>c·tanh(x/c).</summary>
    public static Tensor SoftCap(Tensor x, double cap) => x.Over(cap).tanh().Times(cap);
}
