using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's upper, lower and title case: Unicode's full mappings, which may lengthen a text.</summary>
internal static class TextCase
{
    private const int WordCost = 4;

    public static string Upper(string text) => Map(text, FullCaseMapping.Upper, text.ToUpperInvariant);

    public static string Lower(string text)
    {
        if (text.AsSpan().IndexOfAny('\u0130', '\u03a3') < 0) return text.ToLowerInvariant();
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\u0130') result.Append("i\u0307");
            else if (text[i] == '\u03a3') result.Append(IsFinal(text, i) ? '\u03c2' : '\u03c3');
            else if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length) result.Append(text.Substring(i++, 2).ToLowerInvariant());
            else result.Append(char.ToLowerInvariant(text[i]));
        }
        return result.ToString();
    }

    /// <summary>The first character in title case, the rest in lower case.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0) return text;
        var width = char.IsSurrogatePair(text, 0) ? 2 : 1;
        return TitleOf(text[..width]) + Lower(text)[LowerWidth(text[..width])..];
    }

    /// <summary><c>str.title</c>: title case for every letter that no letter with a case precedes.</summary>
    public static string Title(string text, RenderState state) => Words(text, IsCased, TitleOf, state);

    /// <summary>The filter <c>title</c>: upper case after spaces, hyphens and opening brackets.</summary>
    public static string TitleFilter(string text, RenderState state) =>
        Words(text, rune => !Rune.IsWhiteSpace(rune)
            && rune.Value is not ('-' or '(' or '{' or '[' or '<' or (>= 0x1c and <= 0x1f)), Upper, state);

    public static string Swap(string text, RenderState state)
    {
        state.Charge(WordCost * (long)text.Length);
        var result = new StringBuilder(text.Length);
        for (int i = 0, width; i < text.Length; i += width)
        {
            width = char.IsSurrogatePair(text, i) ? 2 : 1;
            var character = text.Substring(i, width);
            result.Append(Rune.TryGetRuneAt(text, i, out var rune) && Rune.IsUpper(rune) ? Lower(character) : Upper(character));
        }
        return result.ToString();
    }

    public static bool IsUpper(string text) => text.EnumerateRunes().Any(Rune.IsUpper) && !text.EnumerateRunes().Any(Rune.IsLower);

    public static bool IsLower(string text) => text.EnumerateRunes().Any(Rune.IsLower) && !text.EnumerateRunes().Any(Rune.IsUpper);

    public static bool IsTitle(string text)
    {
        var (any, inWord) = (false, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var isCased = IsCased(rune);
            if (isCased && Rune.IsLower(rune) != inWord) return false;
            (any, inWord) = (any || isCased, isCased);
        }
        return any;
    }

    private static bool IsCased(Rune rune) =>
        Rune.IsUpper(rune) || Rune.IsLower(rune) || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.TitlecaseLetter;

    private static string Words(string text, Func<Rune, bool> isInside, Func<string, string> start, RenderState state)
    {
        state.Charge(WordCost * (long)text.Length);
        var result = new StringBuilder(text.Length);
        var lower = Lower(text);
        var inside = false;
        for (int i = 0, at = 0; i < text.Length;)
        {
            var width = i + 1 < text.Length && char.IsSurrogatePair(text, i) ? 2 : 1;
            var character = text.Substring(i, width);
            var lowered = LowerWidth(character);
            result.Append(inside ? lower.AsSpan(at, lowered) : start(character));
            inside = Rune.TryGetRuneAt(text, i, out var rune) && isInside(rune);
            (i, at) = (i + width, at + lowered);
        }
        return result.ToString();
    }

    /// <summary>Title case; the Georgian letters have none, though they have an upper case.</summary>
    private static string TitleOf(string character) =>
        FullCaseMapping.Title.TryGetValue(character, out var title) ? title : character[0] is >= '\u10d0' and <= '\u10ff'
            ? character : Upper(character);

    private static int LowerWidth(string character) => character == "\u0130" ? 2 : character.Length;

    private static string Map(string text, Dictionary<string, string> special, Func<string> plain)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\x7f') || !text.AsSpan().ContainsAny(FullCaseMapping.Starts)) return plain();
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var width = char.IsSurrogatePair(text, i) ? 2 : 1;
            var character = text.Substring(i, width);
            result.Append(special.TryGetValue(character, out var mapped) ? mapped : character.ToUpperInvariant());
            i += width - 1;
        }
        return result.ToString();
    }

    /// <summary>Whether a sigma ends a word: a cased letter before it and none after it, marks in between not counted.</summary>
    private static bool IsFinal(string text, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsIgnorable(text[before])) before--;
        var after = at + 1;
        while (after < text.Length && IsIgnorable(text[after])) after++;
        return before >= 0 && IsCasedUnit(text[before]) && !(after < text.Length && IsCasedUnit(text[after]));
    }

    private static bool IsCasedUnit(char unit) => Rune.TryCreate(unit, out var rune) && IsCased(rune);

    private static bool IsIgnorable(char unit) =>
        unit is '\'' or '.' or ':' or '^' or '`' or '\u00b7' or '\u2019' || char.GetUnicodeCategory(unit)
        is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.EnclosingMark
        or System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.ModifierLetter
            or System.Globalization.UnicodeCategory.ModifierSymbol;
}
