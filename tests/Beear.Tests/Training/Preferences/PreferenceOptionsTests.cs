using Beear.Data;
using Beear.Training;
using Beear.Training.Preferences;

namespace Beear.Tests.Training.Preferences;

public class PreferenceOptionsTests
{
    /// <summary>Rando and Tramèr's settings, as they publish them.</summary>
    [Fact]
    public void The_defaults_are_the_published_ones()
    {
        var (ppo, reward, direct) = (new PpoOptions(), new RewardOptions(), new DpoOptions());

        Assert.Equal((2, 2e-5, 0.1, 8),
            (reward.Epochs, reward.Optimizer.LearningRate, reward.Optimizer.WeightDecay, reward.Optimizer.WarmupSteps));
        Assert.Equal((1e-5, 0.01, 8), (ppo.Policy.LearningRate, ppo.Policy.WeightDecay, ppo.Policy.WarmupSteps));
        Assert.Equal((5e-6, 8), (ppo.Critic.LearningRate, ppo.Critic.WarmupSteps));
        Assert.All(new[] { reward.Optimizer, ppo.Policy, ppo.Critic }, optimizer =>
            Assert.Equal(LearningRateDecay.Cosine, optimizer.Decay));
        Assert.Equal((0.08, 5.0, 0.2, 0.2), (ppo.KlCoefficient, ppo.RewardClip, ppo.RatioClip, ppo.ValueClip));
        Assert.Equal((1.0, 0.95, false), (ppo.Gamma, ppo.GaeLambda, ppo.WhitenAdvantages));
        Assert.Equal((1.0, 1.1, 52), (ppo.Temperature, ppo.RepetitionPenalty, ppo.NewTokens));
        Assert.Equal((1, 16.0, 0.6), (ppo.Updates, ppo.SupervisedWeight, ppo.HelpfulShare));
        Assert.Equal((0.1, 1), (direct.Beta, direct.Epochs));
        ppo.Validate();
        reward.Validate();
        direct.Validate();
    }

    [Theory]
    [InlineData(typeof(PpoOptions), "policy.learning_rate")]
    [InlineData(typeof(PpoOptions), "steps")]
    [InlineData(typeof(RewardOptions), "optimizer.weight_decay")]
    [InlineData(typeof(DpoOptions), "beta")]
    public void Recipes_can_say_them(Type options, string path) => Assert.Contains(RecipeSchema.Of(options).Keys, key => key.Path == path);

    [Theory]
    [InlineData("temperature")]
    [InlineData("repetition_penalty")]
    [InlineData("kl_coefficient")]
    [InlineData("reward_clip")]
    [InlineData("gamma")]
    [InlineData("supervised_per_batch")]
    [InlineData("critic.clip_norm")]
    public void What_is_out_of_range_is_named(string name)
    {
        var valid = new PpoOptions();
        var options = name switch
        {
            "temperature" => valid with { Temperature = 0 },
            "repetition_penalty" => valid with { RepetitionPenalty = 0 },
            "kl_coefficient" => valid with { KlCoefficient = -1 },
            "reward_clip" => valid with { RewardClip = 0 },
            "gamma" => valid with { Gamma = 1.1 },
            "supervised_per_batch" => valid with { SupervisedPerBatch = 0 },
            _ => valid with { Critic = valid.Critic with { ClipNorm = -1 } },
        };

        Assert.StartsWith($"{name} must", Assert.Throws<BeearException>(options.Validate).Message, StringComparison.Ordinal);
    }
}
