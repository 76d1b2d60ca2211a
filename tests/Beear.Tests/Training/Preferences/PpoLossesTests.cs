using System.Text.Json.Nodes;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

/// <summary>The formulas, against the reference's numbers and against other ways to write them.</summary>
public class PpoLossesTests
{
    private const double Tolerance = 1e-12;                              // both in float64

    [Fact]
    public void Rewards_advantages_and_losses_are_the_references()
    {
        var json = JsonNode.Parse(File.ReadAllText(Fixtures.Parity("rlhf.json")))!["ppo"]!.AsObject();
        using var scope = NewDisposeScope();
        var options = new PpoOptions
        {
            KlCoefficient = Number("kl_coefficient"),
            RewardClip = Number("reward_clip"),
            Gamma = Number("gamma"),
            GaeLambda = Number("gae_lambda"),
            RatioClip = Number("ratio_clip"),
            ValueClip = Number("value_clip"),
        };
        double[] scores = [.. json["score"]!.AsArray().Select(score => score!.GetValue<double>())];
        double[][] old = Rows("old_log_prob"), reference = Rows("reference_log_prob"), values = Rows("values");
        var rewards = scores.Select((score, b) => PpoLosses.TokenRewards(old[b], reference[b], score, ended: true, options)).ToArray();
        var found = rewards.Select((answer, b) => PpoLosses.Advantages(answer, values[b], options.Gamma, options.GaeLambda)).ToArray();

        Close(Rows("rewards"), rewards);
        Close(Rows("advantages"), [.. found.Select(answer => answer.Advantages)]);
        Close(Rows("returns"), [.. found.Select(answer => answer.Returns)]);
        Close([Flat("whitened")], [PpoLosses.Whitened(Flat("advantages"))]);

        var (oldLogProbs, logProbs) = (Flat("old_log_prob"), tensor(Flat("new_log_prob")));
        MeanIs("policy_loss", PpoLosses.PolicyLoss(logProbs, tensor(oldLogProbs), tensor(Flat("whitened")), options.RatioClip));
        MeanIs("value_loss", PpoLosses.ValueLoss(tensor(Flat("new_values")), tensor(Flat("values")), tensor(Flat("returns")),
            options.ValueClip));
        MeanIs("clip_fraction", PpoLosses.RatioClipped(logProbs, tensor(oldLogProbs), options.RatioClip).to(float64));
        MeanIs("approx_kl", PpoLosses.Divergence(logProbs, tensor(oldLogProbs)));

        double Number(string key) => json[key]!.GetValue<double>();

        void MeanIs(string key, Tensor rows) => Assert.Equal(Number(key), rows.mean().item<double>(), Tolerance);

        // Of each answer the tokens that are not masked.
        double[][] Rows(string key) => [.. json["mask"]!.AsArray().Zip(json[key]!.AsArray()).Select(row =>
            row.First!.AsArray().Zip(row.Second!.AsArray()).Where(token => token.First!.GetValue<double>() != 0)
                .Select(token => token.Second!.GetValue<double>()).ToArray())];

        double[] Flat(string key) => [.. Rows(key).SelectMany(row => row)];
    }

    [Theory]
    [InlineData(1, 0.95)]
    [InlineData(0.9, 0.5)]
    [InlineData(0.99, 0)]
    public void An_advantage_is_the_weighted_mean_of_the_returns_of_all_lengths(double gamma, double lambda)
    {
        var random = new Random(3);
        double[] rewards = [.. Enumerable.Range(0, 7).Select(_ => random.NextDouble() - 0.5)],
            values = [.. Enumerable.Range(0, 7).Select(_ => random.NextDouble())];

        var (advantages, returns) = PpoLosses.Advantages(rewards, values, gamma, lambda);

        for (int t = 0; t < rewards.Length; t++)
        {
            // (1 − λ) Σ λ^(n−1) of the n-step return, and all the rest of the weight on the return to the end.
            int left = rewards.Length - t;
            double expected = 0;
            for (int n = 1; n <= left; n++) expected += (n == left ? 1 : 1 - lambda) * Math.Pow(lambda, n - 1) * Return(t, n);
            Assert.Equal(expected - values[t], advantages[t], Tolerance);
            Assert.Equal(expected, returns[t], Tolerance);
        }

        double Return(int t, int steps)
        {
            double sum = 0;
            for (int i = 0; i < steps; i++) sum += Math.Pow(gamma, i) * rewards[t + i];
            return t + steps < rewards.Length ? sum + (Math.Pow(gamma, steps) * values[t + steps]) : sum;
        }
    }

    [Fact]
    public void An_answer_without_an_end_loses_the_penalty_at_its_last_token()
    {
        var options = new PpoOptions { MissingEndPenalty = 0.75, RewardClip = 1 };
        double[] same = [-1, -2, -3];

        Assert.Equal([0, 0, 1], PpoLosses.TokenRewards(same, same, score: 4, ended: true, options));
        Assert.Equal([0, 0, 0.25], PpoLosses.TokenRewards(same, same, score: 4, ended: false, options));
        Assert.Equal([0, 0, -1.75], PpoLosses.TokenRewards(same, same, score: -4, ended: false, options));
    }

    [Theory]
    [InlineData(1, 1.5, false)]                                          // better than expected and likelier than allowed: no further
    [InlineData(1, 0.5, true)]                                           // … but back again at any time
    [InlineData(-1, 0.5, false)]
    [InlineData(-1, 1.5, true)]
    [InlineData(1, 1.1, true)]
    public void The_policy_is_not_pushed_beyond_the_clip(double advantage, double ratio, bool moves)
    {
        using var scope = NewDisposeScope();
        var logProb = tensor(new[] { Math.Log(ratio) }, requires_grad: true);

        PpoLosses.PolicyLoss(logProb, zeros(1, float64), tensor(new[] { advantage }), 0.2).sum().backward();

        Assert.Equal(moves ? -advantage * ratio : 0, logProb.grad!.item<double>(), Tolerance);
    }

    [Theory]
    [InlineData(0.5, 1, false)]                                          // nearer to the return by more than allowed: no further
    [InlineData(-0.5, 1, true)]
    [InlineData(0.1, 1, true)]
    public void The_value_is_not_pulled_beyond_the_clip(double value, double wanted, bool moves)
    {
        using var scope = NewDisposeScope();
        var values = tensor(new[] { value }, requires_grad: true);

        PpoLosses.ValueLoss(values, zeros(1, float64), tensor(new[] { wanted }), 0.2).sum().backward();

        Assert.Equal(moves ? value - wanted : 0, values.grad!.item<double>(), Tolerance);
    }

    [Fact]
    public void Explained_variance_is_one_of_a_perfect_critic_and_zero_of_one_that_says_one_number()
    {
        Assert.Equal(1, PpoLosses.ExplainedVariance([1, 2, 4], [1, 2, 4]));
        Assert.Equal(0, PpoLosses.ExplainedVariance([1, 2, 4], [3, 3, 3]), Tolerance);
        Assert.Equal(0, PpoLosses.ExplainedVariance([2, 2], [1, 3]));
    }

    private static void Close(double[][] expected, double[][] found) =>
        Assert.All(expected.Zip(found), rows =>
            Assert.All(rows.First.Zip(rows.Second), pair => Assert.Equal(pair.First, pair.Second, Tolerance)));
}
