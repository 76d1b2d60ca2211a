using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Between rows of tokens, as projections write and read them, and heads over rectangles of tokens, as attention's products want them. On
/// the way queries and keys are rotated by position in the halves form of Llama: x · cos + rotate(x) · sin with rotate([x₁, x₂]) = [−x₂,
/// x₁].
/// </summary>
internal static unsafe class AttentionHeads
{
    private const int RowsInChunk = 32;

    /// <summary>Queries, keys and values of rows; on the CPU and on CUDA in one pass forward and one backward.</summary>
    /// <param name="rows">(N, (H+2G)·D), float32 or bfloat16: in each row the queries, then keys, then values.</param>
    /// <param name="shape">How they divide.</param>
    /// <param name="cosine">(B, 1, T, D) of the same type; no gradient flows into it.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <returns>(B, H, T, D) and twice (B, G, T, D), contiguous; zero where there is no row.</returns>
    public static (Tensor Queries, Tensor Keys, Tensor Values) Split(Tensor rows, HeadShape shape, Tensor cosine, Tensor sine)
    {
        if (!IsFused(rows, shape) || !IsTable(cosine, rows, shape) || !IsTable(sine, rows, shape))
            return PlainSplit(rows, shape, cosine, sine);
        using var scope = NewDisposeScope();
        var all = Recording.IsNeeded(rows) ? RecordedSplit.Record(rows, cosine, sine, shape) : ToHeads(rows, shape, cosine, sine);
        long queries = shape.Positions * shape.QueryHeads * shape.HeadSize, keys = shape.Positions * shape.Groups * shape.HeadSize;
        var parts = all.split([queries, keys, keys]);
        return (Heads(parts[0], shape.QueryHeads), Heads(parts[1], shape.Groups), Heads(parts[2], shape.Groups));

        Tensor Heads(Tensor part, long heads) => part.view(shape.Batch, heads, shape.Tokens, shape.HeadSize).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of what attention mixed.</summary>
    /// <param name="mixed">(B, H, T, D), float32 or bfloat16.</param>
    /// <param name="shape">How rows divide.</param>
    /// <returns>(N, H·D).</returns>
    public static Tensor Join(Tensor mixed, HeadShape shape)
    {
        if (!IsFused(mixed, shape.OfMixed)) return PlainJoin(mixed, shape);
        return Recording.IsNeeded(mixed) ? RecordedJoin.Record(mixed, shape) : ToRows(mixed, shape.OfMixed, null, null);
    }

    /// <summary>The same as <see cref="Split"/> in torch operations.</summary>
    /// <inheritdoc cref="Split"/>
    public static (Tensor Queries, Tensor Keys, Tensor Values) PlainSplit(Tensor rows, HeadShape shape, Tensor cosine, Tensor sine)
    {
        using var scope = NewDisposeScope();
        var placed = shape.Rows is null
            ? rows : zeros([shape.Positions, rows.size(1)], rows.dtype, rows.device).index_copy(0, shape.Rows, rows);
        var heads = placed.view(shape.Batch, shape.Tokens, shape.Heads, shape.HeadSize).transpose(1, 2);  // (B, H+2G, T, D)
        var rotated = heads.narrow(1, 0, shape.QueryHeads + shape.Groups);                               // (B, H+G, T, D)
        if (shape.RotatedSize > 0) rotated = Rotate(rotated, cosine, sine, shape.RotatedSize);
        return (rotated.narrow(1, 0, shape.QueryHeads).contiguous().MoveToOuterDisposeScope(),
            rotated.narrow(1, shape.QueryHeads, shape.Groups).contiguous().MoveToOuterDisposeScope(),
            heads.narrow(1, shape.QueryHeads + shape.Groups, shape.Groups).contiguous().MoveToOuterDisposeScope());
    }

    /// <summary>The same as <see cref="Join"/> in torch operations.</summary>
    /// <inheritdoc cref="Join"/>
    public static Tensor PlainJoin(Tensor mixed, HeadShape shape)
    {
        using var scope = NewDisposeScope();
        var all = mixed.transpose(1, 2).reshape(shape.Positions, shape.QueryHeads * shape.HeadSize);      // (B·T, H·D)
        return (shape.Rows is null ? all : all.index_select(0, shape.Rows)).MoveToOuterDisposeScope();
    }

    private static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine, long size)
    {
        long half = size / 2, rest = x.size(3) - size;
        Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half).neg();
        return (x * cosine).Plus(cat(rest == 0 ? [second, first] : [second, first, x.narrow(3, size, rest)], 3) * sine);
    }

    private static bool IsFused(Tensor x, HeadShape shape) => x.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && (x.device_type == DeviceType.CPU ? shape.RotatedSize % (2 * Element.Width) == 0
            : shape.RotatedSize % 8 == 0 && CudaKernels.Fit(shape.HeadSize, x, shape.Rows));

    private static bool IsTable(Tensor table, Tensor rows, HeadShape shape) =>
        shape.RotatedSize == 0 || (table.dtype == rows.dtype && table.is_contiguous()
            && table.shape.AsSpan().SequenceEqual([shape.Batch, 1, shape.Tokens, shape.HeadSize]));

    /// <summary>All heads: those of the queries, then of the keys, then of the values, each (B, heads, T, D).</summary>
    private static Tensor ToHeads(Tensor rows, HeadShape shape, Tensor? cosine, Tensor? sine)
    {
        using var source = rows.contiguous();
        long[] size = [shape.Positions * shape.Width];
        // On CUDA, blocks write where there are rows; the rest is cleared before.
        var heads = rows.device_type == DeviceType.CUDA && shape.Rows is not null
            ? zeros(size, rows.dtype, rows.device) : empty(size, rows.dtype, rows.device);
        Move(source, heads, shape, cosine, sine, toHeads: true);
        return heads;
    }

    /// <summary>Back to rows, with the rotation's transpose, which carries the gradient back.</summary>
    private static Tensor ToRows(Tensor heads, HeadShape shape, Tensor? cosine, Tensor? sine)
    {
        using var source = heads.contiguous();
        var rows = empty([shape.RowCount, shape.Width], heads.dtype, heads.device);
        Move(rows, source, shape, cosine, sine, toHeads: false);
        return rows;
    }

    private static void Move(Tensor rows, Tensor heads, HeadShape shape, Tensor? cosine, Tensor? sine, bool toHeads)
    {
        if (rows.device_type == DeviceType.CUDA)
        {
            CudaKernels.Run(CudaKernels.Named("move_heads", rows), shape.RowCount, 1, rows, heads, shape.Rows, cosine, sine,
                shape.Positions, (int)shape.Tokens,
                (int)shape.QueryHeads, (int)shape.Groups, (int)shape.HeadSize, (int)shape.RotatedSize, toHeads ? 1 : 0);
        }
        else if (rows.dtype == ScalarType.BFloat16) new HeadMove<BrainFloat16>(rows, heads, shape, cosine, sine).Run(RowsInChunk, toHeads);
        else new HeadMove<Float32>(rows, heads, shape, cosine, sine).Run(RowsInChunk, toHeads);
        GC.KeepAlive((rows, heads, shape, cosine, sine));
    }

    private sealed class RecordedSplit : GradientFunction<RecordedSplit>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (rows, cosine, sine, shape) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (HeadShape)arguments[3]);
            Keep(recording, shape, cosine, sine);
            return ToHeads(rows, shape, cosine, sine);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [ToRows(gradient, Kept(recording, saved, 2), saved[0], saved[1])];
    }

    private sealed class RecordedJoin : GradientFunction<RecordedJoin>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (mixed, shape) = ((Tensor)arguments[0], ((HeadShape)arguments[1]).OfMixed);
            Keep(recording, shape);
            return ToRows(mixed, shape, null, null);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient)
        {
            var shape = Kept(recording, saved, 0);
            using var heads = ToHeads(gradient, shape, null, null);
            return [heads.view(shape.Batch, shape.QueryHeads, shape.Tokens, shape.HeadSize)];
        }
    }

    /// <summary>The positions are saved like the tables, for the pass may end before backward comes.</summary>
    private static void Keep(Recording recording, HeadShape shape, params Tensor[] tables)
    {
        recording.Save(shape.Rows is null ? tables : [.. tables, shape.Rows]);
        recording.Data = shape with { Rows = null };
    }

    private static HeadShape Kept(Recording recording, IReadOnlyList<Tensor> saved, int tables) =>
        (HeadShape)recording.Data! with { Rows = saved.Count > tables ? saved[tables] : null };
}
