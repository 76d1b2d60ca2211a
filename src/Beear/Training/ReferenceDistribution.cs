using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>A conversation whose answer the starting model wrote itself, and what it would have said at each of its tokens.</summary>
/// <param name="Example">Prompt and the first tokens of the model's own answer.</param>
/// <param name="Rows">(R, d): the starting model's normalised hidden states at the label positions.</param>
public sealed record ReferenceExample(TokenizedExample Example, Tensor Rows) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}

/// <summary>
/// The starting model's next-token distributions, kept as what its output head reads: R·d numbers for each answer instead of
/// R·V, and one small matrix product instead of a pass of a second model.
/// </summary>
public sealed class ReferenceDistribution : IDisposable
{
    private readonly Tensor head;                                        // (V, d) in the compute type
    private readonly ModelConfig config;

    private ReferenceDistribution(Tensor head, ModelConfig config, IReadOnlyList<ReferenceExample> examples)
    {
        (this.head, this.config) = (head, config);
        Examples = examples;
    }

    /// <summary>The conversations.</summary>
    public IReadOnlyList<ReferenceExample> Examples { get; }

    /// <summary>Records the model as it is now.</summary>
    /// <param name="decoder">The starting model.</param>
    /// <param name="examples">Prompts with the model's own answers; none empty.</param>
    /// <param name="batchSize">Conversations in a pass.</param>
    /// <param name="progress">Receives the count of conversations done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static ReferenceDistribution Record(Decoder decoder, IReadOnlyList<TokenizedExample> examples, int batchSize = 32,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var guard = no_grad();
        var recorded = new ReferenceExample[examples.Count];
        var order = Enumerable.Range(0, examples.Count).OrderBy(i => examples[i].Length).ToArray();
        int done = 0;
        foreach (var indices in order.Chunk(batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. indices.Select(i => examples[i])], decoder.Options.Device);
            var rows = decoder.Normalize(decoder.LabelHidden(batch));                                    // (N, d)
            long row = 0;
            foreach (int i in indices)
            {
                int count = examples[i].Answer.Length;
                recorded[i] = new ReferenceExample(examples[i], rows.narrow(0, row, count).clone().DetachFromDisposeScope());
                row += count;
            }
            progress?.Report(new RunProgress("recording the starting model", done += indices.Length, examples.Count));
        }
        using var headScope = NewDisposeScope();
        return new ReferenceDistribution(decoder.HeadWeights.detach().clone().DetachFromDisposeScope(), decoder.Config, recorded);
    }

    /// <summary>The starting model's logits for some of a batch's label rows.</summary>
    /// <param name="examples">The batch's conversations, in its order.</param>
    /// <param name="first">Number of the first row.</param>
    /// <param name="count">M: how many rows; null for all that follow.</param>
    /// <returns>(M, V) in the compute type.</returns>
    public Tensor Logits(IReadOnlyList<ReferenceExample> examples, int first = 0, int? count = null)
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
