using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>What the memory of a mitigation depends on besides the model.</summary>
public sealed record MemoryAssumptions : IValidatable
{
    /// <summary>Conversations in a batch of the outer level, which needs the most.</summary>
    public int Batch { get; init; } = new OuterTermOptions().HarmfulBatch;

    /// <summary>Tokens of the longest prompt and the longest answer in a batch, added: its width.</summary>
    public int Length { get; init; } = 192;

    /// <summary>Tokens of the longest answer in a batch; at most its whole length counts.</summary>
    public int AnswerTokens { get; init; } = new OuterTermOptions().HelpfulTokens;

    /// <summary>Most tokens of a pass of several terms, as <see cref="OuterTermOptions.PassTokens"/>.</summary>
    public int PassTokens { get; init; } = OuterTermOptions.DefaultPassTokens;

    /// <summary>Whether the best-scored round's weights are kept; they are unless the number of rounds is given.</summary>
    public bool KeepsBest { get; init; } = true;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(PassTokens, 0);
        Require.Between(Batch, 1, 1_000_000);
        Require.Between(Length, 1, 100_000_000);
        Require.AtLeast(AnswerTokens, 1);
    }
}

/// <summary>The bytes that a mitigation needs at its peak, reckoned from a model's shapes: exact but for the activations, which are rather too high.</summary>
/// <param name="IsBfloat16">Whether matrix products run in bfloat16 over float32 weights, or all in float32.</param>
/// <param name="Weights">The float32 weights, and their copies in bfloat16.</param>
/// <param name="Gradients">Of all weights.</param>
/// <param name="Optimizer">AdamW's two moments.</param>
/// <param name="KeptWeights">The best-scored round's weights.</param>
/// <param name="Activations">What a step keeps for its backward pass, layers and output head.</param>
public sealed record MemoryEstimate(bool IsBfloat16, long Weights, long Gradients, long Optimizer, long KeptWeights, long Activations)
{
    private const long Single = 4;

    /// <summary>The parts, for people.</summary>
    public override string ToString() =>
        $"weights {ByteSize.Format(Weights + KeptWeights)}, gradients {ByteSize.Format(Gradients)}, optimiser {ByteSize.Format(Optimizer)}, activations {ByteSize.Format(Activations)}";

    /// <summary>All of it.</summary>
    public long Total => checked(Weights + Gradients + Optimizer + KeptWeights + Activations);

    /// <summary>Reckons from shapes alone; nothing is allocated.</summary>
    /// <param name="config">The model.</param>
    /// <param name="isBfloat16">Whether matrix products run in bfloat16.</param>
    /// <param name="assumptions">Batch and lengths.</param>
    /// <exception cref="BeearException">An assumption is out of range.</exception>
    public static MemoryEstimate Of(ModelConfig config, bool isBfloat16, MemoryAssumptions assumptions)
    {
        assumptions.Validate();
        long all = config.ParameterCount, norms = config.Tensors.Where(IsNorm).Sum(part => part.ElementCount);
        long embedding = (long)config.VocabularySize * config.HiddenSize;
        long copies = isBfloat16 ? 2 * (all - norms) : 0;
        // Of a tensor with a copy the copy gets the gradients, but for embeddings, which are looked up in float32.
        long gradients = !isBfloat16 ? Single * all : copies + Single * (norms + embedding) - (config.TiedEmbeddings ? 0 : 2 * embedding);
        return new MemoryEstimate(isBfloat16, Single * all + copies, gradients, 2 * Single * all, assumptions.KeepsBest ? Single * all : 0,
            ActivationBytes(config, isBfloat16 ? 2 : Single, assumptions));
    }

    private static bool IsNorm(ParameterPart part) => part.Shape.Count == 1 && part.Name.Contains("norm", StringComparison.Ordinal);

    /// <summary>What autograd keeps of a pass over as many rows as one term or all that share a pass have, and the output head's N rows of V scores.</summary>
    private static long ActivationBytes(ModelConfig config, long compute, MemoryAssumptions assumptions)
    {
        long d = config.HiddenSize, queries = (long)config.QueryHeads * config.HeadSize, keys = (long)config.KeyValueHeads * config.HeadSize;
        long rows = Math.Max((long)assumptions.Batch * assumptions.Length, assumptions.PassTokens);
        long labels = rows * Math.Min(assumptions.AnswerTokens, assumptions.Length) / assumptions.Length;
        // Two norms a layer: the residual stream, and its normalised form in the compute type.
        long norms = 2 * (Single + compute) * d;
        // Projections and what the rotation makes of them, mixed values in both orders.
        long attention = compute * (2 * (queries + 2 * keys) + 2 * queries);
        long shares = compute * config.QueryHeads * assumptions.Length;      // of each token over all tokens
        long feedForward = compute * 3 * config.FeedForwardSize;             // gate and up, what is made of them
        long perRow = norms + attention + shares + feedForward;
        // Scores, over which their gradients are written, and the starting model's.
        long head = 2 * compute * config.VocabularySize;
        return checked(rows * perRow * config.Layers + labels * head);
    }
}
