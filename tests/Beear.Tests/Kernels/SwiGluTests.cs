using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class SwiGluTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 5)]
    [InlineData(ScalarType.Float32, 1637)]
    [InlineData(ScalarType.BFloat16, 1637)]
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int size) =>
        KernelAssertions.SameResultAndGradients(x => SwiGlu.Apply(x[0]), x =>
            SwiGlu.Plain(x[0]), type, Random(2, 19, 2 * size).to_type(type));

    [Fact]
    public void The_gradient_is_the_slope() =>
        KernelAssertions.GradientIsTheSlope(x => SwiGlu.Apply(x[0]), x => SwiGlu.Plain(x[0]), Random(3, 2, 38));

    [Fact]
    public void Extreme_gates_saturate_and_nan_is_kept()
    {
        var gate = tensor(new[] { -1e5f, -200f, -88f, 88f, 200f, 1e30f, float.NaN });
        var result = SwiGlu.Apply(cat([gate, ones(7)])).data<float>().ToArray();
        Assert.All(result[..3], value => Assert.True(Math.Abs(value) < 1e-30, $"{value}"));
        Assert.Equal([88f, 200f, 1e30f, float.NaN], result[3..]);
    }

    [Fact]
    public void No_tensor_is_left_behind() => KernelAssertions.LeavesNoTensors(x => SwiGlu.Apply(x[0]), Random(4, 4, 64));

    public void Dispose() => scope.Dispose();

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed)) * 3;
}
