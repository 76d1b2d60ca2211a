using Beear.Training.Preferences;

namespace Beear.Tests.Training.Preferences;

public class PpoWatchTests
{
    [Fact]
    public void A_run_that_goes_well_is_not_warned_of()
    {
        var watch = new PpoWatch();

        for (int i = 0; i < 30; i++) Assert.Null(watch.Add(Step(klPerToken: 0.4, entropy: 2 - (i * 0.04))));

        Assert.Empty(watch.Warnings);
    }

    [Fact]
    public void A_policy_that_runs_away_is_named_once_with_the_cause()
    {
        var watch = new PpoWatch();
        var told = Enumerable.Range(0, 20).Select(i => watch.Add(Step(klPerToken: i < 6 ? 0 : 1, entropy: 2))).ToList();

        Assert.Null(told[9]);                                            // four of the last eight at 1: the mean is .5
        Assert.Contains("kl_coefficient", told[10], StringComparison.Ordinal);
        Assert.Equal(1, told.Count(sentence => sentence is not null));
        Assert.Single(watch.Warnings);
    }

    [Fact]
    public void A_policy_that_says_one_thing_is_named_once_with_the_cause()
    {
        var watch = new PpoWatch();
        var told = Enumerable.Range(0, 30).Select(i => watch.Add(Step(klPerToken: 0.1, entropy: i < 8 ? 2 : 0.1))).ToList();

        string sentence = Assert.Single(told.OfType<string>());
        Assert.Contains("entropy has collapsed from 2.00 to 0.34 nats", sentence, StringComparison.Ordinal);
    }

    private static PpoStep Step(double klPerToken, double entropy) => new()
    {
        Stage = "ppo",
        Step = 1,
        Reward = 0,
        Kl = klPerToken * 10,
        Entropy = entropy,
        RatioClipped = 0,
        ValueClipped = 0,
        ExplainedVariance = 0,
        AnswerTokens = 10,
        Ended = 1,
        PolicyLoss = 0,
        ValueLoss = 0,
        SupervisedLoss = 0,
        PolicyGradientNorm = 1,
        CriticGradientNorm = 1,
        PolicyLearningRate = 1e-5,
        CriticLearningRate = 1e-5,
        GenerationSeconds = 1,
        LearningSeconds = 1,
    };
}
