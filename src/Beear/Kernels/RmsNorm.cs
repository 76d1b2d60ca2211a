using System.Runtime.Intrinsics;
using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Root mean square normalisation of float32 rows, x / √(mean x² + ε) · w, rounded once to the type to compute with.</summary>
internal static unsafe class RmsNorm
{
    private const int RowsInChunk = 64;

    /// <summary>The normalised rows; on the CPU and on CUDA in one pass forward and one backward.</summary>
    /// <param name="hidden">float32, (…, d).</param>
    /// <param name="weight">float32, (d).</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="type">float32 or bfloat16: the type of the result.</param>
    /// <returns>(…, d) of <paramref name="type"/>.</returns>
    public static Tensor Apply(Tensor hidden, Tensor weight, double epsilon, ScalarType type)
    {
        bool fits = hidden.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32 && type is ScalarType.Float32
            or ScalarType.BFloat16 && (hidden.device_type == DeviceType.CPU ? hidden.size(-1) % Element.Width == 0
                && weight.is_contiguous() : CudaKernels.Fit(hidden.size(-1), hidden, weight));
        if (!fits) return Plain(hidden, weight, epsilon, type);
        if (Recording.IsNeeded(hidden, weight)) return Recorded.Record(hidden, weight, (float)epsilon, type);
        var result = Forward(hidden, weight, (float)epsilon, type, out var scales);
        scales.Dispose();
        return result;
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor hidden, Tensor weight, double epsilon, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var scale = hidden.Squared().mean([-1], keepdim: true).Plus(epsilon).rsqrt();   // (…, 1)
        return (hidden * scale * weight).to_type(type).MoveToOuterDisposeScope();       // (…, d)
    }

    private static Tensor Forward(Tensor hidden, Tensor weight, float epsilon, ScalarType type, out Tensor scales)
    {
        using var whole = hidden.contiguous();
        var (rows, width) = (whole.numel() / whole.size(-1), (int)whole.size(-1));
        var result = empty(whole.shape, type, whole.device);
        scales = empty([rows], ScalarType.Float32, whole.device);
        if (whole.device_type == DeviceType.CUDA)
        {
            CudaKernels.Run(CudaKernels.Named("rms_norm", result), rows, 1, whole, weight, result, scales, epsilon, width);
            return result;
        }
        var x = (float*)TensorMemory.Address(whole);
        var w = (float*)TensorMemory.Address(weight, ScalarType.Float32, width);
        var r = (float*)TensorMemory.Address(scales);
        if (type == ScalarType.BFloat16) Forward(x, w, (BrainFloat16*)TensorMemory.Address(result), r, epsilon, rows, width);
        else Forward(x, w, (Float32*)TensorMemory.Address(result), r, epsilon, rows, width);
        GC.KeepAlive((whole, weight));
        return result;
    }

