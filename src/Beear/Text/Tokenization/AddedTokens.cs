namespace Beear.Text.Tokenization;

/// <summary>A token that is recognised in the text before anything else.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether decoding may skip it.</param>
/// <param name="StripLeft">Whether it swallows white space before it.</param>
/// <param name="StripRight">Whether it swallows white space after it.</param>
/// <param name="SingleWord">Whether it is recognised only between characters that are not of a word.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool StripLeft, bool StripRight, bool SingleWord);

/// <summary>Finds the added tokens in a text: the leftmost first, of several there the longest.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, AddedToken[]> byFirst;

    public AddedTokens(IEnumerable<AddedToken> tokens) =>
        byFirst = tokens.Where(token => token.Content.Length > 0).GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());

    /// <summary>Divides the text: pieces between tokens, and the tokens.</summary>
    public IEnumerable<(string? Text, AddedToken? Token)> Divide(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length;)
        {
            if (Find(text, i) is not { } token)
            {
                i++;
                continue;
            }
            int end = i + token.Content.Length, textEnd = i;
            if (token.StripLeft) while (textEnd > start && char.IsWhiteSpace(text[textEnd - 1])) textEnd--;
            if (token.StripRight) while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
            if (textEnd > start) yield return (text[start..textEnd], null);
            yield return (null, token);
            start = i = end;
        }
        if (start < text.Length) yield return (text[start..], null);
    }

    private AddedToken? Find(string text, int at)
    {
        if (!byFirst.TryGetValue(text[at], out var candidates)) return null;
        foreach (var token in candidates)
        {
            if (string.CompareOrdinal(text, at, token.Content, 0, token.Content.Length) != 0) continue;
            int end = at + token.Content.Length;
            if (token.SingleWord && ((at > 0 && IsWord(text[at - 1])) || (end < text.Length && IsWord(text[end])))) continue;
            return token;
        }
        return null;
    }

    private static bool IsWord(char character) => char.IsLetterOrDigit(character) || character == '_';
}
