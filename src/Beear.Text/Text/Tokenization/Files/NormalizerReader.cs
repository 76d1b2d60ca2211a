using System.Text;
using Beear.Text.Tokenization.Normalizers;

namespace Beear.Text.Tokenization.Files;

/// <summary>Reads normalizers.</summary>
internal static class NormalizerReader
{
    /// <summary>Reads one; sequences with all that is in them.</summary>
    /// <exception cref="BeearException">It is damaged, or of a kind that is not supported.</exception>
    public static INormalizer Read(JsonPart part, PatternReader patterns) => part.Finish<INormalizer>(part.Kind switch
    {
        "Sequence" => new NormalizerSequence([.. part.Parts("normalizers").Select(inner => Read(inner, patterns))]),
        "NFC" => new UnicodeNormalizer(NormalizationForm.FormC),
        "NFD" => new UnicodeNormalizer(NormalizationForm.FormD),
        "NFKC" => new UnicodeNormalizer(NormalizationForm.FormKC),
        "NFKD" => new UnicodeNormalizer(NormalizationForm.FormKD),
        "Nmt" => new NmtNormalizer(),
        "Lowercase" => new LowercaseNormalizer(),
        "Strip" => new StripNormalizer(part.Flag("strip_left", true), part.Flag("strip_right", true)),
        "StripAccents" => new StripAccentsNormalizer(onlyNonSpacing: false),
        "Prepend" => new PrependNormalizer(part.Text("prepend")),
        "Replace" => new ReplaceNormalizer(patterns.Read(part), part.Text("content")),
        "Precompiled" => ReadPrecompiled(part),
        "ByteLevel" => new ByteLevelNormalizer(),
        "BertNormalizer" => ReadBert(part),
        var kind => throw part.Unsupported(kind),
    });

    private static INormalizer ReadPrecompiled(JsonPart part)
    {
        string map = part.OptionalText("precompiled_charsmap") ?? "";
        if (map.Length == 0) return new NormalizerSequence([]);
        byte[] bytes = new byte[map.Length];
        return Convert.TryFromBase64String(map, bytes, out int count)
            ? new PrecompiledNormalizer(bytes.AsSpan(0, count))
            : throw new BeearException("The normalizer's \"precompiled_charsmap\" is not in base 64.");
    }

    private static NormalizerSequence ReadBert(JsonPart part)
    {
        bool lowercase = part.Flag("lowercase", true);
        var steps = new List<INormalizer>();
        if (part.Flag("clean_text", true)) steps.Add(new CleanTextNormalizer());
        if (part.Flag("handle_chinese_chars", true)) steps.Add(new ChineseCharactersNormalizer());
        if (part.Flag("strip_accents", lowercase)) steps.AddRange(
            [new UnicodeNormalizer(NormalizationForm.FormD), new StripAccentsNormalizer(onlyNonSpacing: true)]);
        if (lowercase) steps.Add(new LowercaseNormalizer());
        return new NormalizerSequence(steps);
    }
}
