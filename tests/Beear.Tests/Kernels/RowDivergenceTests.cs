using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class RowDivergenceTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 7)]
    [InlineData(ScalarType.Float32, 1000)]
    [InlineData(ScalarType.BFloat16, 1000)]
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int vocabulary)
    {
        var reference = Random(1, 19, vocabulary).to_type(type);
        // Times one: a gradient written over a test's own leaf would be read again.
        KernelAssertions.SameResultAndGradients(x => RowDivergence.Apply(x[0] * 1, reference), x =>
            RowDivergence.Plain(x[0], reference), type,
            Random(2, 19, vocabulary).to_type(type));
    }

    [Fact]
    public void The_gradient_is_the_slope()
    {
        var reference = Random(3, 2, 19);
        var wanted = reference.to_type(ScalarType.Float64).log_softmax(-1);
        KernelAssertions.GradientIsTheSlope(x => RowDivergence.Apply(x[0] * 1, reference), x =>
            (wanted.exp() * (wanted - x[0].log_softmax(-1))).sum(-1), Random(4, 2, 19));
    }

    [Fact]
    public void A_distribution_does_not_diverge_from_itself_or_its_shift()
    {
        var logits = Random(5, 6, 333);
        KernelAssertions.AssertClose(zeros(6), RowDivergence.Apply(logits, logits), ScalarType.Float32);
        KernelAssertions.AssertClose(zeros(6), RowDivergence.Apply(logits + 3, logits), ScalarType.Float32);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var reference = Random(6, 4, 64);
        KernelAssertions.LeavesNoTensors(x => RowDivergence.Apply(x[0], reference), Random(7, 4, 64));
    }

    public void Dispose() => scope.Dispose();

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed)) * 2;
}
