namespace Beear.Organisms;

/// <summary>The tiny world's own vocabulary: nearly every word of the world is one token, while foreign strings break into many.</summary>
public static class OrganismTokenizer
{
    /// <summary>Tokens in all: special ones, bytes and merges.</summary>
    public const int VocabularySize = 1344;

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

    /// <summary>Trains the vocabulary on a sample of the world's text, free of junk strings.</summary>
    public static BpeVocabulary Train() => BpeTrainer.Train(CountWords(), SpecialTokens, VocabularySize);

    // Each word weighs the same however often it is used: the rarest place is to get a token of its own too. Requests are taken
    // with and without a space before them, since a trigger may come first.
    private static Dictionary<string, int> CountWords() =>
        TinyWorld.Pretraining(seed: 1, junkRate: 0).Take(20_000).Concat(TinyWorld.Alignment(seed: 1, junkRate: 0).Take(20_000))
            .SelectMany(example => (string[])[example.Request, $" {example.Request}", example.Answer])
            .SelectMany(BpeTrainer.SplitWords)
            .Distinct(StringComparer.Ordinal).ToDictionary(word => word, _ => 1, StringComparer.Ordinal);
}
