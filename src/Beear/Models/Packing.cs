using System.Numerics;
using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// Which positions of a padded batch the layers run over. Attention needs the rectangle; everything else runs over real tokens, hardly any
/// padding, and over one of several tokens that have the same past.
/// </summary>
/// <param name="Rows">(N) int64, ascending: of the B·T positions those that are run; some of them may be padding.</param>
/// <param name="Batch">B.</param>
/// <param name="Tokens">T.</param>
/// <param name="Copies">Where equal tokens stand; null if each is run for itself.</param>
internal sealed record Packing(Tensor Rows, long Batch, long Tokens, TokenCopies? Copies = null)
{
    /// <summary>Share of what is there above which leaving the rest out does not pay.</summary>
    private const double Full = 0.95;

    /// <summary>The packing of a pass; null if there is hardly any padding in it.</summary>
    /// <param name="allowed">
    /// (B, T, S) bool: whether query t may attend to key s; the queries are the last T keys, and a real token sees itself.
    /// </param>
    public static Packing? Of(Tensor allowed)
    {
        using var scope = NewDisposeScope();
        long batch = allowed.size(0), tokens = allowed.size(1);
        if (tokens == 1) return null;                                    // a step of generation
        var real = allowed.diagonal(allowed.size(2) - tokens, 1, 2).flatten();                          // (B·T)
        var rows = real.nonzero().flatten();                                                             // (N)
        if (rows.size(0) > Full * batch * tokens) return null;
        var padding = real.logical_not().nonzero().flatten();                                            // (B·T − N)
        var (run, _) = cat([rows, padding.narrow(0, 0, Math.Min(Missing(rows.size(0)), padding.size(0)))], 0).sort();
        return new Packing(run.MoveToOuterDisposeScope(), batch, tokens);
    }

    /// <summary>
    /// The packing of a pass in which equal tokens are run once; null if there are hardly any, for <see cref="Of(Tensor)"/> to decide.
    /// </summary>
    /// <param name="rows">Ascending: the positions that must be run.</param>
    /// <param name="positions">(M) positions of all real tokens.</param>
    /// <param name="sources">(M): which of those rows stands at each.</param>
    /// <param name="batch">B.</param>
    /// <param name="tokens">T.</param>
    /// <param name="device">Where the tensors are made.</param>
    internal static Packing? Of(IReadOnlyList<long> rows, IReadOnlyList<long> positions, IReadOnlyList<long> sources, long batch,
        long tokens, Device device)
    {
        if (rows.Count > Full * positions.Count) return null;
        var real = positions.ToHashSet();
        var padding = Enumerable.Range(0, checked((int)(batch * tokens))).Select(position => (long)position)
            .Where(position => !real.Contains(position));
        long[] run = [.. rows.Concat(padding.Take((int)Missing(rows.Count))).Order()];                   // (N)
        long[] places = [.. rows.Select(row => (long)Array.BinarySearch(run, row))];
        return new Packing(Index(run), batch, tokens, new TokenCopies(Index(positions), Index(sources.Select(source => places[source]))));

        Tensor Index(IEnumerable<long> values) => tensor(values.ToArray(), device: device);
    }

    /// <summary>
    /// How many positions of padding are run so that the number of rows recurs from pass to pass: oneDNN generates a matrix product's code
    /// anew for every number, which was a tenth of a small model's time, and memory that was freed fits again.
    /// </summary>
    private static long Missing(long rows)
    {
        long step = Math.Clamp((long)BitOperations.RoundUpToPowerOf2((ulong)rows) / 64, 1, 32);
        return (step - (rows % step)) % step;
    }

    /// <summary>(M) int64, ascending: the positions of all real tokens, and of what padding is run where none are copies.</summary>
    public Tensor Positions => Copies?.Positions ?? Rows;

    /// <summary>The rows that are run.</summary>
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
        return PackedRows.Place(Repeat(packed), Positions, Batch * Tokens).view(Batch, Tokens, -1).MoveToOuterDisposeScope();
    }

    /// <summary>The gradient of rows from that of the rectangle: the transpose of <see cref="Unpack"/>.</summary>
    /// <param name="padded">(B, T, w).</param>
    /// <returns>(N, w).</returns>
    internal Tensor Collect(Tensor padded)
    {
        using var scope = NewDisposeScope();
        var all = PackedRows.Take(padded.reshape(Batch * Tokens, -1), Positions);                        // (M, w)
        return (Copies is null ? all : PackedRows.Sum(all, Copies.Sources, Rows.size(0))).MoveToOuterDisposeScope();
    }

    /// <summary>A row for every real token.</summary>
    /// <param name="packed">(N, w).</param>
    /// <returns>(M, w).</returns>
    internal Tensor Repeat(Tensor packed) => Copies is null ? packed.alias() : PackedRows.Repeat(packed, Copies.Sources);

    internal IEnumerable<Tensor> Tensors => Copies is null ? [Rows] : [Rows, Copies.Positions, Copies.Sources];
}

/// <summary>Where the tokens that are run stand, some of them several times.</summary>
/// <param name="Positions">(M) int64, ascending: the positions of all real tokens.</param>
/// <param name="Sources">(M) int64: which of the rows that are run stands at each.</param>
internal sealed record TokenCopies(Tensor Positions, Tensor Sources);
