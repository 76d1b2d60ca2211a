using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>Distributions of the tokens of answers.</summary>
internal static class NextTokens
{
    private const int MostPrompts = 48;
    private const long MostProbabilities = 1L << 25;                     // of a batch; a large vocabulary has fewer prompts in one

    /// <summary>Measures them at the beginning of answers, and after each token of one that all begin with.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids; at least one.</param>
    /// <param name="begun">R tokens of an answer; may be none.</param>
    /// <param name="cancellation">Stops between batches and layers.</param>
    /// <returns>(B, R + 1, V) float32 probabilities, on the CPU.</returns>
    public static Tensor Measure(LanguageModel model, IReadOnlyList<int[]> prompts, int[] begun, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var all = new List<Tensor>();
        int together = (int)Math.Clamp(MostProbabilities / ((begun.Length + 1L) * model.Config.VocabularySize), 1, MostPrompts);
        foreach (var chunk in prompts.Chunk(together).Divided(prompt => prompt.Length + begun.Length))
        {
            using var chunkScope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. chunk.Select(prompt => new TokenizedExample(prompt, [.. begun, 0]))],
                model.Decoder.Options.Device);
            var logits = model.Decoder.Logits(model.Decoder.LabelHidden(batch, cancellation: cancellation));  // (B · (R + 1), V)
            all.Add(logits.to(float32).softmax(-1).view(chunk.Length, begun.Length + 1, -1).cpu().MoveToOuterDisposeScope());
        }
        return cat(all, 0).MoveToOuterDisposeScope();
    }
}
