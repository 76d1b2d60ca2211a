namespace Beear.Text.Tokenization.Models;

/// <summary>BERT's WordPiece: from left to right the longest token each time; a word for which that fails is unknown as a whole.</summary>
/// <param name="vocabulary">Token to id.</param>
/// <param name="unknownId">The id of unknown words; null if the vocabulary has none.</param>
/// <param name="continuingPrefix">What tokens inside of a word begin with, mostly "##".</param>
/// <param name="longestWord">Longer words, in characters, are unknown.</param>
internal sealed class WordPiece(Dictionary<string, int> vocabulary, int? unknownId, string continuingPrefix, int longestWord) : ITokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> tokens =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly int longestToken = vocabulary.Keys.Select(token => token.Length).DefaultIfEmpty().Max();
    private readonly PieceCache cache = new();

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget) => cache.Encode(piece, ids, EncodeWord, budget);

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids, EncodingBudget budget)
    {
        int first = ids.Count;
        bool isKnown = CountCharacters(word) <= longestWord;
        for (int start = 0; isKnown && start < word.Length;)
        {
            int end = FindTokenEnd(word, start, budget, out int id);
            isKnown = end > start;
            if (isKnown) ids.Add(id);
            start = end;
        }
        if (isKnown) return;
        ids.RemoveRange(first, ids.Count - first);
        ids.Add(unknownId ?? throw UnknownToken.Missing("word"));
    }

    /// <summary>Where the longest token that begins at a place ends; the place itself if there is none.</summary>
    private int FindTokenEnd(ReadOnlySpan<char> word, int start, EncodingBudget budget, out int id)
    {
        string prefix = start > 0 ? continuingPrefix : "";
        ReadOnlySpan<char> written = prefix.Length == 0
            ? word[start..] : string.Concat(prefix, word[start..Math.Min(word.Length, start + longestToken)]);
        for (int length = Math.Min(written.Length, longestToken); length > prefix.Length; length--)
        {
            budget.CheckTime();
            if (length < written.Length && char.IsLowSurrogate(written[length])) continue;
            if (tokens.TryGetValue(written[..length], out id)) return start + length - prefix.Length;
        }
        id = -1;
        return start;
    }

    private static int CountCharacters(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (char unit in word)
            if (!char.IsLowSurrogate(unit)) count++;
        return count;
    }
}

/// <summary>Each piece is one token.</summary>
/// <param name="vocabulary">Token to id.</param>
/// <param name="unknownId">The id of other pieces; null if the vocabulary has none.</param>
internal sealed class WordLevel(Dictionary<string, int> vocabulary, int? unknownId) : ITokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> tokens =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget) =>
        ids.Add(tokens.TryGetValue(piece, out int id) ? id : unknownId ?? throw UnknownToken.Missing("word"));
}
