using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// Greedy answers as a tutorial decodes them: batches in the given order, padded on the left, keys and values kept by concatenation, every
/// row to the last step. The matrices are cast once, and only the last token goes through the output head.
/// </summary>
/// <param name="decoder">The model; its weights are copied.</param>
internal sealed class TextbookGeneration(Decoder decoder) : IDisposable
{
    private readonly TextbookDecoder model = new(decoder, castsOnce: true);
    private readonly Device device = decoder.Options.Device;

    /// <summary>Decodes one answer for each prompt.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="endOfTurn">Ids that end an answer.</param>
    /// <param name="newTokens">Tokens that are decoded for each.</param>
    /// <param name="batchSize">Prompts of a batch.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>The answers, each up to its end.</returns>
    public IReadOnlyList<int[]> Generate(IReadOnlyList<int[]> prompts, IReadOnlySet<int> endOfTurn, int newTokens, int batchSize,
        CancellationToken cancellation) => [.. prompts.Chunk(batchSize).SelectMany(batch => Decode(batch, newTokens, cancellation))
            .Select(answer => answer.TakeWhile(id => !endOfTurn.Contains(id)).ToArray())];

    private List<int>[] Decode(int[][] prompts, int newTokens, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var batch = TextbookBatch.Of([.. prompts.Select(prompt => new TokenizedExample(prompt, []))], device);
        var (ids, real, positions) = (batch.Ids, batch.Real, batch.Positions);                           // (B, P)
        var past = new Dictionary<string, (Tensor Keys, Tensor Values)>(StringComparer.Ordinal);
        var answers = prompts.Select(_ => new List<int>()).ToArray();
        for (int step = 0; step < newTokens; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            ids = model.NextLogits(ids, real, positions, batch.Length + step, past).argmax(-1, keepdim: true);     // (B, 1)
            real = cat([real, ones_like(ids, ScalarType.Bool)], 1);                                      // (B, S)
            positions = cat([positions, positions.narrow(1, positions.size(1) - 1, 1).Plus(1)], 1);     // (B, S)
            var chosen = ids.to(CPU).data<long>().ToArray();
            for (int row = 0; row < answers.Length; row++) answers[row].Add((int)chosen[row]);
            foreach (var kept in new[] { ids, real, positions }) kept.MoveToOuterDisposeScope();
        }
        foreach (var (keys, values) in past.Values)
        {
            keys.Dispose();
            values.Dispose();
        }
        return answers;
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();
}
