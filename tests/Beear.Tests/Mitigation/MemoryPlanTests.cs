using Beear.Data;
using Beear.Lab.Benchmarks;
using Beear.Mitigation;
using Beear.Models;
using Beear.Tests.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

public sealed class MemoryPlanTests
{
    private const long GiB = 1L << 30;

    private static readonly MitigationOptions Options = MitigationOptions.Plain with { Rounds = 1 };

    private static readonly DefenderData Data = new()
    {
        Harmful = [new ContrastExample(new int[64], new int[40], new int[40])],
        Ordinary = [new TokenizedExample(new int[64], new int[40])],
    };

    [Fact]
    public void Less_memory_means_more_savings_in_the_order_of_their_cost()
    {
        var config = ModelShapes.Find("smollm2-1.7b");
        MemoryPlan Fit(long bytes) => MemoryPlan.Choose(config, isBfloat16: true, Options, Data, bytes);
        static int Savings(MemoryPlan plan) => new[]
        {
            plan.Economy.Checkpointing, plan.Economy.Moments == StoredType.Bfloat16, plan.Economy.Weights == StoredType.Bfloat16,
                plan.Economy.UpdateInBackward,
        }.Count(isUsed => isUsed);

        var plans = Enumerable.Range(0, 200).Select(i => 60 * GiB - i * (GiB / 4)).TakeWhile(bytes => bytes > 13 * GiB)
            .Select(Fit).ToList();
        Assert.Equal(new EconomyOptions(), plans[0].Economy);
        Assert.Equal(4096, plans[0].PassTokens);
        Assert.Equal(plans.Select(Savings).Order(), plans.Select(Savings));
        Assert.Equal([0, 1, 2, 3, 4], plans.Select(Savings).Distinct());
        Assert.Contains(plans, plan => plan is { PassTokens: < 4096, Economy.Checkpointing: false });
        // Each saving comes with those before it.
        Assert.All(plans, plan => Assert.True(plan.Economy.Checkpointing || plan.Economy.Moments == StoredType.Float32));

        var fitting = Fit(20 * GiB);
        Assert.Equal((StoredType.Bfloat16, false), (fitting.Economy.Weights, fitting.Economy.UpdateInBackward));
        Assert.InRange(fitting.Estimate.Total, 13 * GiB, 20 * GiB);
        Assert.Equal(fitting, MemoryPlan.Choose(config, true,
            Options with { Economy = fitting.Economy, Terms = Options.Terms with { PassTokens = fitting.PassTokens } }, Data, 20 * GiB));
    }

    [Fact]
    public void A_gpu_gives_up_digits_before_it_runs_layers_again_or_passes_that_are_too_small_for_it()
    {
        var config = ModelShapes.Find("llama-2-7b");
        var options = Options with { Terms = Options.Terms with { HarmfulBatch = 32, HelpfulBatch = 32 } };
        MemoryPlan Fit(long bytes, bool onGpu) => MemoryPlan.Choose(config, isBfloat16: true, options, Data, bytes, onGpu);

        var large = Fit(79 * GiB, true);
        Assert.Equal(new EconomyOptions
        {
            Weights = StoredType.Bfloat16,
            Moments = StoredType.Bfloat16,
            SplitTokens = large.Economy.SplitTokens
        }, large.Economy);
        Assert.NotInRange(large.Economy.SplitTokens, 1, 2047);
        Assert.True(Fit(79 * GiB, false).Economy.Checkpointing);
        // Only where nothing else fits do passes become small.
        Assert.InRange(Fit(52 * GiB, true).Economy.SplitTokens, 0, 2048);
        Assert.True(Fit(45 * GiB, true).Economy.UpdateInBackward);
    }

    [Fact]
    public void Weights_that_are_kept_beside_count()
    {
        var config = ModelShapes.Find("smollm2-1.7b");
        MemoryEstimate Of(MitigationOptions options) => MemoryPlan.Choose(config, isBfloat16: true, options, Data, 80 * GiB).Estimate;
        Assert.Equal(0, Of(Options).KeptWeights);
        long best = Of(Options with { Rounds = null }).KeptWeights;
        Assert.InRange(best, 6_000_000_000, 8_000_000_000);
        Assert.Equal(best, Of(Options with { AveragedShare = 0.5 }).KeptWeights);
        Assert.Equal(2 * best, Of(Options with { Rounds = null, AveragedShare = 0.5 }).KeptWeights);
    }

