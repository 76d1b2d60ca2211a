using Beear.Models;
using Beear.Training;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

public class PpoUpdateTests
{
    private static readonly PpoOptions Options = TinyRlhf.Options with { Updates = 2, SupervisedWeight = 0.5 };

    /// <summary>Of the largest gradient of a parameter: sums in another order.</summary>
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void However_a_batch_is_divided_its_gradients_are_the_same(bool whitens)
    {
        using var scope = NewDisposeScope();
        var whole = Run(Options with { AnswersPerPass = 100, WhitenAdvantages = whitens });
        var divided = Run(Options with { AnswersPerPass = 2, WhitenAdvantages = whitens });

        foreach (var ((name, expected), (_, found)) in whole.Gradients.Zip(divided.Gradients)) ParityCases.Close(expected, found,
            Tolerance, name);
        foreach (var (expected, found) in whole.Batch.Updates.Zip(divided.Batch.Updates))
        {
            Assert.Equal(expected.PolicyLoss, found.PolicyLoss, 1e-5);
            Assert.Equal(expected.ValueLoss, found.ValueLoss, 1e-4);
            Assert.Equal(expected.SupervisedLoss, found.SupervisedLoss, 1e-4);
            Assert.Equal(expected.Entropy, found.Entropy, 1e-5);
        }
        // in the answers' order
        Assert.All(whole.Batch.Answers.Zip(divided.Batch.Answers), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-4));
    }

    [Fact]
    public void Whitened_advantages_have_mean_zero_and_change_the_policys_gradient_alone()
    {
        using var scope = NewDisposeScope();
        var plain = Run(Options);
        var whitened = Run(Options with { WhitenAdvantages = true });

        Assert.NotEqual(plain.Batch.Updates[0].PolicyGradientNorm, whitened.Batch.Updates[0].PolicyGradientNorm, 1e-3);
        Assert.Equal(plain.Batch.Updates[0].CriticGradientNorm, whitened.Batch.Updates[0].CriticGradientNorm, 1e-4);
        Assert.Equal(0, whitened.Batch.Updates[0].PolicyLoss, 1e-5);         // ratios are 1: the mean of −A
    }

    [Fact]
    public void The_first_update_has_the_gradient_of_the_plain_formula()
    {
        using var scope = NewDisposeScope();
        using var world = new TinyRlhf();
        using var models = world.Models();
        var options = Options with { Updates = 1, SupervisedWeight = 0 };
        var found = Run(options);
        var rollouts = world.Rollouts();
        double tokens = rollouts.Sum(rollout => rollout.Example.Answer.Length);
        world.Model.Decoder.Weights.RequireGradients(true);

        // Without clipping at work, it is that of −A · log π, one answer at a time.
        foreach (var (rollout, answer) in rollouts.Zip(found.Batch.Answers))
        {
            using var batch = Beear.Data.TokenBatch.Of([rollout.Example]);
            var logProbs = -world.Model.Decoder.TokenCrossEntropy(batch);                                // (R)
            (-(logProbs * tensor(answer.Advantages, float32)).sum() / tokens).backward();
        }

        foreach (var parameter in world.Model.Decoder.Weights.Parameters)
            ParityCases.Close(parameter.Gradient()!, found.Gradients.Single(gradient => gradient.Name == $"policy {parameter.Name}").Value,
                Tolerance, parameter.Name);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Layers_that_are_run_once_change_nothing(int frozen)
    {
        using var scope = NewDisposeScope();
        var options = Options with { FrozenLayers = frozen };
        var apart = Run(options, sharedLayers: 0);
        var together = Run(options, sharedLayers: frozen);

        Assert.Equal(apart.Policy, together.Policy);
        Assert.Equal(apart.Critic, together.Critic);
        Assert.Equal(apart.Batch.Updates, together.Batch.Updates);
    }

    [Fact]
    public void Only_models_with_equal_lower_layers_share_them()
    {
        using var world = new TinyRlhf();
        using var guard = no_grad();
        var policy = world.Model.Decoder;
        using (var all = world.Models(frozenLayers: 1))
        {
            Assert.All(new[] { all.Reference, all.Reward.Decoder, all.Critic.Decoder }, decoder =>
                Assert.Same(policy, all.Shared.FirstLike(decoder)));
        }
        using (var none = world.Models(frozenLayers: 0)) Assert.Same(none.Reference, none.Shared.FirstLike(none.Reference));
        world.Reward.Decoder.Weights[0, ParameterRole.Down].Master[0, 0] += 0.01;
        using var some = world.Models(frozenLayers: 1);

        Assert.Same(policy, some.Shared.FirstLike(some.Reference));
        Assert.Same(some.Reward.Decoder, some.Shared.FirstLike(some.Reward.Decoder));
        Assert.Same(some.Reward.Decoder, some.Shared.FirstLike(some.Critic.Decoder));
    }

    [Fact]
    public void An_update_leaves_no_tensors_and_no_gradients()
    {
        using var world = new TinyRlhf();
        using var models = world.Models(frozenLayers: 1);
        var options = Options with { FrozenLayers = 1, WhitenAdvantages = true };
        using var policyOptimizer = new AdamW(models.Policy.Weights.Trained(1), options.Policy);
        using var criticOptimizer = new AdamW(models.Critic.Decoder.Weights.Trained(1), options.Critic);
        var update = new PpoUpdate(models, options, policyOptimizer, criticOptimizer);
        var data = world.Data();
        update.Run(world.Rollouts(), data.Supervised, 8);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 3; i++) update.Run(world.Rollouts(), data.Supervised, 8);

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.All(models.Policy.Weights.Parameters.Concat(models.Critic.Decoder.Weights.Parameters), parameter =>
            Assert.Null(parameter.Gradient()));
    }

    private sealed record Outcome(PpoBatch Batch, IReadOnlyList<(string Name, Tensor Value)> Gradients, float[] Policy, float[] Critic);

    /// <summary>All updates on the tiny world's answers; the gradients are the first one's.</summary>
    private static Outcome Run(PpoOptions options, int? sharedLayers = null)
    {
        using var world = new TinyRlhf();
        int shared = sharedLayers ?? options.FrozenLayers;
        using var models = PpoModels.Of(world.Model.Decoder, world.Model.Decoder.Copy(), world.Reward, world.Reward.Copy(), shared);
        using var policyOptimizer = new AdamW(models.Policy.Weights.Trained(options.FrozenLayers), options.Policy);
        using var criticOptimizer = new AdamW(models.Critic.Decoder.Weights.Trained(options.FrozenLayers), options.Critic);
        var gradients = new List<(string, Tensor)>();
        var update = new PpoUpdate(models, options, policyOptimizer, criticOptimizer)
        {
            OnGradients = number =>
            {
                if (number > 0) return;
                foreach (var (model, decoder) in new[] { ("policy", models.Policy), ("critic", models.Critic.Decoder) })
                    gradients.AddRange(decoder.Weights.Trained(options.FrozenLayers)
                        .Select(parameter => ($"{model} {parameter.Name}", parameter.Gradient()!.clone())));
            },
        };
        var batch = update.Run(world.Rollouts(), world.Data().Supervised, totalUpdates: 4);
        return new Outcome(batch, gradients, TinyDecoder.Weights(models.Policy), TinyDecoder.Weights(models.Critic.Decoder));
    }
}
