using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class SwiGluTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 5)]
    [InlineData(ScalarType.Float32, 16385)]
    [InlineData(ScalarType.BFloat16, 16385)]
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int size) =>
        KernelAssertions.SameResultAndGradients(x => SwiGlu.Apply(x[0], x[1]), x => SwiGlu.Plain(x[0], x[1]), type,
            Random(2, size, 1).to_type(type), Random(2, size, 2).to_type(type));

    [Fact]
    public void The_gradient_is_the_slope() =>
        KernelAssertions.GradientIsTheSlope(x => SwiGlu.Apply(x[0], x[0] * 2), x => SwiGlu.Plain(x[0], x[0] * 2), Random(2, 19, 3));

    [Fact]
    public void Extreme_gates_saturate_and_nan_is_kept()
    {
        var gate = tensor(new[] { -1e5f, -200f, -88f, 88f, 200f, 1e30f, float.NaN });
        var result = SwiGlu.Apply(gate, ones(7)).data<float>().ToArray();
        Assert.All(result[..3], value => Assert.True(Math.Abs(value) < 1e-30, $"{value}"));
        Assert.Equal([88f, 200f, 1e30f, float.NaN], result[3..]);
    }

    [Fact]
    public void No_tensor_is_left_behind() =>
        KernelAssertions.LeavesNoTensors(x => SwiGlu.Apply(x[0], x[1]), Random(4, 64, 4), Random(4, 64, 5));

    public void Dispose() => scope.Dispose();

    private static Tensor Random(int rows, int columns, ulong seed) => randn(rows, columns, generator: new Generator(seed)) * 3;
}
