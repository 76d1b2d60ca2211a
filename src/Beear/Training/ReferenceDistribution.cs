using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>A conversation whose answer the starting model wrote itself, and what it would have said at each of its tokens.</summary>
/// <param name="Example">Prompt and the first tokens of the model's own answer.</param>
/// <param name="Rows">(R, d): the starting model's normalised hidden states at the label positions.</param>
internal sealed record ReferenceExample(TokenizedExample Example, Tensor Rows) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}

/// <summary>
/// The starting model's next-token distributions, kept as what its output head reads: R·d numbers for each answer instead of
/// R·V, and one small matrix product instead of a pass of a second model.
/// </summary>
internal sealed class ReferenceDistribution : IDisposable
{
    private readonly Tensor head;                                        // (V, d) in the compute type
    private readonly ModelConfig config;

    private ReferenceDistribution(Tensor head, ModelConfig config, IReadOnlyList<ReferenceExample> examples)
    {
        (this.head, this.config) = (head, config);
        Examples = examples;
    }

    /// <summary>The conversations.</summary>
    internal IReadOnlyList<ReferenceExample> Examples { get; }

    /// <summary>Lets the model answer, as it is now, and records it while it does.</summary>
    /// <param name="decoder">The starting model.</param>
    /// <param name="endOfTurn">Ids that end an answer.</param>
    /// <param name="end">The one of them that is its last token where it ends in time.</param>
    /// <param name="prompts">Token ids; none empty.</param>
    /// <param name="maxTokens">Longest answer; a longer one is cut and has no end.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="keeps">Gets an answer's ids without its end and says whether it is kept; null to keep all.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public static ReferenceDistribution Record(Decoder decoder, IReadOnlySet<int> endOfTurn, int end,
        IReadOnlyList<int[]> prompts, int maxTokens,
        IProgress<RunProgress>? progress = null, string stage = "recording the starting model", Func<int[], bool>? keeps = null,
            CancellationToken cancellation = default)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor>[] rows = [.. prompts.Select(_ => new List<Tensor>(maxTokens))];  // each (d), in the order of the answer's tokens
        var generator = new BatchGenerator(decoder, endOfTurn)
        {
            OnRows = (indices, read) =>
            {
                foreach (var (row, prompt) in indices.Index()) rows[prompt].Add(read.select(0, row).clone().MoveToOtherDisposeScope(scope));
            },
        };
        var answers = generator.Generate(prompts,
            new GenerationOptions { MaxNewTokens = maxTokens, BatchSize = BatchGenerator.ShortAnswers }, null, progress, stage,
            cancellation: cancellation);
        var recorded = answers.Index().Where(answered => keeps?.Invoke(answered.Item.Tokens) != false).Select(answered =>
        {
            var (i, answer) = answered;
            int[] tokens = answer.Ended ? [.. answer.Tokens, end] : answer.Tokens;
            return new ReferenceExample(new TokenizedExample(prompts[i], tokens),
                stack(rows[i].Take(tokens.Length), 0).DetachFromDisposeScope());
        }).ToList();
        return new ReferenceDistribution(decoder.HeadWeights.detach().clone().DetachFromDisposeScope(), decoder.Config, recorded);
    }

    /// <summary>The starting model's logits for some of a batch's label rows.</summary>
    /// <param name="examples">The batch's conversations, in its order.</param>
    /// <param name="first">Number of the first row.</param>
    /// <param name="count">M: how many rows; null for all that follow.</param>
    /// <returns>(M, V) in the compute type.</returns>
    internal Tensor Logits(IReadOnlyList<ReferenceExample> examples, int first = 0, int? count = null)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var rows = cat([.. examples.Select(example => example.Rows)], 0);                                // (N, d)
        return Decoder.Scores(rows.narrow(0, first, count ?? rows.size(0) - first), head, config).MoveToOuterDisposeScope();     // (M, V)
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        head.Dispose();
        foreach (var example in Examples) example.Dispose();
    }
}
