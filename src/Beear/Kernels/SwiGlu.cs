using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>The gated activation of a feed-forward block, gate · σ(gate) · up, computed in float32 and rounded once.</summary>
public static unsafe class SwiGlu
{
    private const int ChunkSize = 1 << 13;

    /// <summary>silu(gate) · up; on the CPU in one pass forward and one backward.</summary>
    /// <param name="gate">Any shape, float32 or bfloat16.</param>
    /// <param name="up">The same shape and type.</param>
    public static Tensor Apply(Tensor gate, Tensor up)
    {
        if (gate.device_type != DeviceType.CPU || gate.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || up.dtype != gate.dtype
            || !gate.shape.AsSpan().SequenceEqual(up.shape))
        {
            return Plain(gate, up);
        }
        return Recording.IsNeeded(gate, up) ? Recorded.Record(gate, up) : Forward(gate, up);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor gate, Tensor up)
    {
        using var activated = nn.functional.silu(gate);
        return activated * up;
    }

    private static Tensor Forward(Tensor gate, Tensor up)
    {
        using var g = gate.contiguous();
        using var u = up.contiguous();
        var result = empty(g.shape, g.dtype);
        if (g.dtype == ScalarType.BFloat16) Forward<BrainFloat16>(g, u, result);
        else Forward<Float32>(g, u, result);
        return result;
    }

    private static void Forward<T>(Tensor gate, Tensor up, Tensor result) where T : unmanaged, IElement<T>
    {
        T* g = (T*)TensorMemory.Address(gate), u = (T*)TensorMemory.Address(up), y = (T*)TensorMemory.Address(result);
        Chunks.OfRows(gate.numel(), ChunkSize, 1, (start, end) =>
        {
            var tail = end - Element.Tail(end - start);
            for (var i = start; i < tail; i += Element.Width) ForwardVector(g + i, u + i, y + i, Element.Width);
            if (tail < end) ForwardTail(g + tail, u + tail, y + tail, end - tail);
        });
        GC.KeepAlive((gate, up, result));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForwardTail<T>(T* g, T* u, T* y, long count) where T : unmanaged, IElement<T> => ForwardVector(g, u, y, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ForwardVector<T>(T* g, T* u, T* y, long count) where T : unmanaged, IElement<T>
    {
        var gate = Element.Load(g, count);
        Element.Store(y, gate * VectorMath.Sigmoid(gate) * Element.Load(u, count), count);
    }

    private static (Tensor Gate, Tensor Up) Backward(Tensor gradient, Tensor gate, Tensor up)
    {
        using var dy = gradient.contiguous();
        using var g = gate.contiguous();
        using var u = up.contiguous();
        var (dg, du) = (empty(g.shape, g.dtype), empty(g.shape, g.dtype));
        if (g.dtype == ScalarType.BFloat16) Backward<BrainFloat16>(dy, g, u, dg, du);
        else Backward<Float32>(dy, g, u, dg, du);
        return (dg, du);
    }

    private static void Backward<T>(Tensor gradient, Tensor gate, Tensor up, Tensor gateGradient, Tensor upGradient) where T : unmanaged, IElement<T>
    {
        T* dy = (T*)TensorMemory.Address(gradient), g = (T*)TensorMemory.Address(gate), u = (T*)TensorMemory.Address(up);
        T* dg = (T*)TensorMemory.Address(gateGradient), du = (T*)TensorMemory.Address(upGradient);
        Chunks.OfRows(gate.numel(), ChunkSize, 1, (start, end) =>
        {
            var tail = end - Element.Tail(end - start);
            for (var i = start; i < tail; i += Element.Width) BackwardVector(dy + i, g + i, u + i, dg + i, du + i, Element.Width);
            if (tail < end) BackwardTail(dy + tail, g + tail, u + tail, dg + tail, du + tail, end - tail);
        });
        GC.KeepAlive((gradient, gate, up, gateGradient, upGradient));
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
            var (gate, up) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Save(gate, up);
            return SwiGlu.Forward(gate, up);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient)
        {
            var gradients = SwiGlu.Backward(gradient, saved[0], saved[1]);
            return [gradients.Gate, gradients.Up];
        }
    }
}
