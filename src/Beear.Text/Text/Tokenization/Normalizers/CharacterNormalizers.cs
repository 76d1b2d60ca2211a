using System.Globalization;
using System.Text;

namespace Beear.Text.Tokenization.Normalizers;

/// <summary>Rewrites each character by itself.</summary>
internal abstract class CharacterNormalizer : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        var written = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) Append(rune, written);
        return written.ToString();
    }

    /// <summary>Appends what becomes of one character.</summary>
    protected abstract void Append(Rune rune, StringBuilder output);
}

/// <summary>Lower case, character by character and after no language's own rules.</summary>
internal sealed class LowercaseNormalizer : CharacterNormalizer
{
    private const int CapitalIWithDot = 0x130; // the one character whose lower case is two

    /// <inheritdoc/>
    protected override void Append(Rune rune, StringBuilder output)
    {
        if (rune.Value == CapitalIWithDot)
            output.Append("i\u0307");
        else
            output.Append(Rune.ToLowerInvariant(rune));
    }
}

/// <summary>Drops marks; a decomposition before it makes that the accents.</summary>
/// <param name="onlyNonSpacing">Drop non-spacing marks only, instead of all three kinds.</param>
internal sealed class StripAccentsNormalizer(bool onlyNonSpacing) : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Append(Rune rune, StringBuilder output)
    {
        var category = Rune.GetUnicodeCategory(rune);
        bool isDropped = category == UnicodeCategory.NonSpacingMark ||
            (!onlyNonSpacing && category is UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark);
        if (!isDropped) output.Append(rune);
    }
}

/// <summary>Drops control characters and makes unusual white space a space, as machine translation does (nmt).</summary>
internal sealed class NmtNormalizer : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Append(Rune rune, StringBuilder output)
    {
        switch (rune.Value)
        {
            case (>= 0x1 and <= 0x8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F:
                break;
            case 0x9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD:
                output.Append(' ');
                break;
            default:
                output.Append(rune);
                break;
        }
    }
}

/// <summary>BERT's first step: drops control characters, but makes the tabulator, line breaks and all other white space spaces.</summary>
internal sealed class CleanTextNormalizer : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Append(Rune rune, StringBuilder output)
    {
        bool isDropped = rune.Value is not ('\t' or '\n' or '\r') && (rune.Value == 0xFFFD ||
            Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse);
        if (isDropped) return;
        if (Rune.IsWhiteSpace(rune))
            output.Append(' ');
        else
            output.Append(rune);
    }
}

/// <summary>BERT's second step: spaces around each Chinese character.</summary>
internal sealed class ChineseCharactersNormalizer : CharacterNormalizer
{
    /// <inheritdoc/>
    protected override void Append(Rune rune, StringBuilder output)
    {
        if (IsChinese(rune.Value))
            output.Append(' ').Append(rune).Append(' ');
        else
            output.Append(rune);
    }

    private static bool IsChinese(int codePoint) => codePoint is
        (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or
        (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
