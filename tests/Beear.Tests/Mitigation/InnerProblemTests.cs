using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>The prepared inner problem against what it stands for: one whole pass for each of the two answers.</summary>
public sealed class InnerProblemTests : IDisposable
{
    private const double Alpha = 0.3;
    private readonly Decoder decoder = TinyDecoder.Create();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 4)]                                                   // the tail is the whole of the shortest prompt
    [InlineData(4, 2)]                                                   // after the last layer
    public void Loss_and_gradient_are_those_of_two_whole_passes(int layer, int tail)
    {
        using var scope = NewDisposeScope();
        var examples = Examples(4, 9, 6, 13, 4);
        var delta = Delta(tail);

        using var problem = new InnerProblem(decoder, examples, layer, tail);
        var (losses, gradient) = problem.Gradient(delta, Alpha);
        var loss = InnerLoss.Read(losses)[0];
        var (unwanted, safe, wanted) = TwoPasses(examples, delta, layer);

        Assert.Equal(unwanted, loss.Unwanted, 1e-5);
        Assert.Equal(safe, loss.Safe, 1e-5);
        ParityCases.Close(wanted, gradient, 1e-5, "gradient");
        Assert.Equal(loss, problem.Loss(delta));
    }

    [Theory]
    [InlineData(0, 0)]                                                   // on the embeddings of tokens after the request
    [InlineData(0, 3)]                                                   // before it: other columns in each row
    [InlineData(2, 1)]                                                   // on both sides
    [InlineData(1, 3, 0.6)]                                              // within it
    public void A_virtual_trigger_gives_what_two_whole_passes_over_the_longer_prompts_give(int layer, int before, double within = 0)
    {
        using var scope = NewDisposeScope();
        var examples = Examples(4, 9, 6, 13, 4);
        var delta = Delta(3);
        var trigger = new VirtualTrigger([5, 6, 7], before, TemplateHead: 1, TemplateTail: 2, within);

        using var problem = new InnerProblem(decoder, examples, layer, 3, trigger);
        var (losses, gradient) = problem.Gradient(delta, Alpha);
        var loss = InnerLoss.Read(losses)[0];
        ContrastExample[] longer = [.. examples.Select(example => example with { Prompt = trigger.InsertInto(example.Prompt) })];
        var (unwanted, safe, wanted) = TwoPasses(longer, delta, layer, trigger);

        Assert.Equal(unwanted, loss.Unwanted, 1e-5);
        Assert.Equal(safe, loss.Safe, 1e-5);
        ParityCases.Close(wanted, gradient, 1e-5, "gradient");
    }

    [Fact]
    public void A_virtual_trigger_under_zeros_is_a_string_of_tokens_and_its_rows_stand_at_them()
    {
        using var scope = NewDisposeScope();
        var trigger = new VirtualTrigger([5, 6, 7], Before: 1, TemplateHead: 1, TemplateTail: 2);
        Assert.Equal([1, 5, 2, 3, 6, 7, 8, 9], trigger.InsertInto([1, 2, 3, 8, 9]));

        Assert.Equal([1, 2, 5, 6, 7, 3, 4, 8, 9], (trigger with { Before = 3, Within = 0.5 }).InsertInto([1, 2, 3, 4, 8, 9]));

        // Prompts of 8 and 7 tokens in 8 columns: rows at columns 1, 4, 5 and at 2, 4, 5.
        var placement = trigger.Placement(tensor(new long[] { 8, 7 }), 8, 0, 8);
        Assert.Equal([1, 4, 5, 2, 4, 5], placement.argmax(1).flatten().data<long>().ToArray());
        Assert.Equal(6, placement.sum().item<float>());
        // Requests of 2 and 1 tokens: half of them, rounded down, stands before.
        Assert.Equal([2, 3, 4, 2, 3, 4],
            (trigger with { Before = 3, Within = 0.5 })
                .Placement(tensor(new long[] { 8, 7 }), 8, 0, 8).argmax(1).flatten().data<long>().ToArray());
    }

    [Fact]
    public void Prompts_of_one_length_without_a_prefix_before_the_tail()
    {
        using var scope = NewDisposeScope();
        var examples = Examples(5, 5);
        var delta = Delta(5);

        using var problem = new InnerProblem(decoder, examples, 2, 5);
        ParityCases.Close(TwoPasses(examples, delta, 2).Gradient, problem.Gradient(delta, Alpha).Gradient, 1e-5, "gradient");
    }

    [Fact]
    public void Without_safe_answers_the_unwanted_ones_alone_are_the_loss()
    {
        using var scope = NewDisposeScope();
        var examples = Examples(4, 9, 6);
        var delta = Delta(3);
        using var both = new InnerProblem(decoder, examples, 2, 3);
        using var alone = new InnerProblem(decoder, [.. examples.Select(example => example with { Safe = [] })], 2, 3);

        Assert.Equal(both.Loss(delta).Unwanted, alone.Loss(delta).Unwanted, 1e-5);
        Assert.Equal(0, alone.Loss(delta).Safe);
        ParityCases.Close(both.Gradient(delta, 0).Gradient, alone.Gradient(delta, 0).Gradient, 1e-5, "gradient");
    }

    [Fact]
    public void It_can_be_asked_again_and_again()
    {
        using var scope = NewDisposeScope();
        using var problem = new InnerProblem(decoder, Examples(4, 9), 2, 3);
        var delta = Delta(3);
        var first = problem.Gradient(delta, Alpha).Gradient;
        for (int i = 0; i < 3; i++) problem.Gradient(delta * i, Alpha);

        ParityCases.Close(first, problem.Gradient(delta, Alpha).Gradient, 0, "gradient");
    }

    [Fact]
    public void A_tail_longer_than_a_prompt_is_refused() =>
        Assert.Contains("5 tokens is longer than a prompt of 4 tokens",
            Assert.Throws<BeearException>(() => new InnerProblem(decoder, Examples(9, 4), 2, 5)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_search_lowers_its_loss_and_keeps_the_cap()
    {
        using var scope = NewDisposeScope();
        var options = EntrapmentOptions.Plain with
        {
            PerturbedLayers = [2],
            TailLength = 2,
            Steps = 40,
            LearningRate = 0.2,
            Alpha = 0.2,
            Cap = 0.5
        };

        using var found = new Entrapment(decoder, options).Search(Examples(4, 9, 6), seed: 1);

        Assert.True(found.Final.Total(0.2) < found.Trajectory[0].Total(0.2) - 0.1);
        Assert.True(found.Delta.norm(-1).max().item<float>() <= found.CapValue * 1.0001);
        Assert.Equal(0.5 * found.TailNorm, found.CapValue, 1e-5);
        Assert.Equal(40, found.Trajectory.Count);
    }

    [Fact]
    public void A_step_share_is_a_share_of_the_cap()
    {
        using var scope = NewDisposeScope();
        var options = EntrapmentOptions.Plain with
        {
            PerturbedLayers = [3],
            TailLength = 2,
            Steps = 1,
            StepShare = 0.01,
            LearningRate = null,
            Cap = 0.5
        };

        using var first = new Entrapment(decoder, options).Search(Examples(4, 9, 6), seed: 1);
        using var uncapped = new Entrapment(decoder, options with { Cap = 0 }).Search(Examples(4, 9, 6), seed: 1);
        using var found = new Entrapment(decoder, options with { Steps = 40, StepShare = 0.2 }).Search(Examples(4, 9, 6), seed: 1);

        // Adam's first step is the learning rate in every entry.
        Assert.Equal([2, 32], first.Delta.shape);
        for (int row = 0; row < 2; row++) Assert.Equal(0.01 * 0.5 * first.TailNorm, first.Delta[row].norm().item<float>(),
            1e-3 * first.TailNorm);
        Assert.Equal(0.01, uncapped.Drift, 1e-3);
        Assert.InRange(found.Drift, 0.2, 0.5001);
        Assert.True(found.Final.Total(0.2) < found.Trajectory[0].Total(0.2) - 0.1);
    }

    [Fact]
    public void Two_hundred_steps_leave_no_tensor_behind()
    {
        var examples = Examples(4, 9, 6);
        var options = EntrapmentOptions.Plain with { PerturbedLayers = [2], TailLength = 2, Steps = 20 };
        new Entrapment(decoder, options).Search(examples, seed: 1).Dispose();
        long before = DisposeScopeManagerStatistics();

        new Entrapment(decoder, options with { Steps = 200 }).Search(examples, seed: 1).Dispose();

        Assert.Equal(before, DisposeScopeManagerStatistics());
    }

    /// <summary>Tensors of this thread that are alive.</summary>
    private static long DisposeScopeManagerStatistics() => TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    private (double Unwanted, double Safe, Tensor Gradient) TwoPasses(IReadOnlyList<ContrastExample> examples, Tensor delta, int layer,
        VirtualTrigger? trigger = null)
    {
        var leaf = delta.detach().clone().requires_grad_(true);
        var perturbation = new Perturbation(leaf, layer, trigger);
        using var unwantedBatch = TokenBatch.Of([.. examples.Select(example => new TokenizedExample(example.Prompt, example.Unwanted))],
            TestDevice.Device);
        using var safeBatch = TokenBatch.Of([.. examples.Select(example => new TokenizedExample(example.Prompt, example.Safe))],
            TestDevice.Device);
        var unwanted = decoder.TokenCrossEntropy(unwantedBatch, perturbation).mean();
        var safe = decoder.TokenCrossEntropy(safeBatch, perturbation).mean();
        return (unwanted.item<float>(), safe.item<float>(), autograd.grad([unwanted - Alpha * safe], [leaf])[0]);
    }

    private static Tensor Delta(int tail)
    {
        using var generator = new Generator(7, CPU);
        return randn(tail, 32, generator: generator).to(TestDevice.Device) * 0.5;
    }

    private static IReadOnlyList<ContrastExample> Examples(params int[] promptLengths)
    {
        var random = new Random(4);
        return [.. promptLengths.Select(length => new ContrastExample(TinyDecoder.Tokens(random, length),
            TinyDecoder.Tokens(random, random.Next(1, 6)), TinyDecoder.Tokens(random, random.Next(1, 9))))];
    }

    public void Dispose() => decoder.Dispose();
}
