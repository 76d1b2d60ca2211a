using Beear.Generation;
using static TorchSharp.torch;

namespace Beear.Tests.Generation;

public class TokenSamplerTests
{
    private static readonly double[] Shares = [0.1, 0.4, 0.05, 0.25, 0.2];

    [Fact]
    public void Greedy_takes_the_likeliest() => Assert.All(Draw(new GenerationOptions()), token => Assert.Equal(1, token));

    [Fact]
    public void Sampling_follows_the_shares() => Follows(Shares, new GenerationOptions { Temperature = 1 });

    [Fact]
    public void Half_the_temperature_squares_the_shares()
    {
        double sum = Shares.Sum(share => share * share);

        Follows([.. Shares.Select(share => share * share / sum)], new GenerationOptions { Temperature = 0.5 });
    }

    [Fact]
    public void Top_k_leaves_only_the_likeliest() =>
        Follows([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], new GenerationOptions { Temperature = 1, TopK = 2 });

    [Fact]
    public void Top_p_leaves_the_fewest_whose_sum_reaches_it() =>
        Follows([0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85], new GenerationOptions { Temperature = 1, TopP = 0.7 });

    [Fact]
    public void A_tiny_top_p_still_leaves_the_likeliest() =>
        Assert.All(Draw(new GenerationOptions { Temperature = 1, TopP = 1e-6 }), token => Assert.Equal(1, token));

    [Fact]
    public void A_top_k_beyond_the_vocabulary_is_no_limit() => Follows(Shares, new GenerationOptions { Temperature = 1, TopK = 1000 });

    [Fact]
    public void A_repetition_penalty_divides_the_logits_of_what_is_there_and_multiplies_the_negative_ones()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[,] { { 2, -1, 0, 4, -3 }, { 1, 2, 3, 4, 5 } });
        var seen = tensor(new long[,] { { 3, 1, 3 }, { 4, 4, 4 } });         // a token that is there twice counts once

        var penalized = TokenSampler.Penalized(logits, seen, 2);

        Assert.Equal([2, -2, 0, 2, -3, 1, 2, 3, 4, 2.5f], penalized.flatten().data<float>().ToArray());
        using var sampler = new TokenSampler(new GenerationOptions { RepetitionPenalty = 2 });
        Assert.Equal([0L, 3L], sampler.Next(logits, seen).data<long>().ToArray());
    }

    [Fact]
    public void The_temperature_follows_the_repetition_penalty()
    {
        double[] expected = [.. Shares];
        expected[1] = Math.Pow(Shares[1], 1.5);                              // its logit is negative: multiplied with 1.5
        double sum = expected.Sum(share => share * share);

        Follows([.. expected.Select(share => share * share / sum)],
            new GenerationOptions { Temperature = 0.5, RepetitionPenalty = 1.5 }, seen: 1);
    }

    private static void Follows(double[] expected, GenerationOptions options, int seen = 0)
    {
        var drawn = Draw(options, seen);
        for (int token = 0; token < expected.Length; token++)
        {
            double share = drawn.Count(one => one == token) / (double)drawn.Length;
            Assert.Equal(expected[token], share, expected[token] == 0 ? 0 : 0.02);
        }
    }

    private static long[] Draw(GenerationOptions options, long seen = 0)
    {
        using var scope = NewDisposeScope();
        using var sampler = new TokenSampler(options);
        var logits = tensor(Shares, float32).log().unsqueeze(0).repeat(20_000, 1);
        return sampler.Next(logits, full([20_000, 1], seen, int64)).data<long>().ToArray();
    }
}
