using System.Globalization;

namespace Beear.Models;

/// <summary>One tensor of the checkpoint that makes up (part of) a parameter.</summary>
/// <param name="Name">Its name in the Hugging Face checkpoint.</param>
/// <param name="Shape">Its shape; the first dimension is the one along which parts are stacked.</param>
internal sealed record ParameterPart(string Name, IReadOnlyList<long> Shape)
{
    /// <summary>Elements of the tensor.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>One parameter as the decoder uses it: one or more checkpoint tensors stacked along their rows.</summary>
/// <param name="Layer">Decoder layer, or −1 for the embedding, the final norm and the head.</param>
/// <param name="Role">What it is to the decoder.</param>
/// <param name="Parts">The checkpoint's tensors, in order.</param>
internal sealed record ParameterSlot(int Layer, ParameterRole Role, IReadOnlyList<ParameterPart> Parts)
{
    /// <summary>Elements of the parameter.</summary>
    public long ElementCount => Parts.Sum(part => part.ElementCount);

    /// <summary>
    /// Whether it is trained when so many lower layers are frozen; with them go the embeddings, and a head that is tied to them.
    /// </summary>
    internal bool IsTrained(int frozenLayers) =>
        frozenLayers == 0 || Layer >= frozenLayers || Role is ParameterRole.FinalNorm or ParameterRole.Head or ParameterRole.Score;
}

/// <summary>What a parameter is to the decoder.</summary>
internal enum ParameterRole
{
    /// <summary>(V, d) token embeddings.</summary>
    Embedding,
    /// <summary>Norm before attention: (d) scale; of a layer norm (2·d), scale and bias.</summary>
    AttentionNorm,
    /// <summary>((H + 2G)·D, d) query, key and value projections in one.</summary>
    QueryKeyValue,
    /// <summary>((H + 2G)·D) their biases.</summary>
    QueryKeyValueBias,
    /// <summary>(D) or (H·D) scale of the queries' norm.</summary>
    QueryNorm,
    /// <summary>(D) or (G·D) scale of the keys' norm.</summary>
    KeyNorm,
    /// <summary>(d, H·D) projection of the attention's result.</summary>
    AttentionOutput,
    /// <summary>(d) its bias.</summary>
    AttentionOutputBias,
    /// <summary>Norm of what attention adds, in the form of <see cref="AttentionNorm"/>.</summary>
    PostAttentionNorm,
    /// <summary>Norm before the feed-forward layer, in the form of <see cref="AttentionNorm"/>.</summary>
    FeedForwardNorm,
    /// <summary>(2·F, d) gate and up projections in one; (F, d) without a gate.</summary>
    GateUp,
    /// <summary>(2·F) or (F) their biases.</summary>
    GateUpBias,
    /// <summary>(d, F) down projection.</summary>
    Down,
    /// <summary>(d) its bias.</summary>
    DownBias,
    /// <summary>Norm of what the feed-forward layer adds, in the form of <see cref="AttentionNorm"/>.</summary>
    PostFeedForwardNorm,
    /// <summary>Final norm, in the form of <see cref="AttentionNorm"/>.</summary>
    FinalNorm,
    /// <summary>(V, d) output head; absent when tied to the embeddings.</summary>
    Head,
    /// <summary>(1, d) scalar head, which a reward model has in place of the output head.</summary>
    Score,
}

/// <summary>Which checkpoint tensors make up which parameter.</summary>
internal static class WeightLayout
{
    private const string Weight = ".weight", Bias = ".bias";

    /// <summary>Whether a role is a norm's: such parameters are computed with in float32.</summary>
    public static bool IsNorm(this ParameterRole role) => role is ParameterRole.AttentionNorm or ParameterRole.PostAttentionNorm
        or ParameterRole.FeedForwardNorm or ParameterRole.PostFeedForwardNorm or ParameterRole.QueryNorm or ParameterRole.KeyNorm
        or ParameterRole.FinalNorm;

    /// <summary>Whether a role's parameters are few and computed with in float32, whatever the compute type.</summary>
    public static bool IsFloat32(this ParameterRole role) => role.IsNorm() || role == ParameterRole.Score;

