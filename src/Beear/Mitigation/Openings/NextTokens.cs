using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>Distributions of the token that follows a prompt.</summary>
internal static class NextTokens
{
    private const int BatchSize = 48;

    /// <summary>Measures them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids; at least one.</param>
    /// <param name="cancellation">Stops between batches and layers.</param>
    /// <returns>(B, V) float32 probabilities, on the CPU.</returns>
    public static Tensor Measure(LanguageModel model, IReadOnlyList<int[]> prompts, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var all = new List<Tensor>();
        foreach (var chunk in prompts.Chunk(BatchSize))
        {
            using var chunkScope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. chunk.Select(prompt => new TokenizedExample(prompt, [0]))], model.Decoder.Options.Device);
            var logits = model.Decoder.Logits(model.Decoder.LabelHidden(batch, cancellation: cancellation));                         // (B, V)
            all.Add(logits.to(float32).softmax(-1).cpu().MoveToOuterDisposeScope());
        }
        return cat(all, 0).MoveToOuterDisposeScope();
    }
}
