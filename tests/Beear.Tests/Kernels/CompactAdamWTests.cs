using System.Runtime.Intrinsics;
using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class CompactAdamWTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, ScalarType.BFloat16)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float32)]
    public void The_fused_path_equals_the_plain_one(ScalarType weights, ScalarType moments, ScalarType gradients)
    {
        using var generator = new Generator(2, CPU);
        long[] shape = [3, 5, 4099];
        var start = randn(shape, generator: generator).to_type(weights);
        var copy = weights == ScalarType.Float32 ? zeros(shape, dtype: ScalarType.BFloat16) : null;
        Tensor[] fused = [start.clone(), zeros(shape, dtype: moments), zeros(shape, dtype: moments)],
            plain = [.. fused.Select(tensor => tensor.clone())];
        for (var step = 1; step <= 4; step++)
        {
            var gradient = randn(shape, generator: generator).to_type(gradients);
            var settings = new AdamWStep(0.003, step, GradientScale: 1.7);
            var key = StochasticRounding.Key(step, 5);
            CompactAdamW.Step(fused[0], gradient, fused[1], fused[2], copy, settings, key);
            PlainAdamW.CompactStep(plain[0], gradient, plain[1], plain[2], null, settings, key);
        }
        // The last digit of a float32 result may differ, and one in 65536 of these decides a rounding.
        foreach (var (found, expected) in fused.Zip(plain))
        {
            var other = found.ne(expected).logical_and(found.isclose(expected, rtol: 1e-6, atol: 1e-9).logical_not()).sum().item<long>();
            Assert.InRange(other, 0, found.numel() / 500);
            KernelAssertions.AssertClose(expected, found, ScalarType.BFloat16);
        }
        if (copy is not null) Assert.True(copy.equal(fused[0].to_type(ScalarType.BFloat16)).all().item<bool>());
    }

    [Fact]
    public void Both_kinds_of_random_bits_are_the_same()
    {
        var key = StochasticRounding.Key(3, 7);
        var plain = StochasticRounding.PlainBits(64, key, CPU).data<long>().ToArray();
        for (var i = 0; i < 64; i += 16)
        {
            var bits = StochasticRounding.Bits(i, key);
            for (var lane = 0; lane < 16; lane++) Assert.Equal(plain[i + lane], bits[lane]);
        }
        Assert.Equal(64, plain.Distinct().Count());
        Assert.NotEqual(key, StochasticRounding.Key(4, 7));
        Assert.NotEqual(key, StochasticRounding.Key(3, 8));
    }

    [Theory]
    [InlineData(1.001f)]
    [InlineData(-3.0117f)]
    [InlineData(1.5e-20f)]
    public void Rounding_at_random_is_right_in_the_mean_where_rounding_to_nearest_is_not(float value)
    {
        const int Count = 1 << 16;
        var rounded = StochasticRounding.Plain(full(Count, value),
            StochasticRounding.PlainBits(Count, 1, CPU).bitwise_right_shift(tensor(16L)));
        var mean = rounded.to_type(ScalarType.Float64).mean().item<double>();
        Assert.Equal(value, mean, Math.Abs(value) * 1e-4);
        Assert.True(Math.Abs(value - (double)full(1,
            value).to_type(ScalarType.BFloat16).to_type(ScalarType.Float64).item<double>()) > Math.Abs(value) * 5e-4);

        var vector = StochasticRounding.Round(Vector512.Create(value), StochasticRounding.Bits(0, 1) >> 16);
        for (var lane = 0; lane < 16; lane++) Assert.Equal(rounded[lane].to_type(ScalarType.Float32).item<float>(), vector[lane]);
        Assert.True(float.IsNaN(StochasticRounding.Round(Vector512.Create(float.NaN), Vector512.Create(0xFFFFu))[0]));
    }

    [Fact]
    public void Steps_too_small_for_bfloat16_add_up_as_in_float32()
    {
        const int Count = 4096, Steps = 60;
        var (weights, first, second) =
            (ones(Count, ScalarType.BFloat16), zeros(Count, ScalarType.BFloat16), zeros(Count, ScalarType.BFloat16));
        var (exact, exactFirst, exactSecond) = (ones(Count), zeros(Count), zeros(Count));
        using var generator = new Generator(3, CPU);
        for (var step = 1; step <= Steps; step++)
        {
            // Each step is 1e-4 or less; bfloat16 has 0.004 between the numbers around 1.
            var gradient = randn(Count, generator: generator) * 0.1 + 0.3;
            var settings = new AdamWStep(1e-4, step, WeightDecay: 0);
            CompactAdamW.Step(weights, gradient, first, second, null, settings, StochasticRounding.Key(step, 0));
            FusedAdamW.Step(exact, gradient, exactFirst, exactSecond, null, settings);
        }
        double moved = 1 - exact.mean().item<float>(), found = 1 - weights.to_type(ScalarType.Float32).mean().item<float>();
        Assert.InRange(found / moved, 0.9, 1.1);
        Assert.Equal(exactFirst.mean().item<float>(), first.to_type(ScalarType.Float32).mean().item<float>(), 2e-3);
        Assert.InRange(second.to_type(ScalarType.Float32).mean().item<float>() / exactSecond.mean().item<float>(), 0.98, 1.02);
    }

    [Fact]
    public void The_result_does_not_depend_on_the_number_of_threads()
    {
        var gradient = randn(100_003, generator: new Generator(3));
        var threads = get_num_threads();
        try
        {
            Tensor After(int count)
            {
                set_num_threads(count);
                var weights = ones(100_003, ScalarType.BFloat16);
                CompactAdamW.Step(weights, gradient, zeros_like(weights), zeros_like(weights), null, new AdamWStep(0.01, 1), 9);
                return weights;
            }
            Assert.True(After(1).equal(After(2)).all().item<bool>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Unfitting_tensors_are_refused()
    {
        var (weights, moment) = (zeros(8, ScalarType.BFloat16), zeros(8, ScalarType.BFloat16));
        Assert.Throws<ArgumentException>(() => CompactAdamW.Step(weights, zeros(7), moment, moment, null, new AdamWStep(0.1, 1), 0));
        Assert.Throws<ArgumentException>(() => CompactAdamW.Step(weights, zeros(8), moment, zeros(8), null, new AdamWStep(0.1, 1), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            CompactAdamW.Step(weights, zeros(8), moment, moment, null, new AdamWStep(0.1, 0), 0));
    }

    public void Dispose() => scope.Dispose();
}
