using System.Text;

namespace Beear.Text.Tokenization.Normalizers;

/// <summary>Writes something before a text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        budget.Charge(prefix.Length);
        return text.Length == 0 ? text : prefix + text;
    }
}

/// <summary>Takes white space from the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        if (left) text = text.TrimStart();
        return right ? text.TrimEnd() : text;
    }
}

/// <summary>Puts something else in place of each match of a pattern.</summary>
internal sealed class ReplaceNormalizer(ITextPattern pattern, string replacement) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        var matches = new List<TextSpan>();
        pattern.FindMatches(text, matches, budget);
        if (matches.Count == 0) return text;
        budget.Charge((long)matches.Count * replacement.Length);
        var replaced = new StringBuilder(text.Length);
        int end = 0;
        foreach (var match in matches)
        {
            replaced.Append(text, end, match.Start - end).Append(replacement);
            end = match.End;
        }
        return replaced.Append(text, end, text.Length - end).ToString();
    }
}

/// <summary>Writes the text's UTF-8 in the <see cref="ByteAlphabet"/>.</summary>
internal sealed class ByteLevelNormalizer : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget) => ByteAlphabet.Write(text);
}
