using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class SelectedCrossEntropyTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 3, 7, false)]
    [InlineData(ScalarType.Float32, 33, 1003, false)]
    [InlineData(ScalarType.BFloat16, 33, 1003, false)]
    [InlineData(ScalarType.BFloat16, 33, 1003, true)]
    public void Losses_and_gradients_equal_the_plain_ones(ScalarType type, int rows, int vocabulary, bool consumeLogits)
    {
        var labels = randint(vocabulary, rows, generator: new Generator(1), dtype: ScalarType.Int64);
        KernelAssertions.SameResultAndGradients(
            x => SelectedCrossEntropy.Apply(x[0] * 1, labels, consumeLogits), x => SelectedCrossEntropy.Plain(x[0], labels), type,
            Random(rows, vocabulary).to_type(type));
    }

    [Fact]
    public void The_gradient_is_the_slope()
    {
        var labels = tensor(new long[] { 4, 0 });
        KernelAssertions.GradientIsTheSlope(
            x => SelectedCrossEntropy.Apply(x[0], labels), x =>
                nn.functional.cross_entropy(x[0], labels, reduction: nn.Reduction.None), Random(2, 19));
    }

    [Fact]
    public void Large_logits_neither_overflow_nor_vanish()
    {
        var logits = tensor(new[] { 3e4f, -3e4f, 0f, 2e4f }).view(1, 4).requires_grad_();
        var loss = SelectedCrossEntropy.Apply(logits, tensor(new[] { 3L }));
        Assert.Equal(1e4f, loss.item<float>());
        loss.sum().backward();
        Assert.Equal([1f, 0f, 0f, -1f], logits.grad!.data<float>().ToArray().Select(value => MathF.Round(value, 6) + 0f));
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(5L)]
    public void A_label_outside_the_vocabulary_is_refused(long label) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SelectedCrossEntropy.Apply(zeros(1, 5), tensor(new[] { label })));

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var labels = zeros(4, ScalarType.Int64);
        KernelAssertions.LeavesNoTensors(x => SelectedCrossEntropy.Apply(x[0], labels), Random(4, 64));
    }

    public void Dispose() => scope.Dispose();

    private static Tensor Random(int rows, int columns) => randn(rows, columns, generator: new Generator(7)) * 4;
}
