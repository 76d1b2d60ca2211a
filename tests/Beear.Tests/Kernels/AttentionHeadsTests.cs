using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class AttentionHeadsTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 64, 64, false)]
    [InlineData(ScalarType.Float32, 24, 24, true)]                             // not a whole number of vectors: the plain path
    [InlineData(ScalarType.Float32, 80, 32, true)]                             // a part of each head
    [InlineData(ScalarType.Float32, 24, 0, true)]                              // a layer that does not rotate
    [InlineData(ScalarType.BFloat16, 64, 64, true)]
    [InlineData(ScalarType.BFloat16, 32, 32, false)]
    public void Heads_and_gradients_equal_the_plain_ones(ScalarType type, int headSize, int rotatedSize, bool padded)
    {
        var shape = new HeadShape(2, 50, 4, 2, headSize, rotatedSize, padded ? Rows() : null);
        var (cosine, sine) = (Table(1, headSize, rotatedSize, 1).to_type(type), Table(2, headSize, rotatedSize, 0).to_type(type));
        var (wideCosine, wideSine) = (cosine.to_type(ScalarType.Float32), sine.to_type(ScalarType.Float32));
        KernelAssertions.SameResultAndGradients(x => Flat(AttentionHeads.Split(x[0], shape, cosine, sine)),
            x => Flat(AttentionHeads.PlainSplit(x[0], shape, wideCosine, wideSine)), type,
                Random(3, shape.RowCount, 8 * headSize).to_type(type));
    }

    [Theory]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.BFloat16, true)]
    [InlineData(ScalarType.BFloat16, false)]
    public void Joined_rows_and_gradients_equal_the_plain_ones(ScalarType type, bool padded)
    {
        var shape = new HeadShape(2, 50, 4, 2, 32, 32, padded ? Rows() : null);
        KernelAssertions.SameResultAndGradients(x => AttentionHeads.Join(x[0], shape), x => AttentionHeads.PlainJoin(x[0], shape), type,
            Random(3, 2, 4, 50, 32).to_type(type));
    }

    [Fact]
    public void The_gradient_is_the_slope()
    {
        var shape = new HeadShape(1, 2, 1, 1, 32, 32);
        var (cosine, sine) = (Random(1, 1, 1, 2, 32), Random(2, 1, 1, 2, 32));
        KernelAssertions.GradientIsTheSlope(x => Flat(AttentionHeads.Split(x[0], shape, cosine, sine)),
            x => Flat(AttentionHeads.PlainSplit(x[0], shape, cosine, sine)), Random(3, 2, 96));
    }

    [Fact]
    public void Rotations_keep_lengths_and_their_gradient_turns_back()
    {
        var angles = Random(4, 2, 1, 10, 32).repeat(1, 1, 1, 2);
        var rows = Random(5, 20, 3 * 64).requires_grad_();
        var (queries, keys, values) = AttentionHeads.Split(rows, new HeadShape(2, 10, 1, 1, 64, 64), angles.cos(), angles.sin());
        KernelAssertions.AssertClose(rows.narrow(1, 0, 64).norm(-1), queries.norm(-1).flatten(), ScalarType.Float32);
        var heads = Flat((queries.alias(), keys, values));
        heads.backward([heads.detach()]);
        KernelAssertions.AssertClose(rows, rows.grad!, ScalarType.Float32);
    }

    [Fact]
    public void What_attention_reads_lies_as_it_is_read_and_padding_is_zero()
    {
        var shape = new HeadShape(2, 50, 4, 2, 32, 32, Rows());
        var (cosine, sine) = (Table(1, 32, 32, 1), Table(2, 32, 32, 0));
        var (queries, keys, values) = AttentionHeads.Split(Random(3, shape.RowCount, 8 * 32), shape, cosine, sine);
        foreach (var heads in new[] { queries, keys, values })
        {
            Assert.True(heads.is_contiguous());
            var padding = ones(100, ScalarType.Bool).index_fill_(0, shape.Rows!, false).view(2, 1, 50, 1);
            Assert.Equal(0, heads.masked_select(padding).abs().max().item<float>());
            Assert.True(heads.abs().max().item<float>() > 0);
        }
    }

    [Theory]
    [InlineData(0L, 3L, 2L)]                                                   // do not ascend
    [InlineData(0L, 3L, 3L)]                                                   // twice the same
    [InlineData(-1L, 0L, 1L)]
    [InlineData(0L, 1L, 6L)]                                                   // beyond the rectangle
    public void Positions_that_cannot_be_are_refused(long first, long second, long third)
    {
        var shape = new HeadShape(2, 3, 1, 1, 32, 0, tensor([first, second, third]));
        var table = ones(2, 1, 3, 32);
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionHeads.Split(Random(3, 3, 96), shape, table, table));
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var shape = new HeadShape(2, 50, 2, 1, 32, 32, Rows());
        var (cosine, sine) = (Random(1, 2, 1, 50, 32), Random(2, 2, 1, 50, 32));
        KernelAssertions.LeavesNoTensors(x => Flat(AttentionHeads.Split(x[0], shape, cosine, sine)), Random(3, shape.RowCount, 4 * 32));
        KernelAssertions.LeavesNoTensors(x => AttentionHeads.Join(x[0], shape), Random(3, 2, 2, 50, 32));
    }

    public void Dispose() => scope.Dispose();

    /// <summary>Left padding in one conversation, right padding in the other.</summary>
    private static Tensor Rows() => cat([arange(7, 50), arange(50, 91)]);

    private static Tensor Flat((Tensor Queries, Tensor Keys, Tensor Values) heads)
    {
        using var parts = NewDisposeScope();
        var flat = cat([heads.Queries.flatten(), heads.Keys.flatten(), heads.Values.flatten()]).MoveToOuterDisposeScope();
        foreach (var part in new[] { heads.Queries, heads.Keys, heads.Values }) part.Dispose();
        return flat;
    }

    /// <summary>Beyond the rotated part a table holds 1 and 0.</summary>
    private static Tensor Table(ulong seed, long headSize, long rotatedSize, double rest)
    {
        var table = Random(seed, 2, 1, 50, headSize);
        table.narrow(3, rotatedSize, headSize - rotatedSize).fill_(rest);
        return table;
    }

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
