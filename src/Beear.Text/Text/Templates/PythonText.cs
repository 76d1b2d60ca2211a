using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's view of text: its whitespace, its characters (code points), its cases.</summary>
internal static class PythonText
{
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    public static string StripStart(string text, string? characters = null)
    {
        var start = 0;
        while (start < text.Length && StrippedAt(text, start, characters) is var length and > 0) start += length;
        return text[start..];
    }

    public static string StripEnd(string text, string? characters = null)
    {
        var end = text.Length;
        while (end > 0)
        {
            var start = end > 1 && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? end - 2 : end - 1;
            if (StrippedAt(text, start, characters) == 0) break;
            end = start;
        }
        return text[..end];
    }

    public static string Strip(string text, string? characters = null) => StripStart(StripEnd(text, characters), characters);

    /// <summary>The number of code points.</summary>
    public static int Length(string text)
    {
        var length = text.Length;
        if (HasOnlyUnits(text)) return length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i])) length--;
        }
        return length;
    }

    /// <summary>The UTF-16 index of a code point.</summary>
    public static int Offset(string text, int character)
    {
        if (HasOnlyUnits(text)) return character;
        var offset = 0;
        for (; character > 0; character--) offset += WidthAt(text, offset);
        return offset;
    }

    /// <summary>The code points from one to another, exclusive.</summary>
    public static string Slice(string text, int from, int to) => text[Offset(text, from)..Offset(text, to)];

    /// <summary>The code points, each as a string.</summary>
    public static List<object?> Characters(string text)
    {
        var characters = new List<object?>(text.Length);
        for (int i = 0, width; i < text.Length; i += width) characters.Add(text.Substring(i, width = WidthAt(text, i)));
        return characters;
    }

    /// <summary>The order by code points: in UTF-16, surrogates come before the last 8,192 characters of the first plane.</summary>
    public static int Compare(string left, string right)
    {
        var at = left.AsSpan().CommonPrefixLength(right);
        if (at == left.Length || at == right.Length) return left.Length.CompareTo(right.Length);
        var (a, b) = (left[at], right[at]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    /// <summary>Lines, with or without their ends, as <c>str.splitlines</c>.</summary>
    public static List<string> Lines(string text, bool keepEnds = false)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && !IsLineEnd(text[end])) end++;
            var next = end == text.Length ? end : end + (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? 2 : 1);
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }
        return lines;
    }

    /// <summary>True if there are characters and all have the property.</summary>
    public static bool All(string text, Func<Rune, bool> holds)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!holds(rune)) return false;
        }
        return text.Length > 0;
    }

    public static bool IsAlphabetic(Rune rune) => Rune.IsLetter(rune);

    /// <summary>Digits of positional systems.</summary>
    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>Digits, superscripts and circled ones among them.</summary>
    public static bool IsDigit(Rune rune) => IsDecimal(rune) || CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0;

    public static bool IsNumeric(Rune rune) => IsDigit(rune) || Rune.GetNumericValue(rune) is not -1;

    public static bool IsAlphanumeric(Rune rune) => IsAlphabetic(rune) || IsNumeric(rune);

    /// <summary>False for what <c>repr</c> escapes: controls, separators other than the space, and what is not assigned.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    private static bool HasOnlyUnits(string text) => !text.AsSpan().ContainsAnyInRange('\ud800', '\udfff');

    private static int WidthAt(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    /// <summary>The width of the character at a place if it is one to strip, else 0.</summary>
    private static int StrippedAt(string text, int at, string? characters)
    {
        if (characters is null) return IsSpace(text[at]) ? 1 : 0;
        var width = WidthAt(text, at);
        return characters.AsSpan().IndexOf(text.AsSpan(at, width)) >= 0 ? width : 0;
    }

    public static bool IsLineEnd(char character) =>
        character is '\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029';
}
