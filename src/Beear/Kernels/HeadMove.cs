using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>The loops of <see cref="AttentionHeads"/>: one pass over rows of tokens, each head of which is copied or rotated.</summary>
internal sealed unsafe class HeadMove<T> where T : unmanaged, IElement<T>
{
    private readonly HeadShape shape;
    private readonly long rowCount;
    private readonly T* rows;
    private readonly T* heads;
    private readonly T* cosine;
    private readonly T* sine;
    private readonly long* index;

    /// <summary>The caller keeps all tensors alive.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A row stands nowhere, or the positions do not ascend.</exception>
    public HeadMove(Tensor rows, Tensor heads, HeadShape shape, Tensor? cosine, Tensor? sine)
    {
        this.shape = shape;
        rowCount = shape.RowCount;
        this.rows = (T*)TensorMemory.Address(rows, rows.dtype, rowCount * shape.Width);
        this.heads = (T*)TensorMemory.Address(heads, rows.dtype, shape.Positions * shape.Width);
        if (shape.RotatedSize > 0)
        {
            this.cosine = (T*)TensorMemory.Address(cosine!);
            this.sine = (T*)TensorMemory.Address(sine!);
        }
        if (shape.Rows is null) return;
        index = (long*)TensorMemory.Address(shape.Rows, ScalarType.Int64, rowCount);
        for (var (row, least) = (0L, 0L); row < rowCount; least = index[row] + 1, row++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(index[row], least, nameof(shape));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index[row], shape.Positions, nameof(shape));
        }
    }

    /// <summary>Moves all rows.</summary>
    /// <param name="rowsInChunk">Rows that one thread takes at a time.</param>
    /// <param name="toHeads">From rows to heads, rotating; otherwise back, with the rotation's transpose.</param>
    public void Run(int rowsInChunk, bool toHeads) => Chunks.OfRows(rowCount, rowsInChunk, shape.Width, (start, end) =>
    {
        for (var row = start; row < end; row++)
        {
            var position = Position(row);
            if (toHeads) ClearPadding(row == 0 ? 0 : Position(row - 1) + 1, position);
            Move(row, position, toHeads);
        }
        if (toHeads && end == rowCount) ClearPadding(Position(end - 1) + 1, shape.Positions);
    });

    private long Position(long row) => index == null ? row : index[row];

    private void Move(long row, long position, bool toHeads)
    {
        var token = rows + (row * shape.Width);
        var angles = position * shape.HeadSize;
        var stride = shape.Tokens * shape.HeadSize;
        for (var block = 0; block < 3; block++)
        {
            var placed = Block(block, position, out var count);
            var turned = block < 2 ? shape.RotatedSize : 0;
            for (var head = 0L; head < count; head++, token += shape.HeadSize, placed += stride)
            {
                if (toHeads) Rotate(token, placed, cosine + angles, sine + angles, turned / 2);
                else RotateBack(placed, token, cosine + angles, sine + angles, turned / 2);
                if (turned < shape.HeadSize) Copy(toHeads ? token + turned : placed + turned, toHeads
                    ? placed + turned : token + turned, shape.HeadSize - turned);
            }
        }
    }

    /// <summary>Where a position's first head of a block stands: queries, keys and values, each (B, heads, T, D).</summary>
    private T* Block(int block, long position, out long count)
    {
        count = block == 0 ? shape.QueryHeads : shape.Groups;
        var before = block == 0 ? 0 : shape.QueryHeads + ((block - 1) * shape.Groups);
        var (batch, t) = Math.DivRem(position, shape.Tokens);
        return heads + (((before * shape.Positions) + (batch * count * shape.Tokens) + t) * shape.HeadSize);
    }

    private void ClearPadding(long start, long end)
    {
        for (var position = start; position < end; position++)
        {
            for (var block = 0; block < 3; block++)
            {
                var placed = Block(block, position, out var count);
                for (var head = 0L; head < count; head++) new Span<T>(placed + (head * shape.Tokens * shape.HeadSize),
                    (int)shape.HeadSize).Clear();
            }
        }
    }

    private static void Copy(T* from, T* to, long count) => new ReadOnlySpan<T>(from, (int)count).CopyTo(new Span<T>(to, (int)count));

    private static void Rotate(T* x, T* y, T* cosine, T* sine, long half)
    {
        for (var i = 0L; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(x + i), T.Load(x + half + i));
            T.Store(y + i, Vector512.FusedMultiplyAdd(-second, T.Load(sine + i), first * T.Load(cosine + i)));
            T.Store(y + half + i, Vector512.FusedMultiplyAdd(first, T.Load(sine + half + i), second * T.Load(cosine + half + i)));
        }
    }

    private static void RotateBack(T* dy, T* dx, T* cosine, T* sine, long half)
    {
        for (var i = 0L; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(dy + i), T.Load(dy + half + i));
            T.Store(dx + i, Vector512.FusedMultiplyAdd(second, T.Load(sine + half + i), first * T.Load(cosine + i)));
            T.Store(dx + half + i, Vector512.FusedMultiplyAdd(-first, T.Load(sine + i), second * T.Load(cosine + half + i)));
        }
    }
}
