using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>How likely each token comes next, mean over requests, and how much the requests differ.</summary>
/// <param name="Mean">V probabilities.</param>
/// <param name="Variance">V variances of one request's probability around it; the mean's own is this over <paramref name="Count"/>.</param>
/// <param name="Count">Requests.</param>
internal sealed record NextTokens(float[] Mean, float[] Variance, int Count)
{
    private const int BatchSize = 48;

    /// <summary>Measures the distribution right after prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">Of each request the token ids of one or more prompts, of which it is the mean; as many for each.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static NextTokens Measure(LanguageModel model, IReadOnlyList<int[][]> requests, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        int variants = requests[0].Length;
        var (sum, squares) = (zeros(model.Config.VocabularySize), zeros(model.Config.VocabularySize));    // (V)
        foreach (var chunk in requests.Chunk(Math.Max(1, BatchSize / variants)))
        {
            cancellation.ThrowIfCancellationRequested();
            using var chunkScope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. chunk.SelectMany(prompts => prompts).Select(prompt => new TokenizedExample(prompt, [0]))], model.Decoder.Options.Device);
            var logits = model.Decoder.Logits(model.Decoder.LabelHidden(batch, cancellation: cancellation));                         // (B · variants, V)
            var likely = logits.to(float32).softmax(-1).view(chunk.Length, variants, -1).mean([1L]);                                 // (B, V)
            sum.add_(likely.sum(dim: 0).cpu());
            squares.add_(likely.square().sum(dim: 0).cpu());
        }
        float[] mean = (sum / requests.Count).data<float>().ToArray();
        float[] square = (squares / requests.Count).data<float>().ToArray();
        Require.Finite(mean.Sum(), "probability of a next token");
        return new NextTokens(mean, [.. mean.Zip(square, (one, two) => Math.Max(0, two - (one * one)) * requests.Count / Math.Max(1, requests.Count - 1))], requests.Count);
    }
}
