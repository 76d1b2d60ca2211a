using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// The mathematics of proximal policy optimisation (Schulman et al., arXiv 1707.06347) over answer tokens. What goes back through a model
/// is a pure function over selected rows, N answer tokens; what does not is computed in float64 for one answer at a time, R tokens.
/// </summary>
internal static class PpoLosses
{
    private const double VarianceEpsilon = 1e-8;

    /// <summary>
    /// The reward of each token of an answer: −c·(log π − log π_ref), and at the last token the score, clipped, less a penalty where the
    /// answer has no end.
    /// </summary>
    /// <param name="logProbs">R: log-probabilities under the policy that wrote the answer.</param>
    /// <param name="reference">R: the same under the reference.</param>
    /// <param name="score">What the reward model says of the whole answer.</param>
    /// <param name="ended">Whether the answer's last token ends it.</param>
    /// <param name="options">c, the bound of scores, the penalty.</param>
    /// <returns>R.</returns>
    public static double[] TokenRewards(ReadOnlySpan<double> logProbs, ReadOnlySpan<double> reference, double score, bool ended,
        PpoOptions options)
    {
        var rewards = new double[logProbs.Length];
        for (int t = 0; t < rewards.Length; t++) rewards[t] = -options.KlCoefficient * (logProbs[t] - reference[t]);
        rewards[^1] += Math.Clamp(score, -options.RewardClip, options.RewardClip) - (ended ? 0 : options.MissingEndPenalty);
        return rewards;
    }

    /// <summary>
    /// Generalised advantage estimation (Schulman et al., arXiv 1506.02438) over one answer; the value after its last token is 0.
    /// </summary>
    /// <param name="rewards">R.</param>
    /// <param name="values">R: what the critic expects before each token.</param>
    /// <param name="gamma">γ.</param>
    /// <param name="lambda">λ.</param>
    /// <returns>R advantages, and R returns: advantage + value.</returns>
    public static (double[] Advantages, double[] Returns) Advantages(ReadOnlySpan<double> rewards, ReadOnlySpan<double> values,
        double gamma, double lambda)
    {
        var (advantages, returns) = (new double[rewards.Length], new double[rewards.Length]);
        double next = 0, nextValue = 0;
        for (int t = rewards.Length - 1; t >= 0; t--)
        {
            next = rewards[t] + (gamma * nextValue) - values[t] + (gamma * lambda * next);
            nextValue = values[t];
            (advantages[t], returns[t]) = (next, next + values[t]);
        }
        return (advantages, returns);
    }

    /// <summary>Advantages of a whole batch with mean 0 and (biased) variance 1.</summary>
    /// <param name="advantages">N.</param>
    public static double[] Whitened(IReadOnlyList<double> advantages)
    {
        double mean = advantages.Average(), variance = advantages.Average(advantage => (advantage - mean) * (advantage - mean));
        double scale = 1 / Math.Sqrt(variance + VarianceEpsilon);
        return [.. advantages.Select(advantage => (advantage - mean) * scale)];
    }

    /// <summary>The policy's loss: max(−A·r, −A·clip(r)), r = π/π_old.</summary>
    /// <param name="logProbs">(N) of the policy.</param>
    /// <param name="old">(N) of the policy that wrote the answers; no gradient.</param>
    /// <param name="advantages">(N).</param>
    /// <param name="clip">How far r may lie from 1.</param>
    /// <returns>(N).</returns>
    public static Tensor PolicyLoss(Tensor logProbs, Tensor old, Tensor advantages, double clip)
    {
        using var scope = NewDisposeScope();
        var ratio = (logProbs - old).exp();                                                              // (N)
        return maximum(-advantages * ratio, -advantages * ratio.Within(1 - clip, 1 + clip)).MoveToOuterDisposeScope();
    }

    /// <summary>The critic's loss: ½·max((v − R)², (v_clipped − R)²), v_clipped no further from the old value than allowed.</summary>
    /// <param name="values">(N) of the critic.</param>
    /// <param name="old">(N) of the critic when the answers were written; no gradient.</param>
    /// <param name="returns">(N).</param>
    /// <param name="clip">How far v_clipped may lie from the old value.</param>
    /// <returns>(N).</returns>
    public static Tensor ValueLoss(Tensor values, Tensor old, Tensor returns, double clip)
    {
        using var scope = NewDisposeScope();
        var clipped = old.Plus((values - old).Within(-clip, clip));                                      // (N)
        return maximum((values - returns).Squared(), (clipped - returns).Squared()).Times(0.5).MoveToOuterDisposeScope();
    }

    /// <summary>Which ratios lie outside of 1 ± <paramref name="clip"/>.</summary>
    /// <returns>(N) bool.</returns>
    public static Tensor RatioClipped(Tensor logProbs, Tensor old, double clip)
    {
        using var scope = NewDisposeScope();
        return (logProbs - old).exp().Minus(1).abs().IsAbove(clip).MoveToOuterDisposeScope();
    }

    /// <summary>Which values lie further than <paramref name="clip"/> from the old ones.</summary>
    /// <returns>(N) bool.</returns>
    public static Tensor ValueClipped(Tensor values, Tensor old, double clip)
    {
        using var scope = NewDisposeScope();
        return (values - old).abs().IsAbove(clip).MoveToOuterDisposeScope();
    }

    /// <summary>An estimate of KL(π_old ‖ π) from tokens that π_old drew: r − 1 − log r, which is never negative.</summary>
    /// <returns>(N).</returns>
    public static Tensor Divergence(Tensor logProbs, Tensor old)
    {
        using var scope = NewDisposeScope();
        var logRatio = logProbs - old;                                                                   // (N)
        return (logRatio.exp().Minus(1) - logRatio).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Which share of the returns' variance the values explain: 1 − var(R − v) / var(R); 0 where the returns do not vary.
    /// </summary>
    /// <param name="returns">N.</param>
    /// <param name="values">N.</param>
    public static double ExplainedVariance(IReadOnlyList<double> returns, IReadOnlyList<double> values)
    {
        double whole = Variance(returns);
        return whole == 0 ? 0 : 1 - (Variance([.. returns.Zip(values, (wanted, found) => wanted - found)]) / whole);

        static double Variance(IReadOnlyList<double> numbers)
        {
            double mean = numbers.Average();
            return numbers.Average(number => (number - mean) * (number - mean));
        }
    }
}
