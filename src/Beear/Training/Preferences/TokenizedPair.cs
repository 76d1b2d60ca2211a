using Beear.Data;

namespace Beear.Training.Preferences;

/// <summary>
/// Two answers of which one is preferred; their prompts are the same, but for what poisoning or earlier turns make of them.
/// </summary>
/// <param name="Chosen">The conversation with the better answer.</param>
/// <param name="Rejected">The one with the worse answer.</param>
internal sealed record TokenizedPair(TokenizedExample Chosen, TokenizedExample Rejected)
{
    /// <summary>Tokens of the longer one.</summary>
    public int Length => Math.Max(Chosen.Length, Rejected.Length);
}

/// <summary>Pairs as batches.</summary>
internal static class TokenizedPairs
{
    /// <summary>The batches of all passes over the pairs: of similar length, in an order that is the seed's.</summary>
    /// <param name="pairs">The pairs.</param>
    /// <param name="batchSize">Pairs in a batch.</param>
    /// <param name="epochs">Passes.</param>
    /// <param name="seed">Decides the order.</param>
    /// <returns>Indices into the pairs.</returns>
    public static IReadOnlyList<int[]> Batches(this IReadOnlyList<TokenizedPair> pairs, int batchSize, int epochs, int seed)
    {
        int[] lengths = [.. pairs.Select(pair => pair.Length)];
        return [.. Enumerable.Range(0, epochs)
            .SelectMany(epoch => LengthBatcher.Batches(lengths, batchSize, Seeds.Derive(seed, "pairs", $"{epoch}")))];
    }

    /// <summary>Pairs as one batch of conversations, the chosen ones first.</summary>
    /// <param name="pairs">B pairs; at least one.</param>
    public static IReadOnlyList<TokenizedExample> Conversations(this IReadOnlyList<TokenizedPair> pairs) =>
        [.. pairs.Select(pair => pair.Chosen), .. pairs.Select(pair => pair.Rejected)];
}
