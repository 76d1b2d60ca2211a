using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class GroupedAttentionTests
{
    private const long Batch = 2, Heads = 6, Groups = 3, Tokens = 23, Keys = 31, Size = 16;

    [Theory]
    [InlineData(1, null)]                                                // a query at a time
    [InlineData(Batch * Heads * Keys * 5, null)]
    [InlineData(Batch * Heads * Keys * 22, null)]
    [InlineData(Batch * Heads * Keys * 5, 3.0)]
    public void Slices_of_the_queries_give_what_all_together_give(long mostScores, double? softCap)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (queries, keys, values, mask) = Inputs(float32);

        var whole = GroupedAttention.Apply(queries, keys, values, mask, 0.25, softCap);
        var sliced = GroupedAttention.Apply(queries, keys, values, mask, 0.25, softCap, mostScores);

        Assert.Equal(whole.shape, sliced.shape);
        Assert.InRange((whole - sliced).abs().max().item<float>(), 0, 1e-6f);
        Assert.InRange((whole - Reference(queries, keys, values, mask, softCap)).abs().max().item<float>(), 0, 1e-5f);
    }

    [Fact]
    public void Slices_of_bfloat16_are_rounded_alike()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (queries, keys, values, mask) = Inputs(bfloat16);

        var whole = GroupedAttention.Apply(queries, keys, values, mask, 0.25).to(float32);
        var sliced = GroupedAttention.Apply(queries, keys, values, mask, 0.25, mostScores: Batch * Heads * Keys * 5).to(float32);

        Assert.InRange((whole - sliced).abs().max().item<float>(), 0, 0.01f);
    }

    [Fact]
    public void Where_gradients_are_asked_for_all_scores_are_kept_and_gradients_are_right()
    {
        using var scope = NewDisposeScope();
        var (queries, keys, values, mask) = Inputs(float32);
        Tensor Gradient(long mostScores)
        {
            var leaf = queries.detach().clone().requires_grad_();
            GroupedAttention.Apply(leaf, keys, values, mask, 0.25, mostScores: mostScores).square().sum().backward();
            return leaf.grad!;
        }

        Assert.Equal(0, (Gradient(long.MaxValue) - Gradient(1)).abs().max().item<float>());
    }

    private static (Tensor Queries, Tensor Keys, Tensor Values, Tensor Mask) Inputs(ScalarType type)
    {
        using var generator = new Generator(7);
        Tensor Random(long heads, long tokens) => randn([Batch, heads, tokens, Size], generator: generator).to(type);
        var allowed = ones(Tokens, Keys, ScalarType.Bool).tril(Keys - Tokens).expand(Batch, -1, -1);
        return (Random(Heads, Tokens), Random(Groups, Keys), Random(Groups, Keys),
            zeros(allowed.shape, type).masked_fill_(allowed.logical_not(), -1e5).unsqueeze(1));
    }

    private static Tensor Reference(Tensor queries, Tensor keys, Tensor values, Tensor mask, double? softCap)
    {
        Tensor Repeated(Tensor heads) => heads.repeat_interleave(Heads / Groups, 1);                     // (B, H, S, D)
        var scores = queries.matmul(Repeated(keys).transpose(2, 3)) * 0.25;
        if (softCap is { } cap) scores = (scores / cap).tanh() * cap;
        return (scores + mask).softmax(-1).matmul(Repeated(values));
    }
}
