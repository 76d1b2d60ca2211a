using Beear.Kernels;
using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

/// <summary>Every CUDA kernel against the processor's, which the other tests hold against plain operations.</summary>
public sealed class CudaKernelsTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    public static TheoryData<ScalarType> Types => [ScalarType.Float32, ScalarType.BFloat16];

    [Theory]
    [MemberData(nameof(Types))]
    public void Root_mean_square_norm(ScalarType type) =>
        Same(x => [RmsNorm.Apply(x[0], x[1], 1e-5, type)], type, Random(1, 131, 192), Random(2, 192) + 1);

    [Theory]
    [MemberData(nameof(Types))]
    public void Gated_activation(ScalarType type) => Same(x => [SwiGlu.Apply(x[0])], type, (Random(3, 2, 19, 2 * 1636) * 3).to_type(type));

    [Theory]
    [InlineData(ScalarType.Float32, 64, 64, false)]
    [InlineData(ScalarType.Float32, 80, 32, true)]
    [InlineData(ScalarType.BFloat16, 64, 64, true)]
    [InlineData(ScalarType.BFloat16, 24, 0, true)]
    public void Heads_of_rows_and_rows_of_heads(ScalarType type, int headSize, int rotatedSize, bool padded)
    {
        var positions = padded ? cat([arange(7, 50), arange(50, 91)]) : null;
        Tensor cosine = Random(5, 2, 1, 50, headSize).to_type(type), sine = Random(6, 2, 1, 50, headSize).to_type(type);
        HeadShape Shape(Device device) => new(2, 50, 4, 2, headSize, rotatedSize, positions?.to(device));
        Same(x =>
        {
            var (queries, keys, values) = AttentionHeads.Split(x[0], Shape(x[0].device), cosine.to(x[0].device), sine.to(x[0].device));
            return [queries, keys, values];
        }, type, Random(7, Shape(CPU).RowCount, 8 * headSize).to_type(type));
        Same(x => [AttentionHeads.Join(x[0], Shape(x[0].device))], type, Random(8, 2, 4, 50, headSize).to_type(type));
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, ScalarType.Float32)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, ScalarType.BFloat16)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float32)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16)]
    public void Steps_of_AdamW(ScalarType weights, ScalarType moments, ScalarType gradients)
    {
        RequireCuda();
        long[] shape = [7, 4099];
        var start = Random(9, shape).to_type(weights);
        bool hasCopy = weights == ScalarType.Float32;
        Tensor[] here = [start.clone(), zeros(shape, moments), zeros(shape, moments), .. hasCopy
            ? [zeros(shape, ScalarType.BFloat16)] : Array.Empty<Tensor>()];
        Tensor[] there = [.. here.Select(tensor => tensor.cuda())];
        for (int step = 1; step <= 4; step++)
        {
            var gradient = Random((ulong)(10 + step), shape).to_type(gradients);
            foreach (var (state, given) in new[] { (here, gradient), (there, gradient.cuda()) })
            {
                var settings = new AdamWStep(0.003, step, GradientScale: 1.7);
                var copy = hasCopy ? state[3] : null;
                if (hasCopy && moments == ScalarType.Float32) FusedAdamW.Step(state[0], given, state[1], state[2], copy, settings);
                else CompactAdamW.Step(state[0], given, state[1], state[2], copy, settings, StochasticRounding.Key(step, 5));
            }
            Assert.Equal(FusedAdamW.SquaredNorm([gradient, gradient]), FusedAdamW.SquaredNorm([gradient.cuda(), gradient.cuda()]),
                1e-6 * gradient.numel());
        }
        foreach (var (expected, found) in here.Zip(there))
        {
            // The last digit of a float32 may differ, and of these few decide a rounding.
            long other = found.cpu().isclose(expected, rtol: 1e-5, atol: 1e-7).logical_not().sum().item<long>();
            Assert.InRange(other, 0, expected.numel() / 200);
            KernelAssertions.AssertClose(expected, found.cpu(), ScalarType.BFloat16);
        }
    }

    [Fact]
    public void The_kernels_are_in_use()
    {
        RequireCuda();
        using var tensor = zeros(8, device: CUDA);
        Assert.True(CudaKernels.Fit(8, tensor), CudaKernels.Problem);
        Assert.Null(CudaKernels.Problem);
        Assert.True(CudaKernels.DeviceMemory!.Value.Free > 0);
    }

    public void Dispose() => scope.Dispose();

    /// <summary>Results and gradients are the processor's.</summary>
    private static void Same(Func<Tensor[], Tensor[]> operation, ScalarType type, params Tensor[] inputs)
    {
        RequireCuda();
        (Tensor[] Results, Tensor[] Gradients) On(Device device)
        {
            Tensor[] leaves = [.. inputs.Select(input => input.to(device).detach().clone().requires_grad_())];
            var results = operation(leaves);
            autograd.backward(results, [.. results.Select((result, i) =>
                Random((ulong)(20 + i), result.shape).to_type(result.dtype).to(device))]);
            return (results, [.. leaves.Select(leaf => leaf.grad!)]);
        }
        var (expected, found) = (On(CPU), On(CUDA));
        foreach (var (here, there) in expected.Results.Concat(expected.Gradients).Zip(found.Results.Concat(found.Gradients)))
            KernelAssertions.AssertClose(here, there.cpu(), type);
    }

    private static void RequireCuda() =>
        Assert.SkipUnless(cuda.is_available(), "there is no CUDA device, or libtorch is not built for one");

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
