using System.Buffers;
using System.Globalization;
using System.Text;

namespace Beear.Runtime;

/// <summary>Text that a model or a file wrote, with everything visible in it: for terminals, pages, pictures and tables.</summary>
internal static class VisibleText
{
    private const int ZeroWidthNonJoiner = 0x200C, ZeroWidthJoiner = 0x200D, EmojiStyle = 0xFE0F;

    /// <summary>The first letter of a script that is not Latin, Greek or Cyrillic: of those none needs a joiner.</summary>
    private const int FirstJoinedLetter = 0x0590;

    /// <summary>
    /// Letters and marks without a shape: blank letters of Hangul and Braille, joiners of graphemes, vowels of Khmer, variation selectors.
    /// </summary>
    private static readonly SearchValues<char> Blank = SearchValues.Create(
        "\u034F\u115F\u1160\u17B4\u17B5\u180B\u180C\u180D\u180F\u2800\u3164\uFFA0"
        + "\uFE00\uFE01\uFE02\uFE03\uFE04\uFE05\uFE06\uFE07\uFE08\uFE09\uFE0A\uFE0B\uFE0C\uFE0D\uFE0E\uFE0F");

    /// <summary>
    /// Replaces everything that is obeyed rather than shown (control characters and so escape sequences, text direction overrides,
    /// invisible characters, broken surrogates) by its visible code, e.g. <c>\u{1b}</c>.
    /// </summary>
    /// <param name="text">Text from anywhere.</param>
    /// <param name="keepLines">Whether line feeds and tabs stay as they are; otherwise they are shown as \n and \t.</param>
    /// <param name="behind">What is shown directly before it, where a text comes piece by piece.</param>
    public static string Of(string text, bool keepLines = false, string behind = "")
    {
        var safe = new StringBuilder(text.Length);
        _ = Rune.DecodeLastFromUtf16(behind, out var before, out _);
        for (var i = 0; i < text.Length;)
        {
            // A lone surrogate is shown by its code too; other text comes as whole characters.
            var whole = Rune.TryGetRuneAt(text, i, out var rune);
            var code = whole ? rune.Value : text[i];
            var length = whole ? rune.Utf16SequenceLength : 1;
            var isHidden = !whole || (IsHidden(rune) && !IsNeeded(rune, before));
            if (code is '\n' or '\t') safe.Append(keepLines ? ((char)code).ToString() : code == '\n' ? "\\n" : "\\t");
            else if (isHidden) safe.Append(CultureInfo.InvariantCulture, $"\\u{{{code:x}}}");
            else safe.Append(text, i, length);
            before = isHidden ? default : rune;
            i += length;
        }
        return safe.ToString();
    }

    /// <summary>The text on one line of at most a number of characters, cut with "…".</summary>
    public static string Excerpt(string text, int length)
    {
        var line = Of(text);
        if (line.Length <= length) return line;
        var cut = char.IsHighSurrogate(line[length - 2]) ? length - 2 : length - 1;
        return $"{line[..cut]}…";
    }

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.PrivateUse or UnicodeCategory.Format => true,
        _ => (rune.IsBmp && Blank.Contains((char)rune.Value))
            || rune.Value is >= 0xE0000 and <= 0xE0FFF or >= 0xFDD0 and <= 0xFDEF || (rune.Value & 0xFFFE) == 0xFFFE,
    };

    /// <summary>Emoji need joiners and a choice of style, and some scripts joiners; elsewhere they only hide something.</summary>
    private static bool IsNeeded(Rune rune, Rune before) => rune.Value switch
    {
        EmojiStyle => Rune.GetUnicodeCategory(before) == UnicodeCategory.OtherSymbol,
        ZeroWidthNonJoiner or ZeroWidthJoiner => before.Value == EmojiStyle || Rune.GetUnicodeCategory(before) switch
        {
            UnicodeCategory.OtherSymbol or UnicodeCategory.ModifierSymbol => true,
            UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark =>
                before.Value >= FirstJoinedLetter,
            _ => false,
        },
        _ => false,
    };
}
