using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Attention shares from scores: softmax(scale · scores + mask) of every row, computed in float32 and rounded once.</summary>
internal static unsafe class MaskedSoftmax
{
    private const int RowsInChunk = 32;
    private const int LongestRow = 32_768;                              // numbers on the stack
    private const float Negligible = -87;                                // exp of less is no normal float32: it is nothing

    /// <summary>The shares; on the CPU in one pass forward and one backward.</summary>
    /// <param name="scores">(B, G, R·T, S), float32 or bfloat16: R heads of a group stand under each other.</param>
    /// <param name="mask">(B, 1, T, S) of the same type, added; no gradient flows into it.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <returns>(B, G, R·T, S) of the same type.</returns>
    public static Tensor Apply(Tensor scores, Tensor mask, double scale)
    {
        if (scores.device_type != DeviceType.CPU || scores.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || scores.ndim != 4
            || scores.size(-1) > LongestRow || !IsMask(mask, scores))
        {
            return Plain(scores, mask, scale);
        }
        return Recording.IsNeeded(scores) ? Recorded.Record(scores, mask, (float)scale) : Forward(scores, mask, (float)scale);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor scores, Tensor mask, double scale)
    {
        using var scope = NewDisposeScope();
        var shape = scores.shape;
        var heads = scores.Times(scale).view(shape[0], -1, mask.size(2), shape[3]).Plus(mask);          // (B, H, T, S)
        return nn.functional.softmax(heads, -1).view(shape).MoveToOuterDisposeScope();
    }

    private static bool IsMask(Tensor mask, Tensor scores) =>
        mask.dtype == scores.dtype && mask.device_type == DeviceType.CPU && mask.is_contiguous() && mask.ndim == 4 && mask.size(1) == 1
            && mask.size(0) == scores.size(0) && mask.size(3) == scores.size(3) && scores.size(2) % mask.size(2) == 0;

    private static Tensor Forward(Tensor scores, Tensor mask, float scale)
    {
        using var x = scores.contiguous();
        var result = empty(x.shape, x.dtype);
        if (x.dtype == ScalarType.BFloat16) Forward<BrainFloat16>(x, mask, result, scale);
        else Forward<Float32>(x, mask, result, scale);
        return result;
    }

    private static void Forward<T>(Tensor scores, Tensor mask, Tensor result, float scale) where T : unmanaged, IElement<T>
    {
        var shape = scores.shape;
        long rowsInBatch = shape[1] * shape[2], tokens = mask.size(2), width = shape[3];
        T* x = (T*)TensorMemory.Address(scores), m = (T*)TensorMemory.Address(mask), y = (T*)TensorMemory.Address(result);
        Chunks.OfRows(shape[0] * rowsInBatch, RowsInChunk, width, (start, end) =>
        {
            var values = stackalloc float[(int)width + Element.Width];
            for (var row = start; row < end; row++)
            {
                var maskRow = (row / rowsInBatch * tokens) + (row % tokens);      // R·T is a multiple of T
                ForwardRow(x + (row * width), m + (maskRow * width), y + (row * width), values, scale, width);
            }
        });
        GC.KeepAlive((scores, mask, result));
    }

