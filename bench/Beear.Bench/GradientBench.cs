using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>Kernels with gradients: forward without recording, then forward and backward together.</summary>
internal static class GradientBench
{
    private delegate Tensor Operation(params Tensor[] inputs);

    public static IEnumerable<Row> RmsNorm(Shape shape)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            foreach (var row in Compare("RMSNorm", type, x => Kernels.RmsNorm.Plain(x[0], x[1], 1e-5, type), x => Kernels.RmsNorm.Apply(x[0], x[1], 1e-5, type),
                randn(shape.Rows, shape.Hidden), ones(shape.Hidden)))
                yield return row;
        }
    }

    public static IEnumerable<Row> SwiGlu(Shape shape)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            foreach (var row in Compare("SwiGLU", type, x => Kernels.SwiGlu.Plain(x[0]), x => Kernels.SwiGlu.Apply(x[0]),
                randn(shape.Rows, 2 * shape.FeedForward).to_type(type)))
                yield return row;
        }
    }

    public static IEnumerable<Row> Heads(Shape shape)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            Tensor Table() => randn(shape.Batch, 1, shape.Time, shape.HeadSize).to_type(type);
            Tensor cosine = Table(), sine = Table();
            var heads = new HeadShape(shape.Batch, shape.Time, shape.Heads - 2, 1, shape.HeadSize, shape.HeadSize);
            Tensor All((Tensor Queries, Tensor Keys, Tensor Values) split) => cat([split.Queries.flatten(), split.Keys.flatten(), split.Values.flatten()]);
            foreach (var row in Compare("heads", type, x => All(AttentionHeads.PlainSplit(x[0], heads, cosine, sine)), x => All(AttentionHeads.Split(x[0], heads, cosine, sine)),
                randn(shape.Batch * shape.Time, shape.Heads * shape.HeadSize).to_type(type)))
                yield return row;
        }
    }

    public static IEnumerable<Row> Softmax(Shape shape)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var mask = zeros(shape.Batch, 1, shape.Time, shape.Time).to_type(type);
            foreach (var row in Compare("masked softmax", type, x => MaskedSoftmax.Plain(x[0], mask, 0.125), x => MaskedSoftmax.Apply(x[0], mask, 0.125),
                randn(shape.Batch, 1, shape.Heads * shape.Time, shape.Time).to_type(type)))
                yield return row;
        }
    }

    public static IEnumerable<Row> CrossEntropy(Shape shape)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var labels = randint(shape.Vocabulary, shape.Rows, dtype: ScalarType.Int64);
            var logits = randn(shape.Rows, shape.Vocabulary).to_type(type);
            foreach (var row in Compare("cross entropy", type, x => SelectedCrossEntropy.Plain(x[0], labels), x => SelectedCrossEntropy.Apply(x[0], labels), logits))
                yield return row;
            foreach (var row in Compare("cross entropy, consuming", type, x => SelectedCrossEntropy.Plain(x[0], labels), x => SelectedCrossEntropy.Apply(x[0], labels, consumeLogits: true), logits).Skip(1))
                yield return row;
        }
    }

    private static IEnumerable<Row> Compare(string name, ScalarType type, Operation plain, Operation fused, params Tensor[] inputs)
    {
        yield return new Row($"{name}, forward", type, Stopwatches.LeastMicroseconds(() => plain(inputs)), Stopwatches.LeastMicroseconds(() => fused(inputs)));
        foreach (var input in inputs) input.requires_grad_();
        var gradient = plain(inputs).detach();
        void Step(Operation operation) => autograd.grad([operation(inputs)], inputs, [gradient]);      // not into .grad: activations are no leaves

        yield return new Row($"{name}, forward + backward", type, Stopwatches.LeastMicroseconds(() => Step(plain)), Stopwatches.LeastMicroseconds(() => Step(fused)));
    }
}
