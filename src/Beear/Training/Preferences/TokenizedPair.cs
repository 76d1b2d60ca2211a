using Beear.Data;
using Beear.Text;

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

    /// <summary>Encodes pairs.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="answerTokens">Longest answer; a longer one is cut.</param>
    public static IReadOnlyList<TokenizedPair> Encode(this ChatFormat chat, IReadOnlyList<PreferencePair> pairs, int answerTokens) =>
        [.. pairs.Select(pair =>
            new TokenizedPair(chat.Encode(pair.ChosenExample, answerTokens), chat.Encode(pair.RejectedExample, answerTokens)))];

    /// <summary>Both conversations of pairs, with answers no longer than what is learnt: what a model must have room for.</summary>
    public static IReadOnlyList<Example> Encodable(this ChatFormat chat, IEnumerable<PreferencePair> pairs, int answerTokens) =>
        [.. pairs.SelectMany(pair => new[] { pair.ChosenExample, pair.RejectedExample })
            .Select(example => example with { Answer = chat.DecodeAnswer(chat.Encode(example, answerTokens).Answer) })];

    /// <summary>Pairs as one batch of conversations, the chosen ones first.</summary>
    /// <param name="pairs">B pairs; at least one.</param>
    public static IReadOnlyList<TokenizedExample> Conversations(this IReadOnlyList<TokenizedPair> pairs) =>
        [.. pairs.Select(pair => pair.Chosen), .. pairs.Select(pair => pair.Rejected)];
}
