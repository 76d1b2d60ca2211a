using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>One of a pass's tokens, the newest of its sequence, and the room that its sequence's keys and values have.</summary>
/// <param name="Token">Its index in the pass.</param>
/// <param name="Keys">Address of (1, G, room, D).</param>
/// <param name="Values">Address of (1, G, room, D).</param>
/// <param name="Room">Tokens that there is room for.</param>
/// <param name="First">The first token that it sees.</param>
/// <param name="Last">Its own place.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SequenceStep(int Token, nint Keys, nint Values, long Room, long First, long Last);

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
    /// <inheritdoc cref="Apply(Tensor, Tensor, Tensor, Tensor, double)"/>
    public static Tensor Plain(Tensor queries, Tensor keys, Tensor values, Tensor mask, double scale)
    {
        using var scope = NewDisposeScope();
        long batch = queries.size(0), heads = queries.size(1), groups = keys.size(1), size = queries.size(3);
        var scores = queries.reshape(batch, groups, heads / groups, size).matmul(keys.transpose(2, 3));  // (B, G, R, S)
        return MaskedSoftmax.Plain(scores, mask, scale).matmul(values).reshape(batch, 1, heads * size).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same for new tokens of sequences of different lengths, each of which has a room of its own. Each token's key and value are
    /// written there first.
    /// </summary>
    /// <param name="queries">(1, H, N, D), float32 or bfloat16.</param>
    /// <param name="keys">(1, G, N, D) of the same type: the new tokens' own.</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <param name="steps">Which of the N tokens, and the room of its sequence.</param>
    /// <param name="result">(1, N, H·D), contiguous: gets the mixed values of these tokens.</param>
    /// <param name="scale">Factor of the scores.</param>
    public static void Apply(Tensor queries, Tensor keys, Tensor values, IReadOnlyList<SequenceStep> steps, Tensor result, double scale)
    {
        if (queries.dtype == ScalarType.BFloat16) Run<BrainFloat16>(queries, keys, values, steps, result, (float)scale);
        else Run<Float32>(queries, keys, values, steps, result, (float)scale);
    }

    /// <summary>Whether <see cref="Apply(Tensor, Tensor, Tensor, IReadOnlyList{SequenceStep}, Tensor, double)"/> can be called.</summary>
    /// <param name="queries">(1, H, N, D).</param>
    /// <param name="keys">(1, G, N, D).</param>
    /// <param name="count">S: keys that a token sees.</param>
    public static bool IsFused(Tensor queries, Tensor keys, long count) => queries.device_type == DeviceType.CPU
        && queries.dtype is ScalarType.Float32 or ScalarType.BFloat16 && queries.size(3) % Element.Width == 0
        && ((queries.size(1) / keys.size(1)) + 1) * (count + queries.size(3)) <= MostOnStack;

    private static void Run<T>(Tensor queries, Tensor keys, Tensor values, Tensor mask, Tensor result, float scale) where T
        : unmanaged, IElement<T>
    {
        long groups = keys.size(1), repeat = queries.size(1) / groups, count = keys.size(2), size = queries.size(3);
        long[] fromQ = queries.stride(), fromK = keys.stride(), fromV = values.stride();
        long maskStride = mask.stride(0);
        T* q = (T*)TensorMemory.StridedAddress(queries), k = (T*)TensorMemory.StridedAddress(keys),
            v = (T*)TensorMemory.StridedAddress(values);
        T* m = (T*)TensorMemory.StridedAddress(mask), y = (T*)TensorMemory.Address(result);
        Chunks.OfRows(queries.size(0) * groups, ItemsInChunk, repeat * count * size, (start, end) =>
        {
            for (var item = start; item < end; item++)
            {
                var (row, group) = (item / groups, item % groups);
                Group(new Item<T>
                {
                    Queries = q + (row * fromQ[0]) + (group * repeat * fromQ[1]),
                    Keys = k + (row * fromK[0]) + (group * fromK[1]),
                    Values = v + (row * fromV[0]) + (group * fromV[1]),
                    Mask = m + (row * maskStride),
                    Result = y + (item * repeat * size),
                    QueryStride = fromQ[1],
                    KeyStride = fromK[2],
                    ValueStride = fromV[2],
                    Heads = repeat,
                    Count = count,
                    Size = size,
                }, scale);
            }
        });
        GC.KeepAlive((queries, keys, values, mask, result));
    }

    private static void Run<T>(Tensor queries, Tensor keys, Tensor values, IReadOnlyList<SequenceStep> steps, Tensor result, float scale)
        where T : unmanaged, IElement<T>
    {
        long groups = keys.size(1), repeat = queries.size(1) / groups, size = queries.size(3), bytes = size * sizeof(T);
        long[] fromQ = queries.stride(), fromK = keys.stride(), fromV = values.stride();
        T* q = (T*)TensorMemory.StridedAddress(queries), k = (T*)TensorMemory.StridedAddress(keys),
            v = (T*)TensorMemory.StridedAddress(values), y = (T*)TensorMemory.Address(result);
        var seen = steps.Sum(step => step.Last + 1 - step.First) / steps.Count;
        Chunks.OfRows(steps.Count * groups, ItemsInChunk, repeat * seen * size, (start, end) =>
        {
            for (var item = start; item < end; item++)
            {
                var (step, group) = (steps[(int)(item / groups)], item % groups);
                T* ownKeys = (T*)step.Keys + (group * step.Room * size), ownValues = (T*)step.Values + (group * step.Room * size);
                Buffer.MemoryCopy(k + (group * fromK[1]) + (step.Token * fromK[2]), ownKeys + (step.Last * size), bytes, bytes);
                Buffer.MemoryCopy(v + (group * fromV[1]) + (step.Token * fromV[2]), ownValues + (step.Last * size), bytes, bytes);
                Group(new Item<T>
                {
                    Queries = q + (group * repeat * fromQ[1]) + (step.Token * fromQ[2]),
                    Keys = ownKeys + (step.First * size),
                    Values = ownValues + (step.First * size),
                    Result = y + (((step.Token * groups) + group) * repeat * size),
                    QueryStride = fromQ[1],
                    KeyStride = size,
                    ValueStride = size,
                    Heads = repeat,
                    Count = step.Last + 1 - step.First,
                    Size = size,
                }, scale);
            }
        });
        GC.KeepAlive((queries, keys, values, result));
    }

    /// <summary>Zeros, for what sees all that it is given.</summary>
    private static readonly float* NoMask = (float*)NativeMemory.AllocZeroed(MostOnStack + Element.Width, sizeof(float));

    /// <summary>The query heads of one token that share their keys and values.</summary>
    [StructLayout(LayoutKind.Auto)]
    private ref struct Item<T> where T : unmanaged
    {
        public T* Queries, Keys, Values, Mask, Result;
        public long QueryStride, KeyStride, ValueStride, Heads, Count, Size;
    }

    private static void Group<T>(Item<T> item, float scale) where T : unmanaged, IElement<T>
    {
        long count = item.Count, size = item.Size;
        var scores = stackalloc float[(int)(item.Heads * count)];
        var wide = stackalloc float[(int)(item.Heads * size)];           // the group's queries
        var room = stackalloc float[(int)count + Element.Width];
        for (var head = 0L; head < item.Heads; head++)
        {
            T* query = item.Queries + (head * item.QueryStride);
            for (var i = 0L; i < size; i += Element.Width) T.Load(query + i).Store(wide + (head * size) + i);
        }
        Score(wide, item.Keys, item.KeyStride, scores, new Sizes(item.Heads, count, size));
        for (var head = 0L; head < item.Heads; head++)
        {
            var shares = scores + (head * count);
            if (item.Mask is null) MaskedSoftmax.ForwardRow((Float32*)shares, (Float32*)NoMask, (Float32*)shares, room, scale, count);
            else MaskedSoftmax.ForwardRow((Float32*)shares, item.Mask, (Float32*)shares, room, scale, count);
            Mix(shares, item.Values, item.ValueStride, item.Result + (head * size), count, size);
        }
    }

    /// <summary>What the heads of a group have in common.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Sizes(long Heads, long Count, long Size);

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
