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

    private static void Follows(double[] expected, GenerationOptions options)
    {
        var drawn = Draw(options);
        for (int token = 0; token < expected.Length; token++)
        {
            double share = drawn.Count(one => one == token) / (double)drawn.Length;
            Assert.Equal(expected[token], share, expected[token] == 0 ? 0 : 0.02);
        }
    }

    private static long[] Draw(GenerationOptions options)
    {
        using var scope = NewDisposeScope();
        using var sampler = new TokenSampler(options, CPU);
        var logits = tensor(Shares, float32).log().unsqueeze(0).repeat(20_000, 1);
        return sampler.Next(logits).data<long>().ToArray();
    }
}