    private static void Forward<T>(float* x, float* w, T* y, float* scales, float epsilon, long rows, int width)
        where T : unmanaged, IElement<T> => Chunks.OfRows(rows, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
                scales[row] = ForwardRow(x + (row * width), w, y + (row * width), epsilon, width);
        });

    private static float ForwardRow<T>(float* x, float* w, T* y, float epsilon, int width) where T : unmanaged, IElement<T>
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < width; i += Element.Width)
        {
            var value = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(value, value, squares);
        }
        var scale = 1 / MathF.Sqrt((Vector512.Sum(squares) / width) + epsilon);
        for (var i = 0; i < width; i += Element.Width) T.Store(y + i, Vector512.Load(x + i) * scale * Vector512.Load(w + i));
        return scale;
    }

    /// <summary>
    /// With r a row's scale and g the incoming gradient: dx = r · (g·w − x · r² · mean(g·w·x)), dw = Σ rows g · x · r.
    /// </summary>
    private static (Tensor? Hidden, Tensor? Weight) Backward(Tensor gradient, Tensor hidden, Tensor weight, Tensor scales, bool needsHidden,
        bool needsWeight)
    {
        using var g = gradient.contiguous();
        using var x = hidden.contiguous();
        var (rows, width) = (x.numel() / x.size(-1), (int)x.size(-1));
        var dx = needsHidden ? empty(x.shape, ScalarType.Float32, x.device) : null;
        // One partial sum for each chunk.
        using var sums = needsWeight ? zeros([Chunks.Count(rows, RowsInChunk), width], ScalarType.Float32, x.device) : null;
        if (x.device_type == DeviceType.CUDA)
        {
            if (dx is not null) CudaKernels.Run(CudaKernels.Named("rms_norm_hidden", g), rows, 1, g, x, weight, scales, dx, width);
            if (sums is not null)
                CudaKernels.Run(CudaKernels.Named("rms_norm_weight", g), CudaKernels.Blocks(width), sums.size(0), g, x, scales, sums, rows,
                    width, RowsInChunk);
        }
        else if (g.dtype == ScalarType.BFloat16) Backward((BrainFloat16*)TensorMemory.Address(g), x, weight, scales, dx, sums);
        else Backward((Float32*)TensorMemory.Address(g), x, weight, scales, dx, sums);
        return (dx, sums?.sum(dim: 0));
    }

    private static void Backward<T>(T* g, Tensor hidden, Tensor weight, Tensor scales, Tensor? hiddenGradient, Tensor? sums)
        where T : unmanaged, IElement<T>
    {
        var width = (int)hidden.size(-1);
        var x = (float*)TensorMemory.Address(hidden);
        var w = (float*)TensorMemory.Address(weight);
        var r = (float*)TensorMemory.Address(scales);
        var dx = hiddenGradient is null ? null : (float*)TensorMemory.Address(hiddenGradient);
        var dw = sums is null ? null : (float*)TensorMemory.Address(sums);
        Chunks.OfRows(hidden.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                var offset = row * width;
                if (dx != null) HiddenRow(g + offset, x + offset, w, dx + offset, r[row], width);
                if (dw != null) AddWeightRow(g + offset, x + offset, dw + (start / RowsInChunk * width), r[row], width);
            }
        });
        GC.KeepAlive((hidden, weight, scales, hiddenGradient, sums));
    }

    private static void HiddenRow<T>(T* g, float* x, float* w, float* dx, float scale, int width) where T : unmanaged, IElement<T>
    {
        var dot = Vector512<float>.Zero;
        for (var i = 0; i < width; i += Element.Width)
            dot = Vector512.FusedMultiplyAdd(T.Load(g + i) * Vector512.Load(w + i), Vector512.Load(x + i), dot);
        var pull = Vector512.Create(-scale * scale * scale * Vector512.Sum(dot) / width);
        for (var i = 0; i < width; i += Element.Width)
            Vector512.FusedMultiplyAdd(Vector512.Load(x + i), pull, T.Load(g + i) * Vector512.Load(w + i) * scale).Store(dx + i);
    }

    private static void AddWeightRow<T>(T* g, float* x, float* sums, float scale, int width) where T : unmanaged, IElement<T>
    {
        for (var i = 0; i < width; i += Element.Width)
            Vector512.FusedMultiplyAdd(T.Load(g + i) * scale, Vector512.Load(x + i), Vector512.Load(sums + i)).Store(sums + i);
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (hidden, weight) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            var result = RmsNorm.Forward(hidden, weight, (float)arguments[2], (ScalarType)arguments[3], out var scales);
            recording.Own(scales);
            recording.Save(hidden, weight, scales);
            recording.Data = (hidden.requires_grad, weight.requires_grad);
            return result;
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient)
        {
            var (needsHidden, needsWeight) = ((bool, bool))recording.Data!;
            var gradients = RmsNorm.Backward(gradient, saved[0], saved[1], saved[2], needsHidden, needsWeight);
            return [gradients.Hidden, gradients.Weight];
        }
    }
}
