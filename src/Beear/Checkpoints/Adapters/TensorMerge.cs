namespace Beear.Checkpoints.Adapters;

/// <summary>What becomes of one tensor of the base; the names are those of the base's and the adapter's files.</summary>
/// <param name="Base">The base's tensor.</param>
/// <param name="Saved">The adapter's tensor that stands in its place, if there is one.</param>
/// <param name="Product">A low-rank product that is added.</param>
/// <param name="Shift">A vector that is added.</param>
/// <param name="Rows">Rows that are replaced.</param>
internal sealed record TensorMerge(string Base, string? Saved, LowRankProduct? Product = null, ScaledBias? Shift = null,
    TokenRows? Rows = null)
{
    /// <summary>Whether the tensor is one of the two files' as it is.</summary>
    public bool IsPlain => Product is null && Shift is null && Rows is null;

    /// <summary>Whether the base's tensor stays.</summary>
    public bool IsNothing => IsPlain && Saved is null;
}

/// <summary>Scale · Up · Down, of an embedding its transpose.</summary>
/// <param name="Down">(r, in), of an embedding (r, V).</param>
/// <param name="Up">(out, r), of an embedding (d, r).</param>
/// <param name="Scale">α / r, or α / √r.</param>
/// <param name="IsEmbedding">Whether the tensor is an embedding's, (V, d).</param>
/// <param name="Magnitude">
/// (out), of an embedding (d): the lengths that DoRA gives the rows, of an embedding the columns, of the sum.
/// </param>
internal sealed record LowRankProduct(string Down, string Up, double Scale, bool IsEmbedding, string? Magnitude);

/// <summary>A bias of the second factor and its scale.</summary>
internal sealed record ScaledBias(string Name, double Scale);

/// <summary>Rows of an embedding by token.</summary>
internal sealed record TokenRows(string Name, IReadOnlyList<int> Ids);
