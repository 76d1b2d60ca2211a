using Beear.Kernels;
using Beear.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public class FusedAdamWTests
{
    public FusedAdamWTests() => TorchRuntime.Load();

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(576 * 129)]
    public void Several_steps_equal_the_optimiser_of_torch(int size)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(1);
        var start = randn(size, generator: generator);
        var (master, first, second) = (start.clone(), zeros(size), zeros(size));
        var parameter = new Parameter(start.clone());
        var optimiser = optim.AdamW([parameter], lr: 0.01, beta1: 0.8, beta2: 0.97, eps: 1e-6, weight_decay: 0.1);
        for (var step = 1; step <= 5; step++)
        {
            var gradient = randn(size, generator: generator);
            parameter.grad = gradient * 0.5;
            optimiser.step();
            FusedAdamW.Step(master, gradient, first, second, null, new AdamWStep(0.01, step, 0.8, 0.97, 1e-6, 0.1, GradientScale: 0.5));
        }
        AssertClose(parameter, master);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_fused_path_equals_the_plain_one_and_rounds_the_copy_to_even(ScalarType gradientType)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(2);
        long[] shape = [3, 5, 4099];
        var start = randn(shape, generator: generator);
        var (fused, fusedFirst, fusedSecond, copy) = (start.clone(), zeros(shape), zeros(shape), zeros(shape, dtype: ScalarType.BFloat16));
        var (plain, plainFirst, plainSecond, plainCopy) =
            (start.clone(), zeros(shape), zeros(shape), zeros(shape, dtype: ScalarType.BFloat16));
        for (var step = 1; step <= 4; step++)
        {
            var gradient = randn(shape, generator: generator).to_type(gradientType);
            var settings = new AdamWStep(0.003, step, GradientScale: 1.7);
            FusedAdamW.Step(fused, gradient, fusedFirst, fusedSecond, copy, settings);
            PlainAdamW.Step(plain, gradient, plainFirst, plainSecond, plainCopy, settings);
        }
        AssertClose(plain, fused);
        AssertClose(plainFirst, fusedFirst);
        AssertClose(plainSecond, fusedSecond);
        Assert.True(copy.equal(fused.to_type(ScalarType.BFloat16)).all().item<bool>());
    }

    [Fact]
    public void Views_keep_to_their_own_part_of_the_storage_and_strided_tensors_work_too()
    {
        using var scope = NewDisposeScope();
        var master = ones(4, 37);
        var row = master[2];                                                 // contiguous, with an offset
        FusedAdamW.Step(row, ones(37), zeros(37), zeros(37), null, new AdamWStep(0.1, 1, WeightDecay: 0));
        Assert.Equal(37 * (3 + 0.9), master.sum().item<float>(), 3);
        var column = master[.., 5];                                          // not contiguous: the plain path
        FusedAdamW.Step(column, ones(4), zeros(4), zeros(4), null, new AdamWStep(0.1, 1, WeightDecay: 0));
        Assert.Equal((37 * (3 + 0.9)) - 0.4, master.sum().item<float>(), 3);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_squared_norm_is_exact_and_the_same_for_any_number_of_threads(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var gradient = randn(100_003, generator: new Generator(3)).to_type(type);
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var alone = FusedAdamW.SquaredNorm(gradient);
            set_num_threads(2);
            Assert.Equal(alone, FusedAdamW.SquaredNorm(gradient));
            Assert.Equal(gradient.to_type(ScalarType.Float64).square().sum().item<double>(), alone, 1e-9 * alone);
            Assert.Equal(PlainAdamW.SquaredNorm(gradient), alone, 1e-6 * alone);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Unfitting_tensors_and_settings_are_refused()
    {
        using var scope = NewDisposeScope();
        var (weights, moment) = (zeros(8), zeros(8));
        Assert.Throws<ArgumentException>(() => FusedAdamW.Step(weights, zeros(7), moment, moment, null, new AdamWStep(0.1, 1)));
        Assert.Throws<ArgumentException>(() =>
            FusedAdamW.Step(weights, zeros(8, ScalarType.Float64), moment, moment, null, new AdamWStep(0.1, 1)));
        Assert.Throws<ArgumentException>(() => FusedAdamW.Step(weights, zeros(8), moment, moment, weights, new AdamWStep(0.1, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => FusedAdamW.Step(weights, zeros(8), moment, moment, null, new AdamWStep(0.1, 0)));
    }

    private static void AssertClose(Tensor expected, Tensor actual) =>
        Assert.True(expected.allclose(actual, rtol: 1e-6, atol: 1e-6),
            $"largest difference {(expected - actual).abs().max().item<float>():G3}");
}
