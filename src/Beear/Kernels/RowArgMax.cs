using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Where each row of a matrix is largest.</summary>
internal static unsafe class RowArgMax
{
    private const int RowsInChunk = 4;

    /// <summary>The column of each row's largest element, the first of equals; on the CPU as fast as memory is read.</summary>
    /// <param name="rows">(N, V), any type.</param>
    /// <returns>(N) int64; −1 where the largest is not finite.</returns>
    public static Tensor Apply(Tensor rows)
    {
        if (rows.device_type != DeviceType.CPU || rows.dtype is not (ScalarType.Float32 or ScalarType.BFloat16)
            || !rows.is_contiguous()) return ByTorch(rows);
        var result = empty([rows.size(0)], ScalarType.Int64);
        if (rows.dtype == ScalarType.BFloat16) Run<BrainFloat16>(rows, result);
        else Run<Float32>(rows, result);
        return result;
    }

    private static Tensor ByTorch(Tensor rows)
    {
        using var scope = NewDisposeScope();
        var (most, places) = rows.max(-1);
        return places.Masked(most.isfinite().logical_not(), -1).MoveToOuterDisposeScope();
    }

    private static void Run<T>(Tensor rows, Tensor result) where T : unmanaged, IElement<T>
    {
        var width = rows.size(1);
        var x = (T*)TensorMemory.Address(rows);
        var y = (long*)TensorMemory.Address(result);
        Chunks.OfRows(rows.size(0), RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++) y[row] = OfRow(x + (row * width), width);
        });
        GC.KeepAlive((rows, result));
    }

    private static long OfRow<T>(T* x, long width) where T : unmanaged, IElement<T>
    {
        var best = Vector512.Create(float.NegativeInfinity);
        var (places, place) = (Vector512<int>.Zero, Vector512.CreateSequence(0, 1));
        var tail = width - Element.Tail(width);
        for (var i = 0L; i < tail; i += Element.Width)
        {
            var value = T.Load(x + i);
            var larger = Vector512.GreaterThan(value, best);
            best = Vector512.ConditionalSelect(larger, value, best);
            places = Vector512.ConditionalSelect(larger.AsInt32(), place, places);
            place += Vector512.Create(Element.Width);
        }
        var (most, found) = (float.NegativeInfinity, 0);
        for (var lane = 0; lane < Element.Width; lane++)
        {
            if (best[lane] > most || (best[lane] == most && places[lane] < found)) (most, found) = (best[lane], places[lane]);
        }
        if (tail == width) return float.IsFinite(most) ? found : -1;
        var rest = T.LoadFirst(x + tail, width - tail);
        for (var lane = 0; lane < width - tail; lane++)
        {
            if (rest[lane] > most) (most, found) = (rest[lane], (int)tail + lane);
        }
        return float.IsFinite(most) ? found : -1;
    }
}
