using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Rows of a matrix taken out, so that no work is done on the others, and put back; and one row in the place of several equal ones.
/// </summary>
internal static unsafe class PackedRows
{
    private const int RowsInChunk = 32;

    /// <summary>Takes rows.</summary>
    /// <param name="all">(M, w), any type.</param>
    /// <param name="rows">(N) int64 on the same device: which, each at most once.</param>
    /// <returns>(N, w).</returns>
    public static Tensor Take(Tensor all, Tensor rows)
    {
        if (all.device_type != DeviceType.CPU) return all.index_select(0, rows);
        return Recording.IsNeeded(all) ? RecordedTake.Record(all, rows) : Gather(all, rows);
    }

    /// <summary>Puts rows back where <see cref="Take"/> took them from.</summary>
    /// <param name="packed">(N, w).</param>
    /// <param name="rows">(N) int64.</param>
    /// <param name="count">M.</param>
    /// <returns>(M, w); the other rows are zero.</returns>
    public static Tensor Place(Tensor packed, Tensor rows, long count)
    {
        if (packed.device_type != DeviceType.CPU) return zeros([count, packed.size(1)], packed.dtype,
            packed.device).index_copy(0, rows, packed);
        return Recording.IsNeeded(packed) ? RecordedPlace.Record(packed, rows, count) : Scatter(packed, rows, count);
    }

    /// <summary>
    /// Repeats rows. What flows back to a row is the sum of its copies' gradients, added in float32 in the order in which the copies stand.
    /// </summary>
    /// <param name="packed">(N, w), float32 or bfloat16.</param>
    /// <param name="sources">(M) int64 on the same device: which of the N rows each row of the result is.</param>
    /// <returns>(M, w).</returns>
    public static Tensor Repeat(Tensor packed, Tensor sources)
    {
        if (packed.device_type != DeviceType.CPU) return PlainRepeat(packed, sources);
        return Recording.IsNeeded(packed) ? RecordedRepeat.Record(packed, sources) : Gather(packed, sources);
    }

    /// <summary>The same as <see cref="Repeat"/> in torch operations.</summary>
    /// <inheritdoc cref="Repeat"/>
    public static Tensor PlainRepeat(Tensor packed, Tensor sources)
    {
        using var scope = NewDisposeScope();
        return packed.to(ScalarType.Float32).index_select(0, sources).to(packed.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Adds up the copies of each row: the transpose of <see cref="Repeat"/>.</summary>
    /// <param name="copies">(M, w), float32 or bfloat16.</param>
    /// <param name="sources">(M) int64: which of the N rows each is a copy of.</param>
    /// <param name="count">N.</param>
    /// <returns>(N, w).</returns>
    public static Tensor Sum(Tensor copies, Tensor sources, long count)
    {
        if (copies.device_type != DeviceType.CPU)
        {
            using var scope = NewDisposeScope();
            return zeros([count, copies.size(1)], ScalarType.Float32, copies.device).index_add_(0, sources, copies.to(ScalarType.Float32),
                Arithmetic.One).to(copies.dtype).MoveToOuterDisposeScope();
        }
        using var source = copies.contiguous();
        var result = empty([count, copies.size(1)], copies.dtype);
        if (copies.dtype == ScalarType.BFloat16) Sum<BrainFloat16>(source, sources, result);
        else Sum<Float32>(source, sources, result);
        return result;
    }

    private static void Sum<T>(Tensor copies, Tensor sources, Tensor result) where T : unmanaged, IElement<T>
    {
        long count = result.size(0), width = result.size(1), all = sources.size(0);
        T* from = (T*)TensorMemory.Address(copies, result.dtype, all * width), to = (T*)TensorMemory.Address(result);
        var (starts, grouped) = Grouped((long*)TensorMemory.Address(sources, ScalarType.Int64, all), all, count);
        Chunks.OfRows(count, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                var own = grouped.AsSpan(starts[row]..starts[row + 1]);
                long column = 0;
                for (; column + Element.Width <= width; column += Element.Width) Total(own, column, Element.Width, row);
                if (column < width) Total(own, column, width - column, row);
            }
        });
        GC.KeepAlive((copies, sources, result));

        void Total(ReadOnlySpan<int> own, long column, long elements, long row)
        {
            var sum = Vector512<float>.Zero;
            foreach (var copy in own) sum += Element.Load(from + (copy * width) + column, elements);
            Element.Store(to + (row * width) + column, sum, elements);
        }
    }

    /// <summary>The copies of row n, in their order: those from starts[n] to starts[n + 1].</summary>
    private static (int[] Starts, int[] Copies) Grouped(long* sources, long all, long count)
    {
        var starts = new int[count + 1];
        for (var i = 0L; i < all; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)sources[i], (ulong)count, nameof(sources));
            starts[sources[i] + 1]++;
        }
        for (var row = 0L; row < count; row++) starts[row + 1] += starts[row];
        var (next, copies) = (starts.ToArray(), new int[all]);
        for (var i = 0; i < all; i++) copies[next[sources[i]]++] = i;
        return (starts, copies);
    }

    private static Tensor Gather(Tensor all, Tensor rows)
    {
        using var source = all.contiguous();
        var result = empty([rows.size(0), all.size(1)], all.dtype);
        Copy(source, result, rows, gather: true);
        return result;
    }

    private static Tensor Scatter(Tensor packed, Tensor rows, long count)
    {
        using var source = packed.contiguous();
        var result = zeros([count, packed.size(1)], packed.dtype);
        Copy(source, result, rows, gather: false);
        return result;
    }

    private static void Copy(Tensor source, Tensor target, Tensor rows, bool gather)
    {
        long count = rows.size(0), all = gather ? source.size(0) : target.size(0), width = source.size(1) * source.element_size();
        byte* from = (byte*)TensorMemory.Address(source), to = (byte*)TensorMemory.Address(target);
        var index = (long*)TensorMemory.Address(rows, ScalarType.Int64, count);
        for (var i = 0L; i < count; i++) ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index[i], (ulong)all, nameof(rows));
        Chunks.OfRows(count, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                var (taken, placed) = gather ? (index[row], row) : (row, index[row]);
                Buffer.MemoryCopy(from + (taken * width), to + (placed * width), width, width);
            }
        });
        GC.KeepAlive((source, target, rows));
    }

    private sealed class RecordedTake : GradientFunction<RecordedTake>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (all, rows) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Save(rows);
            recording.Data = all.size(0);
            return Gather(all, rows);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [Scatter(gradient, saved[0], (long)recording.Data!)];
    }

    private sealed class RecordedRepeat : GradientFunction<RecordedRepeat>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (packed, sources) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Save(sources);
            recording.Data = packed.size(0);
            return Gather(packed, sources);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [Sum(gradient, saved[0], (long)recording.Data!)];
    }

    private sealed class RecordedPlace : GradientFunction<RecordedPlace>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (packed, rows) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Save(rows);
            return Scatter(packed, rows, (long)arguments[2]);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [Gather(gradient, saved[0])];
    }
}
