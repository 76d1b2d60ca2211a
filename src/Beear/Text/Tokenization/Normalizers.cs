using System.Globalization;
using System.Text;

namespace Beear.Text.Tokenization;

/// <summary>Rewrites text before it is split; implementations are thread-safe.</summary>
internal interface INormalizer
{
    /// <summary>The text as the rest of the tokenizer shall see it.</summary>
    string Normalize(string text);
}

/// <summary>One after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> parts) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => parts.Aggregate(text, (current, part) => part.Normalize(current));
}

/// <summary>Unicode normalization: NFC, NFD, NFKC, NFKD.</summary>
/// <remarks>
/// With invariant globalization, which this product runs in so as not to need ICU, .NET's own normalization returns its input unchanged
/// (as of .NET 10). Then text that needs none passes, and other text is refused: silently different ids would be worse.
/// </remarks>
internal sealed class UnicodeNormalizer(NormalizationForm form) : INormalizer
{
    private static readonly bool RuntimeNormalizes = "e\u0301".Normalize(NormalizationForm.FormC).Length == 1;

    /// <summary>
    /// Ranges that hold all characters which are neither marks nor stable under NFC: those replaced by others, conjoining Hangul letters.
    /// They are generous; being inside only means not to be sure.
    /// </summary>
    private static readonly (int First, int Last)[] UnstableUnderFormC =
    [
        (0x0374, 0x0374), (0x037E, 0x037E), (0x0387, 0x0387), (0x0958, 0x095F), (0x09DC, 0x09DF), (0x0A33, 0x0A5E), (0x0B5C, 0x0B5D),
        (0x0F43, 0x0FB9), (0x1160, 0x11FF), (0x1F71, 0x1FFD), (0x2000, 0x2001), (0x2126, 0x212B), (0x2329, 0x232A), (0x2ADC, 0x2ADC),
        (0xF900, 0xFAFF), (0xFB1D, 0xFB4F), (0x11300, 0x113FF), (0x16D60, 0x16D6F), (0x1D15E, 0x1D1C0), (0x2F800, 0x2FA1F),
    ];

    /// <inheritdoc/>
    public string Normalize(string text)
    {
        if (text.EnumerateRunes().All(IsStable)) return text;
        return RuntimeNormalizes ? text.Normalize(form) : throw new BeearException(
            $"The tokenizer asks for Unicode normalization ({form}) of \"{Shorten(text)}\", which needs ICU and this program runs without it; compose the text's accents before.");
    }

    private bool IsStable(Rune rune)
    {
        if (rune.Value < 0xA0) return true;
        if (form != NormalizationForm.FormC) return false;
        if (rune.Value < 0x300) return true;
        bool isMark = Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
        bool isVariationSelector = rune.Value is (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF);
        return (!isMark || isVariationSelector) && !UnstableUnderFormC.Any(range => rune.Value >= range.First && rune.Value <= range.Last);
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
}
