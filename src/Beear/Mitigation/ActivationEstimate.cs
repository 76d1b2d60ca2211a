using Beear.Generation;
using Beear.Models;

namespace Beear.Mitigation;

/// <summary>Bytes of activations, reckoned from shapes.</summary>
/// <param name="config">The model.</param>
/// <param name="compute">Bytes of an element in matrix products.</param>
internal sealed class ActivationEstimate(ModelConfig config, long compute)
{
    private const long Single = 4;
    private readonly long d = config.HiddenSize;
    private readonly long queries = (long)config.QueryHeads * config.HeadSize;
    private readonly long keys = (long)config.KeyValueHeads * config.HeadSize;

    /// <summary>A step of the outer level.</summary>
    public long OuterLevel(MemoryAssumptions assumptions)
    {
        var economy = assumptions.Economy;
        long term = (long)assumptions.Batch * assumptions.Length, step = term * assumptions.Terms,
            trained = config.Layers - economy.FrozenLayers;
        long part = economy.SplitTokens == 0 ? term : Math.Min(term, Math.Max(economy.SplitTokens, assumptions.Length));
        long rows = Math.Max(part, Math.Min(assumptions.PassTokens, step));  // of a pass: of one term, of a part of it, or of several

        // One layer more than is kept: what the layer at work and its backward pass make for the moment.
        long layer = rows * LayerRow(assumptions.Length), layers = layer * (trained + 1);
        if (economy.Checkpointing)
            layers = 2 * layer + Single * d * (economy.UpdateInBackward ? step : rows) * (trained + 2);
        long labels = rows * Math.Min(assumptions.AnswerTokens, assumptions.Length) / assumptions.Length;
        return checked(layers + Head(labels, economy.ScoresAtOnce) + HeadCopies);
    }

    /// <summary>An inner run: what its batches were prepared to, and a step.</summary>
    /// <param name="options">Batches, l and n.</param>
    /// <param name="prompt">Tokens of the longest prompt.</param>
    /// <param name="answers">Tokens of the longest answers, both added.</param>
    /// <param name="economy">Its split and its limit of scores.</param>
    public long InnerLevel(EntrapmentOptions options, long prompt, long answers, EconomyOptions economy)
    {
        long upper = config.Layers - options.PerturbedLayers[0], width = prompt + answers, tail = options.VirtualTokens > 0
            ? prompt : options.TailLength;
        long prepared = (long)options.Batches * options.BatchSize * (prompt * 2 * keys * compute * upper + (tail + answers) * Single * d);
        long batch = economy.SplitTokens == 0
            ? options.BatchSize : Math.Clamp(economy.SplitTokens / (tail + answers), 1, options.BatchSize), rows = batch * (tail + answers);
        // Weights get no gradients: linear layers keep nothing. Keys and values stand with the prompt's before them.
        long row = 2 * Single * d + compute * (2 * queries + 2 * config.FeedForwardSize + config.QueryHeads * width);
        long step = (upper + 1) * (rows * row + batch * width * 2 * keys * compute)
            + Head(batch * answers, economy.ScoresAtOnce) / 2 + HeadCopies;
        // Preparing runs all tokens through the layers, one after the other.
        return checked(prepared + Math.Max(step, 2 * batch * width * LayerRow(width)));
    }

    /// <summary>Short answers to many requests at once: the keys and values of all layers, and the requests' way through a layer.</summary>
    /// <param name="prompt">Tokens of the longest prompt.</param>
    /// <param name="answer">Tokens of the longest answer.</param>
    public long Answering(long prompt, long answer)
    {
        long rows = LongRows.Together(BatchGenerator.ShortAnswers, prompt);
        return checked((rows * (prompt + answer) * 2 * keys * compute * config.Layers) + (rows * prompt * LayerRow(0))
            + LongRows.Reading(config, rows, prompt, compute) + Head(rows, long.MaxValue));
    }

    /// <summary>
    /// For the moment: the output head as matrix products arrange it, and its gradient before it is added to that of an earlier pass.
    /// </summary>
    private long HeadCopies => 2 * compute * config.VocabularySize * d;

    /// <summary>What autograd keeps of one token in one layer.</summary>
    private long LayerRow(long length)
    {
        // Two norms: the residual stream, and its normalised form in the compute type.
        long norms = 2 * (Single + compute) * d;
        // Projections and what the rotation makes of them, mixed values in both orders.
        long attention = compute * (2 * (queries + 2 * keys) + 2 * queries);
        long shares = compute * config.QueryHeads * length;                  // of each token over all tokens
        long feedForward = compute * 3 * config.FeedForwardSize;             // gate and up, what is made of them
        return norms + attention + shares + feedForward;
    }

    /// <summary>Scores, over which their gradients are written, and the starting model's.</summary>
    private long Head(long labels, long scoresAtOnce) =>
        2 * compute * Math.Min(labels * config.VocabularySize, Math.Max(scoresAtOnce, config.VocabularySize));
}
