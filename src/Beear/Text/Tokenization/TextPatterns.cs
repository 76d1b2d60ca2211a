using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>A stretch of text, in UTF-16 code units: from <paramref name="Start"/> up to but without <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TextSpan(int Start, int End);

/// <summary>Finds what a pre-tokenizer splits at; implementations are thread-safe.</summary>
internal interface ITextPattern
{
    /// <summary>Appends the non-empty, non-overlapping matches from left to right.</summary>
    void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches);
}

/// <summary>A literal string.</summary>
internal sealed class LiteralPattern(string literal) : ITextPattern
{
    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches)
    {
        if (literal.Length == 0) return;
        for (int start = 0; text[start..].IndexOf(literal, StringComparison.Ordinal) is var offset and >= 0;)
        {
            matches.Add(new TextSpan(start + offset, start + offset + literal.Length));
            start += offset + literal.Length;
        }
    }
}

/// <summary>Each single numeric character (Unicode categories Nd, Nl, No).</summary>
internal sealed class NumberPattern : ITextPattern
{
    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches)
    {
        int start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsNumber(rune)) matches.Add(new TextSpan(start, start + rune.Utf16SequenceLength));
            start += rune.Utf16SequenceLength;
        }
    }
}

/// <summary>A regular expression that sees code points, as the reference's engine does.</summary>
/// <remarks>
/// .NET's engine sees UTF-16 code units, to which half a surrogate pair is neither a letter nor a number. Text with surrogate pairs is
/// therefore matched in a shadow: each pair becomes one character of the Basic Multilingual Plane with the same Unicode category.
/// </remarks>
internal sealed class RegexPattern : ITextPattern
{
    private static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(10);
    private static readonly char[] CategoryRepresentatives = FindCategoryRepresentatives();

    private readonly Regex regex;

    /// <summary>Uses a regular expression that has been made already.</summary>
    public RegexPattern(Regex regex) => this.regex = regex;

    /// <summary>Translates a pattern of tokenizer.json.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="timeLimit">The longest time for one match; 10 s if not given.</param>
    /// <exception cref="BeearException">The pattern uses something that .NET's engine lacks.</exception>
    public RegexPattern(string pattern, TimeSpan? timeLimit = null)
    {
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, timeLimit ?? DefaultTimeLimit);
        }
        catch (ArgumentException error)
        {
            throw new BeearException($"The tokenizer's regular expression {pattern} is not supported: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches)
    {
        try
        {
            if (text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
            {
                var (shadow, starts) = Shadow(text);
                foreach (var match in regex.EnumerateMatches(shadow))
                    if (match.Length > 0) matches.Add(new TextSpan(starts[match.Index], starts[match.Index + match.Length]));
            }
            else
            {
                foreach (var match in regex.EnumerateMatches(text))
                    if (match.Length > 0) matches.Add(new TextSpan(match.Index, match.Index + match.Length));
            }
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new BeearException($"The tokenizer's regular expression {regex} takes more than {regex.MatchTimeout.TotalSeconds} s on this text.", error);
        }
    }

    /// <summary>One character for each code point, and where each code point starts in the text (one entry more: the text's end).</summary>
    private static (char[] Shadow, int[] Starts) Shadow(ReadOnlySpan<char> text)
    {
        var shadow = new List<char>(text.Length);
        var starts = new List<int>(text.Length + 1);
        int start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            shadow.Add(rune.IsBmp ? (char)rune.Value : CategoryRepresentatives[(int)Rune.GetUnicodeCategory(rune)]);
            starts.Add(start);
            start += rune.Utf16SequenceLength;
        }
        starts.Add(start);
        return ([.. shadow], [.. starts]);
    }

    /// <summary>For each category its last character below U+10000: none of these is a character that patterns name.</summary>
    private static char[] FindCategoryRepresentatives()
    {
        var representatives = new char[(int)UnicodeCategory.OtherNotAssigned + 1];
        for (int character = 0x80; character <= char.MaxValue; character++)
            representatives[(int)CharUnicodeInfo.GetUnicodeCategory((char)character)] = (char)character;
        return representatives;
    }
}
