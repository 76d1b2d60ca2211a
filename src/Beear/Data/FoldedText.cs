using System.Globalization;
using System.Text;
using Beear.Text.Tokenization.Normalizers;

namespace Beear.Data;

/// <summary>Text in the form in which phrases are compared.</summary>
internal static class FoldedText
{
    private const string Apostrophes = "’‘‛ʼʻ`´′＇";
    private const string Quotes = "“”„‟«»「」『』＂";

    /// <summary>
    /// Small letters in their compatibility forms and without accents, straight quotes, no invisible characters; spaces of all kinds are
    /// one space. It goes code point by code point, so the folded beginning is the beginning of the folded text.
    /// </summary>
    public static string Fold(string text) => Fold(text, int.MaxValue, out _);

    /// <summary>The same of a beginning.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="limit">How long it gets; of the text no more than four times as much is read.</param>
    /// <param name="isCut">Whether text is left.</param>
    public static string Fold(string text, int limit, out bool isCut)
    {
        var folded = new StringBuilder();
        var parts = new List<int>();
        int read = 0;
        while (read < text.Length && folded.Length < limit && read / 4 < limit)
        {
            var status = Rune.DecodeFromUtf16(text.AsSpan(read), out var rune, out int length);
            read += length;
            if (status == System.Buffers.OperationStatus.Done) Append(rune, parts, folded);
        }
        isCut = read < text.Length;
        return folded.ToString();
    }

    private static void Append(Rune rune, List<int> parts, StringBuilder folded)
    {
        if (rune.IsBmp && AsPunctuation((char)rune.Value) is { } mark)
        {
            folded.Append(mark);
            return;
        }
        parts.Clear();
        UnicodeDecompositions.Instance.Decompose(rune.Value, compatibly: true, parts);
        foreach (int part in parts)
        {
            var letter = Rune.ToLowerInvariant(new Rune(part));
            if (Rune.IsWhiteSpace(letter) && letter.Value != '\n') AppendSpace(folded);
            else if (!IsInvisible(part)) folded.Append(letter);
        }
    }

    private static void AppendSpace(StringBuilder folded)
    {
        if (folded.Length > 0 && folded[^1] != ' ') folded.Append(' ');
    }

    private static char? AsPunctuation(char character) =>
        Apostrophes.Contains(character) ? '\'' : Quotes.Contains(character) ? '"' : character == 'ı' ? 'i' : null;

    /// <summary>Accents, and what has no shape of its own.</summary>
    private static bool IsInvisible(int codePoint) =>
        UnicodeDecompositions.Instance.CombiningClass(codePoint) != 0
        || Rune.GetUnicodeCategory(new Rune(codePoint)) is UnicodeCategory.Format or UnicodeCategory.Control && codePoint != '\n'
        || codePoint is >= 0xFE00 and <= 0xFE0F;
}
