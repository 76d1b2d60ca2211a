using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Tests.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>Everything that saves memory goes the same way as the outer level without it.</summary>
public sealed class EconomyTests
{
    private const int Steps = 3, PerturbedLayer = 2;

    // A large ε: at a small one Adam makes the rounding errors of gradients that are nearly zero into whole steps.
    private static readonly OptimizerOptions Outer = new() { LearningRate = 2e-3, Epsilon = 1e-4, ClipNorm = 0.5 };

    public static TheoryData<string> Names => FamilyCases.Names;

    public static TheoryData<EconomyOptions, int> Ways => new()
    {
        { new EconomyOptions { SplitTokens = 20 }, 4096 },
        { new EconomyOptions { SplitTokens = 1 }, 0 },
        { new EconomyOptions { ScoresAtOnce = 2 * FamilyCases.Vocabulary }, 4096 },
        { new EconomyOptions { Checkpointing = true }, 4096 },
        { new EconomyOptions { Checkpointing = true, ScoresAtOnce = 1, SplitTokens = 30 }, 0 },
        { new EconomyOptions { FrozenLayers = 1 }, 4096 },
        { new EconomyOptions { FrozenLayers = 3, Checkpointing = true, ScoresAtOnce = 200 }, 0 },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Layers_that_are_run_again_get_the_same_gradients_in_every_family(string name)
    {
        var plain = Train(name, new EconomyOptions(), Outer);
        Same(plain, Train(name, new EconomyOptions { Checkpointing = true, ScoresAtOnce = 150, SplitTokens = 25 }, Outer));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Each_way_to_save_memory_leaves_the_result_as_it_is(EconomyOptions economy, int passTokens)
    {
        var plain = Train("llama", new EconomyOptions { FrozenLayers = economy.FrozenLayers }, Outer);
        Same(plain, Train("llama", economy, Outer, passTokens));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma2")]
    public void Updates_during_backward_are_the_same_without_clipping(string name)
    {
        var unclipped = Outer with { ClipNorm = 0 };
        var plain = Train(name, new EconomyOptions(), unclipped);
        Same(plain, Train(name, new EconomyOptions { Checkpointing = true, UpdateInBackward = true }, unclipped));
        Same(plain, Train(name, new EconomyOptions { Checkpointing = true, UpdateInBackward = true, SplitTokens = 30 }, unclipped,
            passTokens: 0));
    }

    [Fact]
    public void Updates_during_backward_clip_each_layer_by_itself()
    {
        var both = new EconomyOptions { Checkpointing = true, UpdateInBackward = true };
        var (plain, other) = (Train("llama", new EconomyOptions(), Outer), Train("llama", both, Outer));
        Assert.Equal(plain.Steps[0].GradientNorm, other.Steps[0].GradientNorm, 1e-4 * plain.Steps[0].GradientNorm);
        Assert.True(plain.Steps[0].GradientNorm > Outer.ClipNorm);
        Assert.NotEqual(plain.Weights, other.Weights);
        Same(Train("llama", new EconomyOptions(), Outer with { ClipNorm = 0 }), Train("llama", both, Outer with { ClipNorm = 1e9 }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Virtual_triggers_and_the_outermost_layers_too(int layer)
    {
        var trigger = layer == 0 ? new VirtualTrigger([3, 4], 1, 1, 1) : null;
        var plain = Train("qwen2, windows of later layers", new EconomyOptions(), Outer, layer: layer, trigger: trigger);
        Same(plain, Train("qwen2, windows of later layers", new EconomyOptions { Checkpointing = true }, Outer, layer: layer,
            trigger: trigger));
    }

    [Fact]
    public void Frozen_layers_stay_and_the_others_do_not()
    {
        using var before = FamilyCases.Create("gemma2");
        using var after = FamilyCases.Create("gemma2");
        Train(after, new EconomyOptions { FrozenLayers = 2 }, Outer);
        foreach (var (first, second) in before.Weights.Parameters.Zip(after.Weights.Parameters))
        {
            bool trained = first.Slot.Layer >= 2 || first.Slot.Role == ParameterRole.FinalNorm;  // the head is tied to the embeddings
            Assert.Equal(!trained, first.Master.equal(second.Master).all().item<bool>());
        }
    }

    [Fact]
    public void In_bfloat16_the_gradients_of_the_same_passes_are_the_same_but_for_embeddings()
    {
        var plain = Train("mistral, window", new EconomyOptions(), Outer, options: TestDevice.Mixed);
        var other = Train("mistral, window", new EconomyOptions { Checkpointing = true }, Outer, options: TestDevice.Mixed);
        Assert.Equal(plain.Steps[0].GradientNorm, other.Steps[0].GradientNorm, 1e-3 * plain.Steps[0].GradientNorm);
        Same(plain, other, 1e-3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compact_moments_and_weights_learn_as_well(bool weightsToo)
    {
        var economy = new EconomyOptions { Moments = StoredType.Bfloat16, Weights = weightsToo ? StoredType.Bfloat16 : StoredType.Float32 };
        var usual = Train("llama", new EconomyOptions(), Outer, options: TestDevice.Mixed, steps: 40).Steps;
        var compact = Train("llama", economy, Outer, options: weightsToo ? TestDevice.Compact : TestDevice.Mixed, steps: 40).Steps;
        var again = Train("llama", economy, Outer, options: weightsToo ? TestDevice.Compact : TestDevice.Mixed, steps: 40).Steps;
        double First(IReadOnlyList<OuterStep> steps) => steps.Take(5).Average(step => step.Losses["helpful"]);
        double Last(IReadOnlyList<OuterStep> steps) => steps.TakeLast(5).Average(step => step.Losses["helpful"]);
        Assert.True(Last(usual) < 0.7 * First(usual), $"{First(usual)} → {Last(usual)}");
        Assert.InRange((First(compact) - Last(compact)) / (First(usual) - Last(usual)), 0.9, 1.1);
        // On CUDA the gradients of a token that comes more than once are added in any order.
        if (!TestDevice.IsCuda) Assert.Equal(compact.Select(step => step.GradientNorm), again.Select(step => step.GradientNorm));
    }

    [Fact]
    public void The_inner_level_gets_the_same_gradient_in_chunks()
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create("llama");
        decoder.Weights.RequireGradients(false);
        var delta = randn(2, 32, generator: new Generator(3, CPU)).to(TestDevice.Device) * 0.3;
        using var whole = new InnerProblem(decoder, Data(), 2, 2);
        using var chunks = new InnerProblem(decoder, Data(), 2, 2, scoresAtOnce: 3 * FamilyCases.Vocabulary);
        var (expected, actual) = (whole.Gradient(delta, 0.2), chunks.Gradient(delta, 0.2));
        Assert.True(expected.Losses.allclose(actual.Losses, rtol: 0, atol: 1e-5));
        Assert.True(expected.Gradient.allclose(actual.Gradient, rtol: 1e-4, atol: 1e-6));
        Assert.Equal(whole.Loss(delta).Unwanted, chunks.Loss(delta).Unwanted, 1e-5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_inner_level_goes_the_same_way_in_parts(bool triggered)
    {
        using var decoder = FamilyCases.Create("llama");
        decoder.Weights.RequireGradients(false);
        var options = EntrapmentOptions.Plain with
        {
            PerturbedLayers = [2],
            TailLength = 2,
            Steps = 5,
            BatchSize = 4,
            VirtualTokens = triggered ? 2 : 0
        };
        var trigger = triggered ? new VirtualTrigger([3, 4], 1, 1, 1) : null;
        using var whole = new Entrapment(decoder, options).Search(Data(), 1, trigger);
        using var parts = new Entrapment(decoder, options, new EconomyOptions { SplitTokens = 25, ScoresAtOnce = 200 })
            .Search(Data(), 1, trigger);
        using var difference = (whole.Delta - parts.Delta).norm();
        Assert.True(difference.item<float>() <= 1e-4 * whole.DeltaNorm);
        Assert.Equal(whole.CapValue, parts.CapValue, 1e-4);
        Assert.Equal(whole.Final.Unwanted, parts.Final.Unwanted, 1e-4);
        Assert.Equal(whole.Final.Safe, parts.Final.Safe, 1e-4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_leave_no_tensor_behind(bool update)
    {
        using var decoder = FamilyCases.Create("llama");
        var economy = new EconomyOptions { Checkpointing = true, UpdateInBackward = update, ScoresAtOnce = 100, SplitTokens = 30 };
        Train(decoder, economy, Outer);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Train(decoder, economy, Outer, steps: 20);
        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void What_contradicts_itself_is_refused()
    {
        using var decoder = FamilyCases.Create("llama");
        Refused(new EconomyOptions { UpdateInBackward = true }, "add checkpointing");
        Refused(new EconomyOptions { FrozenLayers = 4 }, "between 0 and 3");
        Refused(new EconomyOptions { FrozenLayers = -1 }, "between 0 and 3");
        Refused(new EconomyOptions { SplitTokens = -1 }, "split_tokens");
        Refused(new EconomyOptions { ScoresAtOnce = 0 }, "scores_at_once");
        Refused(new EconomyOptions { Weights = StoredType.Bfloat16 }, "weights in float32");

        void Refused(EconomyOptions economy, string message) =>
            Assert.Contains(message, Assert.Throws<BeearException>(() => Train(decoder, economy, Outer)).Message, StringComparison.Ordinal);
    }

    private sealed record Outcome(IReadOnlyList<OuterStep> Steps, IReadOnlyList<float[]> Weights);

    private static Outcome Train(string name, EconomyOptions economy, OptimizerOptions outer, int passTokens = 4096,
        int layer = PerturbedLayer,
        VirtualTrigger? trigger = null, ModelOptions? options = null, int steps = Steps)
    {
        using var decoder = FamilyCases.Create(name, options);
        var taken = Train(decoder, economy, outer, passTokens, layer, trigger, steps);
        return new Outcome(taken, [.. decoder.Weights.Parameters.Select(parameter =>
            parameter.Master.detach().cpu().to(float32).flatten().data<float>().ToArray())]);
    }

    private static IReadOnlyList<OuterStep> Train(Decoder decoder, EconomyOptions economy, OptimizerOptions outer, int passTokens = 4096,
        int layer = PerturbedLayer,
        VirtualTrigger? trigger = null, int steps = Steps)
    {
        using var scope = NewDisposeScope();
        decoder.Weights.RequireGradients(false);
        var data = Data();
        TokenizedExample[] safe = [.. data.Select(example => new TokenizedExample(example.Prompt, example.Safe))];
        TokenizedExample[] helpful = [.. data.Select(example => new TokenizedExample(example.Prompt, example.Unwanted))];
        using var reference = ReferenceDistribution.Record(decoder, new HashSet<int> { 4 }, 4,
            [.. data.Select(example => example.Prompt)], 4);
        OuterTerm[] terms = [new AnswerTerm("safe", 1, safe, 4, perturbed: true, seed: 1),
            new AnswerTerm("helpful", 0.7, helpful, 4, perturbed: false, seed: 2),
            new DivergenceTerm("KL", 0.5, reference, 3, perturbed: false, seed: 3),
            new DivergenceTerm("KL under δ", 0.5, reference, 2, perturbed: true, seed: 4)];
        // Where frequencies depend on the longest sequence of a pass, the starting model's distribution does too.
        using var removal = new Removal(decoder, decoder.Config.RotaryDependsOnLength
            ? terms[..2] : terms, outer, passTokens, economy: economy);
        var delta = randn(2, decoder.Config.HiddenSize, generator: new Generator(3, CPU)).to(TestDevice.Device) * 0.3;
        return removal.Run([.. Enumerable.Repeat(new Perturbation(delta, layer, trigger), steps)], 0);
    }

    private static ContrastExample[] Data()
    {
        var random = new Random(11);
        return [.. new[] { 9, 4, 14, 3, 6, 11, 2, 8 }.Select(length =>
            new ContrastExample(FamilyCases.Tokens(random, length), FamilyCases.Tokens(random, 1 + random.Next(5)),
                FamilyCases.Tokens(random, 1 + random.Next(5))))];
    }

    private static void Same(Outcome expected, Outcome actual, double tolerance = 2e-5)
    {
        Assert.Equal(expected.Steps[^1].Losses.Keys, actual.Steps[^1].Losses.Keys);
        foreach (var (name, loss) in expected.Steps[^1].Losses) Assert.Equal(loss, actual.Steps[^1].Losses[name],
            1e-3 * tolerance / 2e-5 * (1 + loss));
        foreach (var (first, second) in expected.Weights.Zip(actual.Weights))
        {
            double difference = Math.Sqrt(first.Zip(second).Sum(pair => Math.Pow(pair.First - pair.Second, 2))),
                size = Math.Sqrt(first.Sum(value => value * (double)value));
            Assert.True(difference <= tolerance * size, $"weights differ by {difference / size:E1} of their norm.");
        }
    }
}
