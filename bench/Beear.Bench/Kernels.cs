using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Bench;

public class RmsNormBenchmark : KernelBenchmark
{
    protected override Tensor[] Inputs() => [randn(Shape.Rows, Shape.Hidden), ones(Shape.Hidden)];

    protected override Tensor PlainOf(Tensor[] x) => RmsNorm.Plain(x[0], x[1], 1e-5, Type);

    protected override Tensor FusedOf(Tensor[] x) => RmsNorm.Apply(x[0], x[1], 1e-5, Type);
}

public class SwiGluBenchmark : KernelBenchmark
{
    protected override Tensor[] Inputs() => [randn(Shape.Rows, 2 * Shape.FeedForward).to_type(Type)];

    protected override Tensor PlainOf(Tensor[] x) => SwiGlu.Plain(x[0]);

    protected override Tensor FusedOf(Tensor[] x) => SwiGlu.Apply(x[0]);
}

public class HeadsBenchmark : KernelBenchmark
{
    private Tensor? cosine;
    private Tensor? sine;

    protected override Tensor[] Inputs()
    {
        (cosine, sine) = (Table(), Table());
        return [randn(Shape.Rows, Shape.Heads * Shape.HeadSize).to_type(Type)];

        Tensor Table() => randn(Shape.Batch, 1, Shape.Time, Shape.HeadSize).to_type(Type).DetachFromDisposeScope();
    }

    protected override Tensor PlainOf(Tensor[] x) => All(AttentionHeads.PlainSplit(x[0], Heads, cosine!, sine!));

    protected override Tensor FusedOf(Tensor[] x) => All(AttentionHeads.Split(x[0], Heads, cosine!, sine!));

    private HeadShape Heads => new(Shape.Batch, Shape.Time, Shape.Heads - 2, 1, Shape.HeadSize, Shape.HeadSize);

    private static Tensor All((Tensor Queries, Tensor Keys, Tensor Values) split) =>
        cat([split.Queries.flatten(), split.Keys.flatten(), split.Values.flatten()]);
}

public class MaskedSoftmaxBenchmark : KernelBenchmark
{
    private Tensor? mask;

    protected override Tensor[] Inputs()
    {
        mask = zeros(Shape.Batch, 1, Shape.Time, Shape.Time).to_type(Type).DetachFromDisposeScope();
        return [randn(Shape.Batch, 1, Shape.Heads * Shape.Time, Shape.Time).to_type(Type)];
    }

    protected override Tensor PlainOf(Tensor[] x) => MaskedSoftmax.Plain(x[0], mask!, 0.125);

    protected override Tensor FusedOf(Tensor[] x) => MaskedSoftmax.Apply(x[0], mask!, 0.125);
}

public class CrossEntropyBenchmark : KernelBenchmark
{
    private Tensor? labels;

    protected override Tensor[] Inputs()
    {
        labels = randint(Shape.Vocabulary, Shape.Rows, dtype: ScalarType.Int64).DetachFromDisposeScope();
        return [randn(Shape.Rows, Shape.Vocabulary).to_type(Type)];
    }

    protected override Tensor PlainOf(Tensor[] x) => SelectedCrossEntropy.Plain(x[0], labels!);

    protected override Tensor FusedOf(Tensor[] x) => SelectedCrossEntropy.Apply(x[0], labels!);
}