    /// <summary>All parameters of a model, each checkpoint tensor exactly once.</summary>
    public static IEnumerable<ParameterSlot> Of(ModelConfig c)
    {
        var names = c.Names;
        yield return new(-1, ParameterRole.Embedding, [new(names.EmbeddingWeight, [c.VocabularySize, c.HiddenSize])]);
        for (int i = 0; i < c.Layers; i++)
        {
            foreach (var slot in Layer(c, i)) yield return slot;
        }
        yield return Norm(c, -1, ParameterRole.FinalNorm, names.FinalNorm);
        if (c.ScalarHead) yield return new(-1, ParameterRole.Score, [new(names.ScoreWeight, [1, c.HiddenSize])]);
        else if (!c.TiedEmbeddings) yield return new(-1, ParameterRole.Head, [new(names.HeadWeight, [c.VocabularySize, c.HiddenSize])]);
    }

    private static IEnumerable<ParameterSlot> Layer(ModelConfig c, int layer)
    {
        var names = c.Names;
        var prefix = string.Format(CultureInfo.InvariantCulture, names.Layer, layer);
        long d = c.HiddenSize, headSize = c.HeadSize, queries = c.QueryHeads * headSize, keys = c.KeyValueHeads * headSize,
            f = c.FeedForwardSize;

        if (names.AttentionNorm is { } before) yield return Norm(c, layer, ParameterRole.AttentionNorm, prefix + before);
        yield return Matrix(ParameterRole.QueryKeyValue, names.QueryKeyValue, [queries, keys, keys], d);
        if (c.QueryKeyValueBias) yield return Biases(ParameterRole.QueryKeyValueBias, names.QueryKeyValue, [queries, keys, keys]);
        if (c.QueryKeyNorm != QueryKeyNorm.None)
        {
            bool whole = c.QueryKeyNorm == QueryKeyNorm.WholeWidth;
            yield return new(layer, ParameterRole.QueryNorm, [new(prefix + names.QueryNorm + Weight, [whole ? queries : headSize])]);
            yield return new(layer, ParameterRole.KeyNorm, [new(prefix + names.KeyNorm + Weight, [whole ? keys : headSize])]);
        }
        yield return Matrix(ParameterRole.AttentionOutput, [names.AttentionOutput], [d], queries);
        if (c.AttentionOutputBias) yield return Biases(ParameterRole.AttentionOutputBias, [names.AttentionOutput], [d]);
        if (names.PostAttentionNorm is { } after) yield return Norm(c, layer, ParameterRole.PostAttentionNorm, prefix + after);

        if (names.FeedForwardNorm is { } beforeFeedForward) yield return Norm(c, layer, ParameterRole.FeedForwardNorm,
            prefix + beforeFeedForward);
        long[] gateUp = c.GatedFeedForward ? [f, f] : [f];
        yield return Matrix(ParameterRole.GateUp, names.GateUp, gateUp, d);
        if (c.FeedForwardBias) yield return Biases(ParameterRole.GateUpBias, names.GateUp, gateUp);
        yield return Matrix(ParameterRole.Down, [names.Down], [d], f);
        if (c.FeedForwardBias) yield return Biases(ParameterRole.DownBias, [names.Down], [d]);
        if (names.PostFeedForwardNorm is { } afterFeedForward) yield return Norm(c, layer, ParameterRole.PostFeedForwardNorm,
            prefix + afterFeedForward);

        ParameterSlot Matrix(ParameterRole role, IReadOnlyList<string> parts, long[] rows, long columns) =>
            new(layer, role, [.. Rows(parts, rows).Select(part => new ParameterPart(prefix + part.Name + Weight, [part.Rows, columns]))]);

        ParameterSlot Biases(ParameterRole role, IReadOnlyList<string> parts, long[] rows) =>
            new(layer, role, [.. Rows(parts, rows).Select(part => new ParameterPart(prefix + part.Name + Bias, [part.Rows]))]);
    }

    /// <summary>The rows of each tensor: those of one part, or of all where the family has them in one tensor.</summary>
    private static IEnumerable<(string Name, long Rows)> Rows(IReadOnlyList<string> names, long[] rows) =>
        names.Count == 1 ? [(names[0], rows.Sum())] : names.Zip(rows);

    private static ParameterSlot Norm(ModelConfig c, int layer, ParameterRole role, string name)
    {
        var scale = new ParameterPart(name + Weight, [c.HiddenSize]);
        return new(layer, role, c.Norm == NormKind.LayerNorm ? [scale, new(name + Bias, [c.HiddenSize])] : [scale]);
    }
}
