using System.Globalization;
using System.Text;

namespace Beear.Cli.Output;

/// <summary>Makes text that a model or a file wrote safe to show.</summary>
internal static class Terminal
{
    private const int ZeroWidthNonJoiner = 0x200C, ZeroWidthJoiner = 0x200D;

    /// <summary>
    /// Replaces everything that a terminal obeys rather than shows (control characters and so escape sequences, text direction
    /// overrides, invisible characters, broken surrogates) by its visible code, e.g. <c>\u{1b}</c>.
    /// </summary>
    /// <param name="text">Text from anywhere.</param>
    /// <param name="keepLines">Whether line feeds and tabs stay as they are; otherwise they are shown as \n and \t.</param>
    public static string Escape(string text, bool keepLines = false)
    {
        var safe = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            // A lone surrogate is shown by its code too; other text comes as whole characters.
            var whole = Rune.TryGetRuneAt(text, i, out var rune);
            var code = whole ? rune.Value : text[i];
            var length = whole ? rune.Utf16SequenceLength : 1;
            if (code is '\n' or '\t') safe.Append(keepLines ? ((char)code).ToString() : code == '\n' ? "\\n" : "\\t");
            else if (!whole || IsHidden(rune)) safe.Append(CultureInfo.InvariantCulture, $"\\u{{{code:x}}}");
            else safe.Append(text, i, length);
            i += length;
        }
        return safe.ToString();
    }

    /// <summary>The text on one line of at most a number of characters, cut with "…".</summary>
    public static string Excerpt(string text, int length)
    {
        var line = Escape(text);
        if (line.Length <= length) return line;
        var cut = char.IsHighSurrogate(line[length - 2]) ? length - 2 : length - 1;
        return $"{line[..cut]}…";
    }

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse => true,
        // Scripts and emoji need the two joiners.
        UnicodeCategory.Format => rune.Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner),
        _ => false,
    };
}
