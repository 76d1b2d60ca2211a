using System.Text;

namespace Beear.Data;

/// <summary>
/// Runs of words, by which it shows that two texts have a passage in common. Case, accents and punctuation make no difference; a hyphen
/// divides words, an apostrophe does not.
/// </summary>
internal static class WordRuns
{
    /// <summary>How many words in a row are more than chance.</summary>
    public const int Length = 6;

    /// <summary>Every run of six words in a text; a shorter text is one run.</summary>
    public static IEnumerable<string> Of(string text)
    {
        string[] words = Words(text);
        int last = Math.Max(0, words.Length - Length);
        return words.Length == 0 ? [] : Enumerable.Range(0, last + 1).Select(i => string.Join(' ', words.Skip(i).Take(Length)));
    }

    /// <summary>The runs of six words that a form has without its task.</summary>
    public static IEnumerable<string> OfForm(string form) =>
        form.Split(["{do}", "{doing}", "{it}"], StringSplitOptions.None).Where(part => Words(part).Length >= Length).SelectMany(Of);

    private static string[] Words(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var letter in FoldedText.Fold(text).EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(letter)) plain.Append(letter);
            else if (letter.Value != '\'') plain.Append(' ');
        }
        return plain.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
