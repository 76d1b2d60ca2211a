using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Rows of a matrix taken out, so that no work is done on the others, and put back.</summary>
public static unsafe class PackedRows
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
        if (packed.device_type != DeviceType.CPU) return zeros([count, packed.size(1)], packed.dtype, packed.device).index_copy(0, rows, packed);
        return Recording.IsNeeded(packed) ? RecordedPlace.Record(packed, rows, count) : Scatter(packed, rows, count);
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

    private sealed class RecordedPlace : GradientFunction<RecordedPlace>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (packed, rows) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Save(rows);
            return Scatter(packed, rows, (long)arguments[2]);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) => [Gather(gradient, saved[0])];
    }
}
