using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>What a block computed in bfloat16, added to the float32 residual stream; libtorch widens it to a tensor of its own first.</summary>
public static unsafe class ResidualSum
{
    private const int RowsInChunk = 64;

    /// <summary>hidden + result; on the CPU in one pass forward and one backward.</summary>
    /// <param name="hidden">(…, d) float32.</param>
    /// <param name="result">(…, d), bfloat16 or float32.</param>
    /// <returns>(…, d) float32.</returns>
    public static Tensor Apply(Tensor hidden, Tensor result)
    {
        bool fits = hidden.device_type == DeviceType.CPU && hidden.dtype == ScalarType.Float32 && result.dtype == ScalarType.BFloat16
            && hidden.numel() == result.numel() && hidden.size(-1) % Element.Width == 0 && hidden.is_contiguous() && result.is_contiguous();
        if (!fits) return Plain(hidden, result);
        return Recording.IsNeeded(hidden, result) ? Recorded.Record(hidden, result) : Forward(hidden, result);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor hidden, Tensor result) => hidden.Plus(result);

    private static Tensor Forward(Tensor hidden, Tensor result)
    {
        var sum = empty(hidden.shape);
        float* x = (float*)TensorMemory.Address(hidden), y = (float*)TensorMemory.Address(sum);
        var r = (BrainFloat16*)TensorMemory.Address(result);
        var width = hidden.size(-1);
        Chunks.OfRows(hidden.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var i = start * width; i < end * width; i += Element.Width) (Vector512.Load(x + i) + BrainFloat16.Load(r + i)).Store(y + i);
        });
        GC.KeepAlive((hidden, result, sum));
        return sum;
    }

    /// <summary>The gradient of the sum, rounded.</summary>
    private static Tensor Narrowed(Tensor gradient)
    {
        using var whole = gradient.contiguous();
        var result = empty(whole.shape, ScalarType.BFloat16);
        var g = (float*)TensorMemory.Address(whole);
        var d = (BrainFloat16*)TensorMemory.Address(result);
        var width = whole.size(-1);
        Chunks.OfRows(whole.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var i = start * width; i < end * width; i += Element.Width) BrainFloat16.Store(d + i, Vector512.Load(g + i));
        });
        GC.KeepAlive((whole, result));
        return result;
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (hidden, result) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            recording.Data = (hidden.requires_grad, result.requires_grad);
            return ResidualSum.Forward(hidden, result);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient)
        {
            var (needsHidden, needsResult) = ((bool, bool))recording.Data!;
            return [needsHidden ? gradient.alias() : null, needsResult ? Narrowed(gradient) : null];
        }
    }
}
