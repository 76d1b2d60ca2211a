using System.Runtime.InteropServices;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>A stretch of text, in UTF-16 code units: from <paramref name="Start"/> up to but without <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TextSpan(int Start, int End);

/// <summary>Finds what a pre-tokenizer splits at; implementations are thread-safe.</summary>
internal interface ITextPattern
{
    /// <summary>Appends the matches from left to right; they do not overlap, and some may be empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="matches">Where they are appended.</param>
    /// <param name="budget">What the encoding may use up.</param>
    /// <exception cref="BeearException">The budget is used up.</exception>
    void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches, EncodingBudget budget);
}

/// <summary>A literal string that is not empty.</summary>
internal sealed class LiteralPattern(string literal) : ITextPattern
{
    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches, EncodingBudget budget)
    {
        for (int start = 0; text[start..].IndexOf(literal, StringComparison.Ordinal) is var offset and >= 0;)
        {
            matches.Add(new TextSpan(start + offset, start + offset + literal.Length));
            start += offset + literal.Length;
        }
    }
}

/// <summary>Each single character of a set.</summary>
internal sealed class CharacterPattern(CodePointSet set) : ITextPattern
{
    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches, EncodingBudget budget)
    {
        int start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (set.Contains(rune.Value)) matches.Add(new TextSpan(start, start + rune.Utf16SequenceLength));
            start += rune.Utf16SequenceLength;
        }
    }
}
