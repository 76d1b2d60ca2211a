using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>KL divergence of a reference's distribution and a model's, row by row, without float32 copies of their logits.</summary>
internal static unsafe class RowDivergence
{
    private const int RowsInChunk = 8;

    /// <summary>KL(reference ‖ model) of each row.</summary>
    /// <param name="logits">float32 or bfloat16, (N, V): the model's. Backward writes their gradient over them: they must not be read
    /// afterwards, and backward runs once.</param>
    /// <param name="reference">(N, V) of the same type: the reference's; no gradient flows into them.</param>
    /// <returns>float32, (N), in nats.</returns>
    public static Tensor Apply(Tensor logits, Tensor reference)
    {
        if (logits.device_type != DeviceType.CPU || logits.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || logits.ndim != 2
            || reference.dtype != logits.dtype || !reference.shape.AsSpan().SequenceEqual(logits.shape) || !logits.is_contiguous()
                || !reference.is_contiguous())
        {
            return Plain(logits, reference);
        }
        if (Recording.IsNeeded(logits)) return Recorded.Record(logits, reference);
        var result = Forward(logits, reference, out var normalisers);
        normalisers.Dispose();
        return result;
    }

    /// <summary>The same in torch operations.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Plain(Tensor logits, Tensor reference)
    {
        using var scope = NewDisposeScope();
        var wanted = reference.detach().to_type(ScalarType.Float32).log_softmax(-1);                     // (N, V)
        var found = logits.to_type(ScalarType.Float32).log_softmax(-1);                                  // (N, V)
        return (wanted.exp() * (wanted - found)).sum(-1).MoveToOuterDisposeScope();
    }

    private static Tensor Forward(Tensor logits, Tensor reference, out Tensor normalisers)
    {
        var rows = logits.size(0);
        var result = empty(rows);
        normalisers = empty(rows, 2);
        if (logits.dtype == ScalarType.BFloat16) Forward<BrainFloat16>(logits, reference, result, normalisers);
        else Forward<Float32>(logits, reference, result, normalisers);
        return result;
    }

    private static void Forward<T>(Tensor logits, Tensor reference, Tensor result, Tensor normalisers) where T : unmanaged, IElement<T>
    {
        var width = logits.size(1);
        T* x = (T*)TensorMemory.Address(logits), r = (T*)TensorMemory.Address(reference);
        float* divergence = (float*)TensorMemory.Address(result), normaliser = (float*)TensorMemory.Address(normalisers);
        Chunks.OfRows(logits.size(0), RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                T* own = x + (row * width), wanted = r + (row * width);
                var (found, expected) = (LogSumExp.Of(own, width), LogSumExp.Of(wanted, width));
                (normaliser[2 * row], normaliser[(2 * row) + 1]) = (found, expected);
                divergence[row] = MeanDifference(own, wanted, expected, width) + found - expected;
            }
        });
        GC.KeepAlive((logits, reference, result, normalisers));
    }

    /// <summary>Σ p · (reference − logits), p the reference's distribution.</summary>
    private static float MeanDifference<T>(T* logits, T* reference, float normaliser, long width) where T : unmanaged, IElement<T>
    {
        var tail = width - Element.Tail(width);
        var sum = Vector512<float>.Zero;
        for (var i = 0L; i < tail; i += Element.Width)
        {
            var wanted = T.Load(reference + i);
            sum = Vector512.FusedMultiplyAdd(VectorMath.Exp(wanted - Vector512.Create(normaliser)), wanted - T.Load(logits + i), sum);
        }
        if (tail < width)
        {
            // Beyond the row both are zero, and so is their difference.
            var wanted = T.LoadFirst(reference + tail, width - tail);
            sum = Vector512.FusedMultiplyAdd(VectorMath.Exp(wanted - Vector512.Create(normaliser)),
                wanted - T.LoadFirst(logits + tail, width - tail), sum);
        }
        return Vector512.Sum(sum);
    }

    /// <summary>d logits = g · (softmax(logits) − softmax(reference)), written over the logits.</summary>
    private static Tensor Backward(Tensor gradient, Tensor logits, Tensor reference, Tensor normalisers)
    {
        using var g = gradient.contiguous();
        if (logits.dtype == ScalarType.BFloat16) Backward<BrainFloat16>(g, logits, reference, normalisers);
        else Backward<Float32>(g, logits, reference, normalisers);
        return logits.detach();
    }

    private static void Backward<T>(Tensor gradient, Tensor logits, Tensor reference, Tensor normalisers) where T : unmanaged, IElement<T>
    {
        var width = logits.size(1);
        T* x = (T*)TensorMemory.Address(logits), r = (T*)TensorMemory.Address(reference);
        float* g = (float*)TensorMemory.Address(gradient), normaliser = (float*)TensorMemory.Address(normalisers);
        Chunks.OfRows(logits.size(0), RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                T* own = x + (row * width), wanted = r + (row * width);
                Vector512<float> found = Vector512.Create(normaliser[2 * row]), expected = Vector512.Create(normaliser[(2 * row) + 1]);
                var tail = width - Element.Tail(width);
                for (var i = 0L; i < tail; i += Element.Width)
                    T.Store(own + i, (VectorMath.Exp(T.Load(own + i) - found) - VectorMath.Exp(T.Load(wanted + i) - expected)) * g[row]);
                if (tail == width) continue;
                var last = VectorMath.Exp(T.LoadFirst(own + tail, width - tail) - found)
                    - VectorMath.Exp(T.LoadFirst(wanted + tail, width - tail) - expected);
                Element.Store(own + tail, last * g[row], width - tail);
            }
        });
        GC.KeepAlive((gradient, logits, reference, normalisers));
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (logits, reference) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            var result = RowDivergence.Forward(logits, reference, out var normalisers);
            recording.Own(normalisers);
            recording.Save(logits, reference, normalisers);
            return result;
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [RowDivergence.Backward(gradient, saved[0], saved[1], saved[2])];
    }
}
