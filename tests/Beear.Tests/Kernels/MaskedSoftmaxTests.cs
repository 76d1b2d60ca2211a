using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class MaskedSoftmaxTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 7)]
    [InlineData(ScalarType.Float32, 32)]
    [InlineData(ScalarType.Float32, 45)]
    [InlineData(ScalarType.BFloat16, 45)]
    [InlineData(ScalarType.Float32, 5003)]                               // as a row of thousands of tokens has
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int keys)
    {
        var mask = Mask(keys).to_type(type);
        KernelAssertions.SameResultAndGradients(x => MaskedSoftmax.Apply(x[0], mask, 0.3), x =>
            MaskedSoftmax.Plain(x[0], mask.to_type(ScalarType.Float32), 0.3), type,
            Random(1, 2, 3, 2 * 5, keys).to_type(type));
    }

    [Fact]
    public void The_gradient_is_the_slope()
    {
        var mask = zeros(1, 1, 2, 19);
        KernelAssertions.GradientIsTheSlope(x => MaskedSoftmax.Apply(x[0], mask, 0.7), x =>
            MaskedSoftmax.Plain(x[0], mask, 0.7), Random(2, 1, 1, 2, 19));
    }

    [Fact]
    public void Forbidden_keys_get_nothing_and_a_row_of_padding_stays_finite()
    {
        var mask = Mask(45);
        var shares = MaskedSoftmax.Apply(Random(3, 2, 3, 10, 45) * 20, mask, 1);
        KernelAssertions.AssertClose(ones(2, 3, 10), shares.sum(-1), ScalarType.Float32);
        Assert.Equal(0, (shares.view(2, 6, 5, 45) * mask.lt(0)).narrow(2, 1, 4).abs().max().item<float>());
        KernelAssertions.AssertClose(full(2, 3, 2, 45, 1f / 45), shares.view(2, 3, 2, 5, 45).select(3, 0), ScalarType.Float32);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var mask = Mask(20);
        KernelAssertions.LeavesNoTensors(x => MaskedSoftmax.Apply(x[0], mask, 0.5), Random(4, 2, 3, 10, 20));
    }

    public void Dispose() => scope.Dispose();

    /// <summary>(2, 1, 5, keys): the first query may attend to nothing, the others to one key in three.</summary>
    private static Tensor Mask(int keys)
    {
        var mask = zeros(2, 1, 5, keys);
        mask.masked_fill_(arange(keys).remainder(3).ne(0), -1e30);
        mask.select(2, 0).fill_(-1e30);
        return mask;
    }

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
