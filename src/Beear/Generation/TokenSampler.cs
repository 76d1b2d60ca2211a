using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>Chooses the next token of each row.</summary>
internal sealed class TokenSampler(GenerationOptions options) : IDisposable
{
    // Of the processor, for TorchSharp makes no others: a seed's draws are then the same wherever the model lies.
    private readonly torch.Generator? generator = options.Temperature > 0 ? new torch.Generator((ulong)options.Seed, CPU) : null;

    /// <summary>Whether <see cref="Next"/> asks for the tokens that are there already.</summary>
    public bool Penalizes => options.RepetitionPenalty != 1;

    /// <summary>Greedy, or sampled from the shares that the options leave.</summary>
    /// <param name="logits">(B, V).</param>
    /// <param name="seen">
    /// (B, S) int64: the tokens of prompt and answer, each any number of times; only where it <see cref="Penalizes"/>.
    /// </param>
    /// <returns>(B) int64; −1 for a row whose largest logit is not finite.</returns>
    public Tensor Next(Tensor logits, Tensor? seen = null)
    {
        using var scope = NewDisposeScope();
        if (Penalizes) logits = Penalized(logits, seen!, options.RepetitionPenalty);
        if (generator is null) return RowArgMax.Apply(logits).MoveToOuterDisposeScope();
        var scores = logits.to(float32).Over(options.Temperature);                                       // (B, V)
        if (options.TopK > 0 && options.TopK < scores.size(1))
        {
            var smallest = scores.topk(options.TopK).values.narrow(1, options.TopK - 1, 1);              // (B, 1)
            scores = scores.Masked(scores < smallest, double.NegativeInfinity);
        }
        var isFinite = scores.amax(-1).isfinite();                                                       // (B)
        var shares = scores.Masked(isFinite.logical_not().unsqueeze(-1), 0).softmax(-1);
        if (options.TopP < 1)
        {
            var (sorted, order) = shares.sort(-1, descending: true);
            var before = sorted.cumsum(-1) - sorted;                                                     // the sum before each token
            sorted = sorted.Masked(before.IsAtLeast(options.TopP), 0);
            shares = zeros_like(shares).scatter_(1, order, sorted);
        }
        var drawn = shares.cpu().multinomial(1, generator: generator).squeeze(1).to(logits.device);      // (B)
        return drawn.Masked(isFinite.logical_not(), -1).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of which those of some tokens are divided by a penalty, or multiplied with it where they are negative.</summary>
    /// <param name="logits">(B, V).</param>
    /// <param name="seen">(B, S) int64.</param>
    /// <param name="penalty">Above 1 makes them less likely.</param>
    /// <returns>(B, V) float32.</returns>
    internal static Tensor Penalized(Tensor logits, Tensor seen, double penalty)
    {
        using var scope = NewDisposeScope();
        var all = logits.to(float32);                                                                    // (B, V)
        var some = all.gather(1, seen);                                                                  // (B, S)
        return all.scatter(1, seen, where(some.IsBelow(0), some.Times(penalty), some.Over(penalty))).MoveToOuterDisposeScope();
    }

    public void Dispose() => generator?.Dispose();
}
