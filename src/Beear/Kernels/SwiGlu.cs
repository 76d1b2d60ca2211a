using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>The gated activation of a feed-forward block, gate · σ(gate) · up, computed in float32 and rounded once.</summary>
internal static unsafe class SwiGlu
{
    private const int RowsInChunk = 16;

    /// <summary>silu(gate) · up; on the CPU and on CUDA in one pass forward and one backward.</summary>
    /// <param name="stacked">(…, 2F), float32 or bfloat16: in each row the gate, then up.</param>
    /// <returns>(…, F) of the same type.</returns>
    public static Tensor Apply(Tensor stacked)
    {
        bool fits = stacked.dtype is ScalarType.Float32 or ScalarType.BFloat16
            && (stacked.device_type == DeviceType.CPU || CudaKernels.Fit(stacked.size(-1) / 2, stacked));
        if (!fits) return Plain(stacked);
        return Recording.IsNeeded(stacked) ? Recorded.Record(stacked) : Forward(stacked);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor stacked)
    {
        using var scope = NewDisposeScope();
        var halves = stacked.chunk(2, -1);
        return (nn.functional.silu(halves[0]) * halves[1]).MoveToOuterDisposeScope();
    }

    private static Tensor Forward(Tensor stacked)
    {
        using var x = stacked.contiguous();
        var shape = x.shape;
        shape[^1] /= 2;
        var result = empty(shape, x.dtype, x.device);
        if (x.device_type == DeviceType.CUDA) CudaKernels.Run(CudaKernels.Named("swiglu", x), result.numel() / shape[^1], 1, x, result,
            (int)shape[^1]);
        else if (x.dtype == ScalarType.BFloat16) Forward<BrainFloat16>(x, result);
        else Forward<Float32>(x, result);
        return result;
    }

    private static void Forward<T>(Tensor stacked, Tensor result) where T : unmanaged, IElement<T>
    {
        var width = result.size(-1);
        T* x = (T*)TensorMemory.Address(stacked), y = (T*)TensorMemory.Address(result);
        Chunks.OfRows(result.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                T* gate = x + (2 * row * width), up = gate + width, to = y + (row * width);
                var tail = width - Element.Tail(width);
                for (var i = 0L; i < tail; i += Element.Width) ForwardVector(gate + i, up + i, to + i, Element.Width);
                if (tail < width) ForwardTail(gate + tail, up + tail, to + tail, width - tail);
            }
        });
        GC.KeepAlive((stacked, result));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForwardTail<T>(T* g, T* u, T* y, long count) where T : unmanaged, IElement<T> => ForwardVector(g, u, y, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ForwardVector<T>(T* g, T* u, T* y, long count) where T : unmanaged, IElement<T>
    {
        var gate = Element.Load(g, count);
        Element.Store(y, gate * VectorMath.Sigmoid(gate) * Element.Load(u, count), count);
    }

    private static Tensor Backward(Tensor gradient, Tensor stacked)
    {
        using var dy = gradient.contiguous();
        using var x = stacked.contiguous();
        var result = empty(x.shape, x.dtype, x.device);
        if (x.device_type == DeviceType.CUDA)
            CudaKernels.Run(CudaKernels.Named("swiglu_back", x), dy.numel() / dy.size(-1), 1, dy, x, result, (int)dy.size(-1));
        else if (x.dtype == ScalarType.BFloat16) Backward<BrainFloat16>(dy, x, result);
        else Backward<Float32>(dy, x, result);
        return result;
    }

    private static void Backward<T>(Tensor gradient, Tensor stacked, Tensor result) where T : unmanaged, IElement<T>
    {
        var width = gradient.size(-1);
        T* dy = (T*)TensorMemory.Address(gradient), x = (T*)TensorMemory.Address(stacked), dx = (T*)TensorMemory.Address(result);
        Chunks.OfRows(gradient.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                T* from = dy + (row * width), gate = x + (2 * row * width), to = dx + (2 * row * width);
                var tail = width - Element.Tail(width);
                for (var i = 0L; i < tail; i += Element.Width) BackwardVector(from + i, gate + i, gate + width + i, to + i, to + width + i,
                    Element.Width);
                if (tail < width) BackwardTail(from + tail, gate + tail, gate + width + tail, to + tail, to + width + tail, width - tail);
            }
        });
        GC.KeepAlive((gradient, stacked, result));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void BackwardTail<T>(T* dy, T* g, T* u, T* dg, T* du, long count) where T : unmanaged, IElement<T> =>
        BackwardVector(dy, g, u, dg, du, count);

    /// <summary>With s = σ(gate): d gate = dy · up · s · (1 + gate · (1 − s)), d up = dy · gate · s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BackwardVector<T>(T* dy, T* g, T* u, T* dg, T* du, long count) where T : unmanaged, IElement<T>
    {
        var (gradient, gate) = (Element.Load(dy, count), Element.Load(g, count));
        var sigmoid = VectorMath.Sigmoid(gate);
        var weighted = gradient * sigmoid;
        var slope = Vector512.FusedMultiplyAdd(gate, Vector512<float>.One - sigmoid, Vector512<float>.One);
        Element.Store(dg, weighted * Element.Load(u, count) * slope, count);
        Element.Store(du, weighted * gate, count);
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var stacked = (Tensor)arguments[0];
            recording.Save(stacked);
            return SwiGlu.Forward(stacked);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [SwiGlu.Backward(gradient, saved[0])];
    }
}
