using System.Globalization;

namespace Beear.Text.Tokenization;

/// <summary>
/// Patterns of tokenizers speak of code points, those of .NET of UTF-16 units. A text whose code points outside the basic plane are
/// replaced by a character of their class, twice, has the same length and the same matches.
/// </summary>
internal static class CodePointClasses
{
    private const char Letter = 'ª', Number = '²', Mark = '\u0300', Other = '¤';

    /// <summary>The text to match on; the text itself if it has no surrogates.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')) return text;
        return string.Create(text.Length, text, static (classes, source) =>
        {
            source.CopyTo(classes);
            for (int i = 0; i < source.Length; i++)
            {
                if (!char.IsSurrogate(source[i])) continue;
                char shown = CharUnicodeInfo.GetUnicodeCategory(source, i) switch
                {
                    <= UnicodeCategory.OtherLetter => Letter,
                    <= UnicodeCategory.EnclosingMark => Mark,
                    <= UnicodeCategory.OtherNumber => Number,
                    _ => Other,
                };
                classes[i] = shown;
                if (i + 1 < source.Length && char.IsSurrogatePair(source, i)) classes[++i] = shown;
            }
        });
    }
}