    /// <summary>One row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    /// <param name="x">Scores.</param>
    /// <param name="mask">What is added to them once they are scaled.</param>
    /// <param name="y">Gets the shares.</param>
    /// <param name="values">Room for the row and a vector more.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="width">S.</param>
    internal static void ForwardRow<T, TMask>(T* x, TMask* mask, T* y, float* values, float scale, long width)
        where T : unmanaged, IElement<T> where TMask : unmanaged, IElement<TMask>
    {
        var tail = width - Element.Tail(width);
        var largest = Vector512.Create(float.NegativeInfinity);
        for (var i = 0L; i < tail; i += Element.Width)
        {
            var value = Vector512.FusedMultiplyAdd(T.Load(x + i), Vector512.Create(scale), TMask.Load(mask + i));
            value.Store(values + i);
            largest = Vector512.MaxNative(largest, value);
        }
        if (tail < width)
        {
            // What is beyond the row must not win: it is set to a value that gives no share.
            var value = Vector512.FusedMultiplyAdd(T.LoadFirst(x + tail, width - tail), Vector512.Create(scale),
                TMask.LoadFirst(mask + tail, width - tail));
            var inside = Vector512.LessThan(Vector512.CreateSequence(0f, 1f), Vector512.Create((float)(width - tail)));
            value = Vector512.ConditionalSelect(inside, value, Vector512.Create(float.NegativeInfinity));
            value.Store(values + tail);
            largest = Vector512.MaxNative(largest, value);
        }
        var most = Vector512.Create(Largest(largest));
        var sums = Vector512<float>.Zero;
        for (var i = 0L; i < width; i += Element.Width)
        {
            var below = Vector512.Load(values + i) - most;
            var share = Vector512.ConditionalSelect(Vector512.LessThan(below, Vector512.Create(Negligible)), Vector512<float>.Zero,
                VectorMath.Exp(below));
            share.Store(values + i);
            sums += share;
        }
        var rescale = Vector512.Create(1 / Vector512.Sum(sums));
        for (var i = 0L; i < tail; i += Element.Width) T.Store(y + i, Vector512.Load(values + i) * rescale);
        if (tail < width) T.StoreFirst(y + tail, Vector512.Load(values + tail) * rescale, width - tail);
    }

    private static float Largest(Vector512<float> values)
    {
        var eight = Vector256.MaxNative(values.GetLower(), values.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        var two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(two[0], two[1]);
    }

    /// <summary>d scores = scale · shares · (g − Σ row g · shares).</summary>
    private static Tensor Backward(Tensor gradient, Tensor shares, float scale)
    {
        using var g = gradient.contiguous();
        var result = empty(shares.shape, shares.dtype);
        if (shares.dtype == ScalarType.BFloat16) Backward<BrainFloat16>(g, shares, result, scale);
        else Backward<Float32>(g, shares, result, scale);
        return result;
    }

    private static void Backward<T>(Tensor gradient, Tensor shares, Tensor result, float scale) where T : unmanaged, IElement<T>
    {
        var width = shares.size(-1);
        T* g = (T*)TensorMemory.Address(gradient), y = (T*)TensorMemory.Address(shares), dx = (T*)TensorMemory.Address(result);
        Chunks.OfRows(shares.numel() / width, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++) BackwardRow(g + (row * width), y + (row * width), dx + (row * width), scale, width);
        });
        GC.KeepAlive((gradient, shares, result));
    }

    private static void BackwardRow<T>(T* g, T* y, T* dx, float scale, long width) where T : unmanaged, IElement<T>
    {
        var tail = width - Element.Tail(width);
        var dot = T.LoadFirst(g + tail, width - tail) * T.LoadFirst(y + tail, width - tail);
        for (var i = 0L; i < tail; i += Element.Width) dot = Vector512.FusedMultiplyAdd(T.Load(g + i), T.Load(y + i), dot);
        var mean = Vector512.Create(Vector512.Sum(dot));
        for (var i = 0L; i < tail; i += Element.Width) T.Store(dx + i, (T.Load(g + i) - mean) * T.Load(y + i) * scale);
        if (tail < width)
            T.StoreFirst(dx + tail, (T.LoadFirst(g + tail, width - tail) - mean) * T.LoadFirst(y + tail,
                width - tail) * scale, width - tail);
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var scale = (float)arguments[2];
            var shares = MaskedSoftmax.Forward((Tensor)arguments[0], (Tensor)arguments[1], scale);
            recording.Save(shares);
            recording.Data = scale;
            return shares;
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [MaskedSoftmax.Backward(gradient, saved[0], (float)recording.Data!)];
    }
}
