using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>How the rows of a pass divide into attention's heads.</summary>
/// <param name="Batch">B.</param>
/// <param name="Tokens">T: columns of the rectangle.</param>
/// <param name="QueryHeads">H.</param>
/// <param name="Groups">G: heads of keys, and of values.</param>
/// <param name="HeadSize">D.</param>
/// <param name="RotatedSize">How many of a head's elements are rotated, from its first on; 0 for none.</param>
/// <param name="Rows">(N) int64, ascending: which of the B·T positions the rows stand at; null where all are there.</param>
internal sealed record HeadShape(long Batch, long Tokens, long QueryHeads, long Groups, long HeadSize, long RotatedSize,
    Tensor? Rows = null)
{
    /// <summary>B·T.</summary>
    public long Positions => Batch * Tokens;

    /// <summary>N.</summary>
    public long RowCount => Rows?.size(0) ?? Positions;

    /// <summary>The shape of rows that are one head for each query.</summary>
    internal HeadShape OfMixed => this with { Groups = 0, RotatedSize = 0 };

    /// <summary>Heads in a row: queries, then keys, then values.</summary>
    internal long Heads => QueryHeads + (2 * Groups);

    /// <summary>Elements of a row.</summary>
    internal long Width => Heads * HeadSize;
}
