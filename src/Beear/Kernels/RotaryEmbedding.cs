using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Rotation of queries and keys by position in the halves form of Llama: x · cos + rotate(x) · sin with
/// rotate([x₁, x₂]) = [−x₂, x₁].
/// </summary>
public static unsafe class RotaryEmbedding
{
    private const int RowsInChunk = 128;

    /// <summary>The rotated heads; on the CPU in one pass forward and one backward.</summary>
    /// <param name="heads">float32 or bfloat16, (B, H, T, D), also a transposed view of (B, T, H, D).</param>
    /// <param name="cosine">float32, (B, T, D) or (1, T, D); no gradient flows into it.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <returns>(B, H, T, D) of the same type. On the CPU its memory lies as (B, H, T, D), that of the gradient as (B, T, H, D).</returns>
    public static Tensor Apply(Tensor heads, Tensor cosine, Tensor sine)
    {
        if (heads.device_type != DeviceType.CPU || heads.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || heads.ndim != 4
            || heads.shape[^1] % (2 * Element.Width) != 0 || !IsTable(cosine, heads.shape) || !IsTable(sine, heads.shape))
        {
            return Plain(heads, cosine, sine);
        }
        return Recording.IsNeeded(heads) ? Recorded.Record(heads, cosine, sine) : Rotate(heads, cosine, sine, inverse: false);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor heads, Tensor cosine, Tensor sine)
    {
        using var scope = NewDisposeScope();
        var halves = heads.chunk(2, dim: -1);
        var rotated = cat([-halves[1], halves[0]], dim: -1);                                        // (B, H, T, D)
        var (c, s) = (cosine.unsqueeze(1).to_type(heads.dtype), sine.unsqueeze(1).to_type(heads.dtype));     // (B, 1, T, D)
        return ((heads * c) + (rotated * s)).MoveToOuterDisposeScope();
    }

    private static bool IsTable(Tensor table, long[] shape) =>
        table.dtype == ScalarType.Float32 && table.device_type == DeviceType.CPU && table.is_contiguous() && table.ndim == 3
        && (table.shape[0] == shape[0] || table.shape[0] == 1) && table.shape[1] == shape[2] && table.shape[2] == shape[3];

    /// <summary>The rotation, or its transpose: what carries the gradient back.</summary>
    private static Tensor Rotate(Tensor heads, Tensor cosine, Tensor sine, bool inverse)
    {
        using var source = heads.stride(-1) == 1 ? heads.alias() : heads.contiguous();
        var shape = source.shape;                                                                   // (B, H, T, D)
        // A gradient goes back to the projection, whose rows are (B, T, H · D).
        using var whole = inverse ? empty([shape[0], shape[2], shape[1], shape[3]], source.dtype) : null;
        var target = whole is null ? empty(shape, source.dtype) : whole.transpose(1, 2);
        if (source.dtype == ScalarType.BFloat16) Rotate<BrainFloat16>(source, target, cosine, sine, inverse);
        else Rotate<Float32>(source, target, cosine, sine, inverse);
        return target;
    }

    private static void Rotate<T>(Tensor source, Tensor target, Tensor cosine, Tensor sine, bool inverse) where T : unmanaged, IElement<T>
    {
        var shape = source.shape;
        var (from, to) = (source.stride(), target.stride());
        var (headCount, time, width) = (shape[1], shape[2], (int)shape[3]);
        var tableStride = cosine.shape[0] == 1 ? 0 : time * width;
        T* x = (T*)TensorMemory.StridedAddress(source), y = (T*)TensorMemory.StridedAddress(target);
        float* c = (float*)TensorMemory.Address(cosine), s = (float*)TensorMemory.Address(sine);
        Chunks.OfRows(shape[0] * headCount * time, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                var (batch, head, t) = (row / (headCount * time), row / time % headCount, row % time);
                var angles = (batch * tableStride) + (t * width);
                var input = x + (batch * from[0]) + (head * from[1]) + (t * from[2]);
                var output = y + (batch * to[0]) + (head * to[1]) + (t * to[2]);
                if (inverse) RotateBack(input, output, c + angles, s + angles, width / 2);
                else RotateRow(input, output, c + angles, s + angles, width / 2);
            }
        });
        GC.KeepAlive((source, target, cosine, sine));
    }

    private static void RotateRow<T>(T* x, T* y, float* cosine, float* sine, int half) where T : unmanaged, IElement<T>
    {
        for (var i = 0; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(x + i), T.Load(x + half + i));
            T.Store(y + i, Vector512.FusedMultiplyAdd(-second, Vector512.Load(sine + i), first * Vector512.Load(cosine + i)));
            T.Store(y + half + i, Vector512.FusedMultiplyAdd(first, Vector512.Load(sine + half + i), second * Vector512.Load(cosine + half + i)));
        }
    }

    private static void RotateBack<T>(T* dy, T* dx, float* cosine, float* sine, int half) where T : unmanaged, IElement<T>
    {
        for (var i = 0; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(dy + i), T.Load(dy + half + i));
            T.Store(dx + i, Vector512.FusedMultiplyAdd(second, Vector512.Load(sine + half + i), first * Vector512.Load(cosine + i)));
            T.Store(dx + half + i, Vector512.FusedMultiplyAdd(-first, Vector512.Load(sine + i), second * Vector512.Load(cosine + half + i)));
        }
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (heads, cosine, sine) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2]);
            recording.Save(cosine, sine);
            return Rotate(heads, cosine, sine, inverse: false);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [Rotate(gradient, saved[0], saved[1], inverse: true)];
    }
}
