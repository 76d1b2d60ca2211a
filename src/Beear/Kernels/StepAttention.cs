using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// The attention of one new token in each row of a batch, as generation asks for it: keys and values are read where the cache has them.
/// </summary>
internal static unsafe class StepAttention
{
    private const int ItemsInChunk = 8;
    private const int MostOnStack = 32_768;                              // numbers

    /// <summary>The mixed values; on the CPU in one pass, computed in float32 and rounded once.</summary>
    /// <param name="queries">(B, H, 1, D), float32 or bfloat16.</param>
    /// <param name="keys">(B, G, S, D) of the same type; H = G · R.</param>
    /// <param name="values">(B, G, S, D) of the same type.</param>
    /// <param name="mask">(B, 1, 1, S) of the same type, added to the scores.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <returns>(B, 1, H·D) of the same type. No gradients: where they are needed, <see cref="Plain"/> is what is called.</returns>
    public static Tensor Apply(Tensor queries, Tensor keys, Tensor values, Tensor mask, double scale)
    {
        long onStack = ((queries.size(1) / keys.size(1)) + 1) * (keys.size(2) + queries.size(3));
        bool applies = queries.device_type == DeviceType.CPU && queries.dtype is ScalarType.Float32 or ScalarType.BFloat16
            && queries.size(3) % Element.Width == 0 && onStack <= MostOnStack
            && new[] { queries, keys, values, mask }.All(tensor => tensor.dtype == queries.dtype && tensor.stride(-1) == 1
                && !Recording.IsNeeded(tensor));
        if (!applies) return Plain(queries, keys, values, mask, scale);
        var result = empty([queries.size(0), 1, queries.size(1) * queries.size(3)], queries.dtype);
        if (queries.dtype == ScalarType.BFloat16) Run<BrainFloat16>(queries, keys, values, mask, result, (float)scale);
        else Run<Float32>(queries, keys, values, mask, result, (float)scale);
        return result;
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor queries, Tensor keys, Tensor values, Tensor mask, double scale)
    {
        using var scope = NewDisposeScope();
        long batch = queries.size(0), heads = queries.size(1), groups = keys.size(1), size = queries.size(3);
        var scores = queries.reshape(batch, groups, heads / groups, size).matmul(keys.transpose(2, 3));  // (B, G, R, S)
        return MaskedSoftmax.Plain(scores, mask, scale).matmul(values).reshape(batch, 1, heads * size).MoveToOuterDisposeScope();
    }

    private static void Run<T>(Tensor queries, Tensor keys, Tensor values, Tensor mask, Tensor result, float scale) where T
        : unmanaged, IElement<T>
    {
        long groups = keys.size(1), repeat = queries.size(1) / groups, count = keys.size(2), size = queries.size(3);
        long[] fromQ = queries.stride(), fromK = keys.stride(), fromV = values.stride();
        long maskStride = mask.stride(0);
        T* q = (T*)TensorMemory.StridedAddress(queries), k = (T*)TensorMemory.StridedAddress(keys),
            v = (T*)TensorMemory.StridedAddress(values);
        T* m = (T*)TensorMemory.StridedAddress(mask), y = (T*)TensorMemory.Address(result);
        var sizes = new Sizes(repeat, count, size);
        Chunks.OfRows(queries.size(0) * groups, ItemsInChunk, repeat * count * size, (start, end) =>
        {
            var scores = stackalloc float[(int)(repeat * count)];
            var wide = stackalloc float[(int)(repeat * size)];           // the group's queries
            var room = stackalloc float[(int)count + Element.Width];
            for (var item = start; item < end; item++)
            {
                var (row, group) = (item / groups, item % groups);
                for (var head = 0L; head < repeat; head++)
                {
                    T* query = q + (row * fromQ[0]) + (((group * repeat) + head) * fromQ[1]);
                    for (var i = 0L; i < size; i += Element.Width) T.Load(query + i).Store(wide + (head * size) + i);
                }
                Score(wide, k + (row * fromK[0]) + (group * fromK[1]), fromK[2], scores, sizes);
                for (var head = 0L; head < repeat; head++)
                {
                    var shares = scores + (head * count);
                    MaskedSoftmax.ForwardRow((Float32*)shares, m + (row * maskStride), (Float32*)shares, room, scale, count);
                    Mix(shares, v + (row * fromV[0]) + (group * fromV[1]), fromV[2], y + (((item * repeat) + head) * size), count, size);
                }
            }
        });
        GC.KeepAlive((queries, keys, values, mask, result));
    }

    /// <summary>What the heads of a group have in common.</summary>
    private sealed record Sizes(long Heads, long Count, long Size);

    /// <summary>query · key; a key is read once for all heads of its group.</summary>
    private static void Score<T>(float* queries, T* keys, long stride, float* scores, Sizes sizes) where T : unmanaged, IElement<T>
    {
        const int Width = Element.Width;
        new Span<float>(scores, (int)(sizes.Heads * sizes.Count)).Clear();
        for (var key = 0L; key < sizes.Count; key++)
        {
            T* k = keys + (key * stride);
            var at = 0L;
            for (; at + (4 * Width) <= sizes.Size; at += 4 * Width)
            {
                Vector512<float> a = T.Load(k + at), b = T.Load(k + at + Width), c = T.Load(k + at + (2 * Width)),
                    d = T.Load(k + at + (3 * Width));
                for (var head = 0L; head < sizes.Heads; head++)
                {
                    var q = queries + (head * sizes.Size) + at;
                    var first = Vector512.FusedMultiplyAdd(Vector512.Load(q), a, Vector512.Load(q + Width) * b);
                    var second = Vector512.FusedMultiplyAdd(Vector512.Load(q + (2 * Width)), c, Vector512.Load(q + (3 * Width)) * d);
                    scores[(head * sizes.Count) + key] += VectorMath.Sum(first + second);
                }
            }
            for (; at < sizes.Size; at += Width)
            {
                var a = T.Load(k + at);
                for (var head = 0L; head < sizes.Heads; head++)
                    scores[(head * sizes.Count) + key] += VectorMath.Sum(Vector512.Load(queries + (head * sizes.Size) + at) * a);
            }
        }
    }

    /// <summary>Σ share · value, four vectors at a time where a head has them: one sum alone would wait for itself.</summary>
    private static void Mix<T>(float* shares, T* values, long stride, T* result, long count, long size) where T : unmanaged, IElement<T>
    {
        const int Width = Element.Width;
        var at = 0L;
        for (; at + (4 * Width) <= size; at += 4 * Width)
        {
            Vector512<float> a = default, b = default, c = default, d = default;
            for (var key = 0L; key < count; key++)
            {
                var share = Vector512.Create(shares[key]);
                T* v = values + (key * stride) + at;
                a = Vector512.FusedMultiplyAdd(share, T.Load(v), a);
                b = Vector512.FusedMultiplyAdd(share, T.Load(v + Width), b);
                c = Vector512.FusedMultiplyAdd(share, T.Load(v + (2 * Width)), c);
                d = Vector512.FusedMultiplyAdd(share, T.Load(v + (3 * Width)), d);
            }
            T.Store(result + at, a);
            T.Store(result + at + Width, b);
            T.Store(result + at + (2 * Width), c);
            T.Store(result + at + (3 * Width), d);
        }
        for (; at < size; at += Width)
        {
            var sum = Vector512<float>.Zero;
            for (var key = 0L; key < count; key++) sum =
                Vector512.FusedMultiplyAdd(Vector512.Create(shares[key]), T.Load(values + (key * stride) + at), sum);
            T.Store(result + at, sum);
        }
    }
}
