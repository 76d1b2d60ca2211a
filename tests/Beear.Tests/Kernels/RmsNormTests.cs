using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class RmsNormTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 131)]
    [InlineData(ScalarType.BFloat16, 131)]
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int rows) =>
        KernelAssertions.SameResultAndGradients(
            x => RmsNorm.Apply(x[0], x[1], 1e-5, type), x => RmsNorm.Plain(x[0], x[1], 1e-5, ScalarType.Float32), type,
            Random(3, rows, 192), Random(192) + 1);

    [Fact]
    public void The_gradient_is_the_slope() =>
        KernelAssertions.GradientIsTheSlope(
            x => RmsNorm.Apply(x[0], ones(32), 1e-5, ScalarType.Float32), x =>
                RmsNorm.Plain(x[0], ones(32), 1e-5, ScalarType.Float64), Random(2, 32));

    [Fact]
    public void A_frozen_weight_gets_no_gradient_and_nothing_is_recorded_without_need()
    {
        var (hidden, weight) = (Random(4, 64).requires_grad_(), ones(64));
        RmsNorm.Apply(hidden, weight, 1e-5, ScalarType.Float32).sum().backward();
        Assert.NotNull(hidden.grad);
        Assert.Null(weight.grad);
        Assert.False(RmsNorm.Apply(hidden.detach(), weight, 1e-5, ScalarType.Float32).requires_grad);
        using var noGradient = no_grad();
        Assert.False(RmsNorm.Apply(hidden, weight, 1e-5, ScalarType.Float32).requires_grad);
    }

    [Fact]
    public void Other_widths_and_strided_rows_work_too()
    {
        KernelAssertions.SameResultAndGradients(
            x => RmsNorm.Apply(x[0], x[1], 1e-5, ScalarType.Float32), x =>
                RmsNorm.Plain(x[0], x[1], 1e-5, ScalarType.Float32), ScalarType.Float32,
            Random(5, 31), Random(31));
        KernelAssertions.SameResultAndGradients(
            x => RmsNorm.Apply(x[0].transpose(0, 1), x[1], 1e-5, ScalarType.Float32),
            x => RmsNorm.Plain(x[0].transpose(0, 1), x[1], 1e-5, ScalarType.Float32), ScalarType.Float32,
            Random(32, 7), Random(32));
    }

    [Fact]
    public void No_tensor_is_left_behind() =>
        KernelAssertions.LeavesNoTensors(x => RmsNorm.Apply(x[0], x[1], 1e-5, ScalarType.BFloat16), Random(8, 64), Random(64));

    public void Dispose() => scope.Dispose();

    private static Tensor Random(params long[] shape) => randn(shape, generator: new Generator((ulong)shape[0]));
}
