using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Cross entropy of rows of logits that each carry a label, without a float32 copy of bfloat16 logits.</summary>
internal static unsafe class SelectedCrossEntropy
{
    private const int RowsInChunk = 8;

    /// <summary>The loss of each row, log Σ exp(logits) − logits[label].</summary>
    /// <param name="logits">float32 or bfloat16, (N, V).</param>
    /// <param name="labels">int64, (N), each in 0 … V − 1.</param>
    /// <param name="consumeLogits">Backward writes the logits' gradient over the logits themselves, which saves an allocation of their
    /// size: only if nobody reads them afterwards, and backward runs once.</param>
    /// <returns>float32, (N).</returns>
    /// <exception cref="ArgumentOutOfRangeException">A label is not a column of the logits.</exception>
    public static Tensor Apply(Tensor logits, Tensor labels, bool consumeLogits = false)
    {
        if (logits.device_type != DeviceType.CPU || logits.dtype is not (ScalarType.Float32 or ScalarType.BFloat16) || logits.ndim != 2
            || labels.dtype != ScalarType.Int64 || labels.ndim != 1 || labels.size(0) != logits.size(0)
            || !logits.is_contiguous() || !labels.is_contiguous())
        {
            return Plain(logits, labels);
        }
        if (Recording.IsNeeded(logits)) return Recorded.Record(logits, labels, consumeLogits);
        var losses = Forward(logits, labels, out var normalisers);
        normalisers.Dispose();
        return losses;
    }

    /// <summary>The same in torch operations.</summary>
    /// <param name="logits">As for <see cref="Apply"/>.</param>
    /// <param name="labels">As for <see cref="Apply"/>.</param>
    /// <returns>float32, (N).</returns>
    public static Tensor Plain(Tensor logits, Tensor labels)
    {
        using var wide = logits.to_type(ScalarType.Float32);
        return nn.functional.cross_entropy(wide, labels, reduction: nn.Reduction.None);
    }

    private static Tensor Forward(Tensor logits, Tensor labels, out Tensor normalisers)
    {
        var (rows, width) = (logits.size(0), logits.size(1));
        foreach (var label in new ReadOnlySpan<long>(TensorMemory.Address(labels), checked((int)rows)))
        {
            if (label < 0 || label >= width)
                throw new ArgumentOutOfRangeException(nameof(labels), label, $"Labels must be in 0 … {width - 1}.");
        }
        var losses = empty(rows);
        normalisers = empty(rows);
        if (logits.dtype == ScalarType.BFloat16) Forward<BrainFloat16>(logits, labels, losses, normalisers);
        else Forward<Float32>(logits, labels, losses, normalisers);
        return losses;
    }

    private static void Forward<T>(Tensor logits, Tensor labels, Tensor losses, Tensor normalisers) where T : unmanaged, IElement<T>
    {
        var width = logits.size(1);
        var x = (T*)TensorMemory.Address(logits);
        var label = (long*)TensorMemory.Address(labels);
        float* loss = (float*)TensorMemory.Address(losses), normaliser = (float*)TensorMemory.Address(normalisers);
        Chunks.OfRows(logits.size(0), RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                normaliser[row] = LogSumExp.Of(x + (row * width), width);
                loss[row] = normaliser[row] - T.LoadFirst(x + (row * width) + label[row], 1)[0];
            }
        });
        GC.KeepAlive((logits, labels, losses, normalisers));
    }

    /// <summary>d logits = g · (softmax(logits) − one-hot(label)), for each row's incoming g.</summary>
    private static Tensor Backward(Tensor gradient, Tensor logits, Tensor labels, Tensor normalisers, bool consumeLogits)
    {
        using var g = gradient.contiguous();
        var result = consumeLogits ? logits.detach() : empty(logits.shape, logits.dtype);
        if (logits.dtype == ScalarType.BFloat16) Backward<BrainFloat16>(g, logits, labels, normalisers, result);
        else Backward<Float32>(g, logits, labels, normalisers, result);
        return result;
    }

    private static void Backward<T>(Tensor gradient, Tensor logits, Tensor labels, Tensor normalisers, Tensor result) where T
        : unmanaged, IElement<T>
    {
        var width = logits.size(1);
        T* x = (T*)TensorMemory.Address(logits), dx = (T*)TensorMemory.Address(result);
        var label = (long*)TensorMemory.Address(labels);
        float* g = (float*)TensorMemory.Address(gradient), normaliser = (float*)TensorMemory.Address(normalisers);
        Chunks.OfRows(logits.size(0), RowsInChunk, width, (start, end) =>
        {
            for (var row = start; row < end; row++)
            {
                T* from = x + (row * width), to = dx + (row * width);
                var target = MathF.Exp(T.LoadFirst(from + label[row], 1)[0] - normaliser[row]) - 1;      // read before it is overwritten
                ScaledSoftmax(from, to, normaliser[row], g[row], width);
                Element.Store(to + label[row], Vector512.Create(target * g[row]), 1);
            }
        });
        GC.KeepAlive((gradient, logits, labels, normalisers, result));
    }

    private static void ScaledSoftmax<T>(T* from, T* to, float normaliser, float scale, long width) where T : unmanaged, IElement<T>
    {
        var tail = width - Element.Tail(width);
        for (var i = 0L; i < tail; i += Element.Width)
            T.Store(to + i, VectorMath.Exp(T.Load(from + i) - Vector512.Create(normaliser)) * scale);
        if (tail == width) return;
        var last = VectorMath.Exp(T.LoadFirst(from + tail, width - tail) - Vector512.Create(normaliser)) * scale;
        Element.Store(to + tail, last, width - tail);
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var (logits, labels) = ((Tensor)arguments[0], (Tensor)arguments[1]);
            var losses = SelectedCrossEntropy.Forward(logits, labels, out var normalisers);
            recording.Own(normalisers);
            recording.Save(logits, labels, normalisers);
            recording.Data = arguments[2];
            return losses;
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient) =>
            [SelectedCrossEntropy.Backward(gradient, saved[0], saved[1], saved[2], consumeLogits: (bool)recording.Data!)];
    }
}
