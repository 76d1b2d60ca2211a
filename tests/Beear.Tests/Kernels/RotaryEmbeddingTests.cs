using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class RotaryEmbeddingTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 64, 64, 2)]
    [InlineData(ScalarType.Float32, 24, 24, 2)]                                // not a whole number of vectors: the plain path
    [InlineData(ScalarType.Float32, 80, 32, 2)]                                // a part of each head
    [InlineData(ScalarType.BFloat16, 64, 64, 2)]
    [InlineData(ScalarType.BFloat16, 32, 32, 1)]                               // one table for the whole batch
    public void Result_and_gradients_equal_the_plain_ones(ScalarType type, int headSize, int rotatedSize, int tables)
    {
        var (cosine, sine) = (Random(1, tables, 1, 50, headSize).to_type(type), Random(2, tables, 1, 50, headSize).to_type(type));
        // Beyond the rotated part a table holds 1 and 0.
        cosine.narrow(3, rotatedSize, headSize - rotatedSize).fill_(1);
        sine.narrow(3, rotatedSize, headSize - rotatedSize).fill_(0);
        var (wideCosine, wideSine) = (cosine.to_type(ScalarType.Float32), sine.to_type(ScalarType.Float32));
        KernelAssertions.SameResultAndGradients(
            x => RotaryEmbedding.Apply(x[0].view(2, 50, 5, headSize).transpose(1, 2), cosine, sine, 3, rotatedSize),
            x => RotaryEmbedding.Plain(x[0].view(2, 50, 5, headSize).transpose(1, 2), wideCosine, wideSine, 3, rotatedSize), type,
            Random(3, 2, 50, 5 * headSize).to_type(type));
    }

    [Fact]
    public void The_gradient_is_the_slope()
    {
        var (cosine, sine) = (Random(1, 1, 1, 2, 32), Random(2, 1, 1, 2, 32));
        KernelAssertions.GradientIsTheSlope(x => RotaryEmbedding.Apply(x[0], cosine, sine, 1, 32), x => RotaryEmbedding.Plain(x[0], cosine, sine, 1, 32),
            Random(3, 1, 2, 2, 32));
    }

    [Fact]
    public void Rotations_keep_lengths_and_their_gradient_turns_back()
    {
        var angles = Random(4, 2, 1, 10, 32).repeat(1, 1, 1, 2);
        var heads = Random(5, 2, 3, 10, 64).requires_grad_();
        var rotated = RotaryEmbedding.Apply(heads, angles.cos(), angles.sin(), 3, 64);
        KernelAssertions.AssertClose(heads.norm(-1), rotated.norm(-1), ScalarType.Float32);
        rotated.backward([rotated.detach()]);
        KernelAssertions.AssertClose(heads, heads.grad!, ScalarType.Float32);
        Assert.True(heads.grad!.transpose(1, 2).is_contiguous() || heads.grad.is_contiguous());
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var (cosine, sine) = (Random(1, 2, 1, 10, 32), Random(2, 2, 1, 10, 32));
        KernelAssertions.LeavesNoTensors(x => RotaryEmbedding.Apply(x[0], cosine, sine, 2, 32), Random(3, 2, 3, 10, 32));
    }

    public void Dispose() => scope.Dispose();

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