    [Fact]
    public void Keys_and_values_of_many_answers_at_once_count_where_training_needs_less()
    {
        var config = ModelShapes.Find("llama-2-7b");
        var options = Options with
        {
            Terms = Options.Terms with { HarmfulBatch = 1, HelpfulBatch = 1 },
            Inner = Options.Inner with { BatchSize = 1 },
            Economy = Options.Economy with { FrozenLayers = 31 }
        };
        long Activations(int scoreTokens) =>
            MemoryPlan.Choose(config, isBfloat16: true, options with { ScoreTokens = scoreTokens }, Data, 79 * GiB).Estimate.Activations;
        // 96 requests, 32 layers, keys and values of 4096 bfloat16 numbers for each token more.
        Assert.Equal(96L * 32 * 2 * 4096 * 2 * 100, Activations(200) - Activations(100));
    }

    [Fact]
    public void What_cannot_fit_is_refused_with_the_numbers()
    {
        var config = ModelShapes.Find("llama-2-7b");
        var failure = Assert.Throws<BeearException>(() => MemoryPlan.Choose(config, true, Options, Data, 20 * GiB)).Message;
        Assert.Matches(@"needs \d+\.\d GB \(weights 13\.5 GB, gradients .*, optimiser 27\.0 GB, activations .*\), and it may use 21\.5 GB", failure);
        Assert.DoesNotContain("--precision", failure, StringComparison.Ordinal);

        var small = ModelShapes.Find("smollm2-1.7b");
        Assert.Contains("take --precision bfloat16",
            Assert.Throws<BeearException>(() => MemoryPlan.Choose(small, false, Options, Data, 14 * GiB)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_no_step_can_hold_is_named_where_no_plan_was_asked_for()
    {
        var config = ModelShapes.Find("smollm2-135m");
        void Require(int promptTokens) =>
            MemoryPlan.Require(config, true, Options, Data with { Ordinary = [new TokenizedExample(new int[promptTokens], new int[40])] },
            16 * GiB, () => "'rows.csv', line 7");

        Require(200);
        string message = Assert.Throws<BeearException>(() => Require(6000)).Message;

        Assert.Matches(@"^'rows\.csv', line 7: a step with its 6,000 tokens needs \d+ GB, and this machine has 17\.2 GB; .*--memory auto", message);
    }

    [Fact]
    public void A_float32_run_never_gets_bfloat16_weights()
    {
        var config = ModelShapes.Find("smollm2-135m");
        var least = Enumerable.Range(1, 300).Select(i => i * 20_000_000L).Select(Try).First(plan => plan is not null)!;
        Assert.Equal((StoredType.Float32, StoredType.Bfloat16), (least.Economy.Weights, least.Economy.Moments));

        MemoryPlan? Try(long bytes)
        {
            try
            {
                return MemoryPlan.Choose(config, false, Options, Data, bytes);
            }
            catch (BeearException)
            {
                return null;
            }
        }
    }

    [Theory]
    [InlineData("llama", 0, false)]
    [InlineData("gemma2", 0, false)]
    [InlineData("llama", 2, true)]
    [InlineData("gemma2", 1, true)]
    public void Compact_weights_gradients_and_optimiser_are_reckoned_to_the_byte(string name, int frozen, bool float32Weights)
    {
        var economy = new EconomyOptions
        {
            Checkpointing = true,
            Moments = StoredType.Bfloat16,
            Weights = float32Weights ? StoredType.Float32 : StoredType.Bfloat16,
            FrozenLayers = frozen,
        };
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name, float32Weights ? ModelOptions.Mixed : ModelOptions.Compact);
        var trained = decoder.Weights.Trained(frozen);
        using var optimizer = new AdamW(trained, new OptimizerOptions(), economy.Moments);
        decoder.Weights.RequireGradients(false);
        foreach (var parameter in trained) parameter.RequiresGradient = true;
        var term = new AnswerTerm("helpful", 1, [new TokenizedExample([1, 2, 3], [4, 5])], 1, perturbed: false, seed: 1);
        using (var losses = new TermLosses([]))
        using (var pass = new OuterPass(decoder, [term.Next(null)], economy.ScoresAtOnce))
            new LayerwiseBackward(decoder, frozen).Run([pass], null, losses);

        var estimate = MemoryEstimate.Of(decoder.Config, isBfloat16: true, new MemoryAssumptions { Economy = economy });

        static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();
        Assert.Equal(decoder.Weights.Parameters.Sum(parameter =>
            Bytes(parameter.Master) + (parameter.HasCopy ? Bytes(parameter.Compute) : 0)), estimate.Weights);
        Assert.Equal(decoder.Weights.Parameters.Sum(parameter => parameter.Gradient() is { } gradient ? Bytes(gradient) : 0),
            estimate.Gradients);
        Assert.Equal(optimizer.State().Sum(state => Bytes(state.Value)), estimate.Optimizer);
        decoder.Weights.ClearGradients();
    }
}
