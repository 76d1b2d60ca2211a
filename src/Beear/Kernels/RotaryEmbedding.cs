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

    /// <summary>The heads, the first of them rotated; on the CPU in one pass forward and one backward.</summary>
    /// <param name="heads">float32 or bfloat16, (B, N, T, D), also a transposed view of (B, T, N, D).</param>
    /// <param name="cosine">(B, 1, T, D) or (1, 1, T, D) of the same type; no gradient flows into it.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="rotatedHeads">How many of the N heads are rotated; the others (values) stay as they are.</param>
    /// <param name="rotatedSize">How many of a head's D elements are rotated, from its first on.</param>
    /// <returns>(B, N, T, D) of the same type. On the CPU its memory lies as (B, N, T, D), that of the gradient as (B, T, N, D).</returns>
    public static Tensor Apply(Tensor heads, Tensor cosine, Tensor sine, long rotatedHeads, long rotatedSize)
    {
        if (heads.device_type != DeviceType.CPU || heads.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || heads.ndim != 4
            || rotatedSize % (2 * Element.Width) != 0 || !IsTable(cosine, heads) || !IsTable(sine, heads))
        {
            return Plain(heads, cosine, sine, rotatedHeads, rotatedSize);
        }
        var shape = new Shape(rotatedHeads, rotatedSize);
        return Recording.IsNeeded(heads) ? Recorded.Record(heads, cosine, sine, shape) : Rotate(heads, cosine, sine, shape, inverse: false);
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor heads, Tensor cosine, Tensor sine, long rotatedHeads, long rotatedSize)
    {
        using var scope = NewDisposeScope();
        long half = rotatedSize / 2, rest = heads.shape[3] - rotatedSize, kept = heads.shape[1] - rotatedHeads;
        var x = heads.narrow(1, 0, rotatedHeads);                                                        // (B, H+G, T, D)
        Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half).neg();
        var turned = cat(rest == 0 ? [second, first] : [second, first, x.narrow(3, rotatedSize, rest)], 3);
        var rotated = x * cosine + turned * sine;                                                        // (B, H+G, T, D)
        return (kept == 0 ? rotated : cat([rotated, heads.narrow(1, rotatedHeads, kept)], 1)).MoveToOuterDisposeScope();
    }

    private static bool IsTable(Tensor table, Tensor heads)
    {
        long[] shape = heads.shape, own = table.shape;
        return table.dtype == heads.dtype && table.device_type == DeviceType.CPU && table.is_contiguous() && table.ndim == 4
            && (own[0] == shape[0] || own[0] == 1) && own[1] == 1 && own[2] == shape[2] && own[3] == shape[3];
    }

    /// <summary>The rotation, or its transpose: what carries the gradient back.</summary>
    private static Tensor Rotate(Tensor heads, Tensor cosine, Tensor sine, Shape rotated, bool inverse)
    {
        using var source = heads.stride(-1) == 1 ? heads.alias() : heads.contiguous();
        var shape = source.shape;                                                                        // (B, N, T, D)
        // A gradient goes back to the projection, whose rows are (B, T, N · D).
        using var whole = inverse ? empty([shape[0], shape[2], shape[1], shape[3]], source.dtype) : null;
        var target = whole is null ? empty(shape, source.dtype) : whole.transpose(1, 2);
        if (source.dtype == ScalarType.BFloat16) Rotate<BrainFloat16>(source, target, cosine, sine, rotated, inverse);
        else Rotate<Float32>(source, target, cosine, sine, rotated, inverse);
        return target;
    }

    private static void Rotate<T>(Tensor source, Tensor target, Tensor cosine, Tensor sine, Shape rotated, bool inverse) where T : unmanaged, IElement<T>
    {
        var shape = source.shape;
        var (from, to) = (source.stride(), target.stride());
        var (headCount, time, width) = (shape[1], shape[2], shape[3]);
        var tableStride = cosine.shape[0] == 1 ? 0 : time * width;
        T* x = (T*)TensorMemory.StridedAddress(source), y = (T*)TensorMemory.StridedAddress(target);
        T* c = (T*)TensorMemory.Address(cosine), s = (T*)TensorMemory.Address(sine);
        Chunks.OfRows(shape[0] * headCount * time, RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                var (batch, head, t) = (row / (headCount * time), row / time % headCount, row % time);
                var angles = (batch * tableStride) + (t * width);
                var input = x + (batch * from[0]) + (head * from[1]) + (t * from[2]);
                var output = y + (batch * to[0]) + (head * to[1]) + (t * to[2]);
                var turned = head < rotated.Heads ? rotated.Size : 0;
                if (inverse) RotateBack(input, output, c + angles, s + angles, turned / 2);
                else RotateRow(input, output, c + angles, s + angles, turned / 2);
                new ReadOnlySpan<T>(input + turned, (int)(width - turned)).CopyTo(new Span<T>(output + turned, (int)(width - turned)));
            }
        });
        GC.KeepAlive((source, target, cosine, sine));
    }

    private static void RotateRow<T>(T* x, T* y, T* cosine, T* sine, long half) where T : unmanaged, IElement<T>
    {
        for (var i = 0L; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(x + i), T.Load(x + half + i));
            T.Store(y + i, Vector512.FusedMultiplyAdd(-second, T.Load(sine + i), first * T.Load(cosine + i)));
            T.Store(y + half + i, Vector512.FusedMultiplyAdd(first, T.Load(sine + half + i), second * T.Load(cosine + half + i)));
        }
    }

    private static void RotateBack<T>(T* dy, T* dx, T* cosine, T* sine, long half) where T : unmanaged, IElement<T>
    {
        for (var i = 0L; i < half; i += Element.Width)
        {
            var (first, second) = (T.Load(dy + i), T.Load(dy + half + i));
            T.Store(dx + i, Vector512.FusedMultiplyAdd(second, T.Load(sine + half + i), first * T.Load(cosine + i)));
            T.Store(dx + half + i, Vector512.FusedMultiplyAdd(-first, T.Load(sine + i), second * T.Load(cosine + half + i)));
        }
    }

    /// <summary>What is rotated.</summary>
    private sealed record Shape(long Heads, long Size);

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (heads, cosine, sine) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2]);
            recording.Save(cosine, sine);
            recording.Data = arguments[3];
            return Rotate(heads, cosine, sine, (Shape)arguments[3], inverse: false);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [Rotate(gradient, saved[0], saved[1], (Shape)recording.Data!, inverse: true)];
    }
}
