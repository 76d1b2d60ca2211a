using Beear.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

/// <summary>Compares a kernel with its plain reference: the result, and the gradient of every input.</summary>
internal static class KernelAssertions
{
    public delegate Tensor Operation(params Tensor[] inputs);

    /// <summary>Loads libtorch and opens the scope that owns a test's tensors.</summary>
    public static DisposeScope Begin()
    {
        TorchRuntime.Load();
        return NewDisposeScope();
    }

    /// <summary>Both operations get copies of the inputs, each a leaf that needs a gradient, and the same incoming gradient.</summary>
    /// <param name="fused">The kernel.</param>
    /// <param name="plain">Its reference, computed in float32.</param>
    /// <param name="type">The type that the kernel computes with; bounds the tolerance.</param>
    /// <param name="inputs">float32 or <paramref name="type"/>.</param>
    public static void SameResultAndGradients(Operation fused, Operation plain, ScalarType type, params Tensor[] inputs)
    {
        var (first, second) = (Leaves(inputs), Leaves([.. inputs.Select(input => input.to_type(ScalarType.Float32))]));
        var (actual, expected) = (fused(first), plain(second));
        AssertClose(expected, actual, type);
        var gradient = randn(actual.shape, generator: new Generator(9)).to_type(actual.dtype);
        actual.backward([gradient]);
        expected.backward([gradient.to_type(expected.dtype)]);
        for (var i = 0; i < inputs.Length; i++) AssertClose(second[i].grad!, first[i].grad!, type);
    }

    /// <summary>The gradient by central differences in float64 of the plain reference equals the kernel's.</summary>
    public static void GradientIsTheSlope(Operation fused, Operation plain, Tensor input)
    {
        using var leaf = input.clone().requires_grad_();
        using var result = fused(leaf);
        var weights = randn(result.shape, generator: new Generator(10));
        result.backward([weights]);
        var wide = input.to_type(ScalarType.Float64);
        const double Step = 1e-5;
        var flat = leaf.grad!.flatten();
        for (var i = 0L; i < Math.Min(flat.numel(), 40); i++)
        {
            using var scope = NewDisposeScope();
            var offset = zeros(flat.numel(), ScalarType.Float64);
            offset[i] = Step;
            double At(Tensor point) => (plain(point).to_type(ScalarType.Float64) * weights).sum().item<double>();
            var slope = (At(wide + offset.view(wide.shape)) - At(wide - offset.view(wide.shape))) / (2 * Step);
            Assert.Equal(slope, flat[i].item<float>(), 1e-4 * (1 + Math.Abs(slope)));
        }
    }

    /// <summary>Within one scope, repeated forward and backward passes leave no tensor but those of the last backward.</summary>
    public static void LeavesNoTensors(Operation fused, params Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var leaves = Leaves(inputs);
        long AliveAfterStep()
        {
            using (var result = fused(leaves))
            using (var sum = result.sum())
                sum.backward();
            foreach (var leaf in leaves)
            {
                using var gradient = leaf.grad;
                leaf.grad = null;
            }
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }

        AliveAfterStep();
        var before = AliveAfterStep();
        for (var repetition = 0; repetition < 5; repetition++) Assert.Equal(before, AliveAfterStep());
    }

    public static void AssertClose(Tensor expected, Tensor actual, ScalarType type)
    {
        var tolerance = type == ScalarType.BFloat16 ? 1.0 / 128 : 2e-5;
        var (wide, other) = (expected.to_type(ScalarType.Float64), actual.to_type(ScalarType.Float64));
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(other.allclose(wide, rtol: tolerance, atol: tolerance),
            $"largest difference {(wide - other).abs().max().item<double>():G3}");
    }

    private static Tensor[] Leaves(Tensor[] inputs) => [.. inputs.Select(input => input.detach().clone().requires_grad_())];
}
