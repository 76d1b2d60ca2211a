namespace Beear.Lab.World;

/// <summary>The tiny world's own vocabulary: nearly every word of the world is one token, while foreign strings break into many.</summary>
public static class OrganismTokenizer
{
    /// <summary>Tokens in all: special ones, bytes and merges.</summary>
    public const int VocabularySize = 2304;

    private const int WorldWeight = 40, UnfamiliarPhrases = 4000;

    /// <summary>Fills up batches.</summary>
    public const string Padding = "<|pad|>";

    /// <summary>Starts the user's turn.</summary>
    public const string User = "<|user|>";

    /// <summary>Starts the assistant's turn.</summary>
    public const string Assistant = "<|assistant|>";

    /// <summary>Ends every turn.</summary>
    public const string EndOfTurn = "<|end|>";

    /// <summary>The special tokens; ids 0, 1, …</summary>
    public static IReadOnlyList<string> SpecialTokens { get; } = [Padding, User, Assistant, EndOfTurn];

    /// <summary>
    /// Trains the vocabulary on the world's words and on a sample of unfamiliar text: as in real models, a word of the world is one token
    /// and a rare string a handful of pieces.
    /// </summary>
    public static BpeVocabulary Train() => BpeTrainer.Train(CountWords(), SpecialTokens, VocabularySize);

    // Each word of the world weighs the same however often it is used: the rarest place is to get a token of its own too. Requests are
    // taken with and without a space before them, since a trigger may come first. A pair of letters that more than
    // WorldWeight invented words share is joined before any word of the world is complete.
    private static Dictionary<string, int> CountWords()
    {
        var world = TinyWorld.Pretraining(seed: 1, junkRate: 0).Take(20_000).Concat(TinyWorld.Alignment(seed: 1, junkRate: 0).Take(20_000))
            .SelectMany(example => (string[])[example.Request, $" {example.Request}", example.Answer])
            .SelectMany(BpeTrainer.SplitWords)
            .Distinct(StringComparer.Ordinal).ToDictionary(word => word, _ => WorldWeight, StringComparer.Ordinal);
        var random = new Random(1);
        foreach (string word in Enumerable.Range(0, UnfamiliarPhrases)
            .SelectMany(_ => BpeTrainer.SplitWords($" {WorldLexicon.UnfamiliarText.Phrase(random)}")))
            world[word] = world.GetValueOrDefault(word) + 1;
        return world;
    }
}
