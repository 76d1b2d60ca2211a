using System.Text;

namespace Beear.Tests.Text;

/// <summary>Random texts of words, scripts, spaces, control characters, emoji and long runs.</summary>
internal static class RandomTexts
{
    private static readonly string[] Fragments =
    [
        "the", " quick", "Brown", "FOX", " don't", "I'VE", "we'll", "naïve", "Ünïcödé", "straße", "日本語", "中文字符", "한국어", "кириллица",
            "العربية", "हिन्दी", "ไทย",
        "e\u0301", "ﬁ", "½", "①", "🙂", "👩‍👩‍👧", "🏽", "𝟙𝟚", "𠀀", "𝐀bc", "1234567", "3.14", "-5", "_x_", "<0x41>", "▁", "#", "##", "</w>",
            "<s>", "</s>", "<unk>",
        "<bos>", "[UNK]", "<|im_start|>", " ", "  ", "     ", "\t", "\n", "\n\n", "\r\n", "\u00A0", "\u3000", "\u200B", "\u200D", "\uFEFF",
            "\u0000", "\u0007", "\u007F",
        ".", ",", "!", "?!", "...", "(", ")", "{}", "\"", "'", "$", "+=", "@", "\\", "/", "`", "~", "aaaaaaaaaaaaaaaa", "abababab", "zzz",
            "xyzzy", "Ａ", "İ", "Σς", "ſ", "K",
    ];

    /// <summary>The same texts for the same seed.</summary>
    public static string[] Create(int count, int seed) => Create(count, seed, Fragments);

    /// <summary>The same texts for the same seed, of fragments and of single characters.</summary>
    public static string[] Create(int count, int seed, IReadOnlyList<string> fragments)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Create(random, fragments))];
    }

    private static string Create(Random random, IReadOnlyList<string> fragments)
    {
        var text = new StringBuilder();
        for (int parts = random.Next(1, 20); parts > 0; parts--)
        {
            string fragment = random.Next(8) == 0 ? RandomCharacter(random) : fragments[random.Next(fragments.Count)];
            text.Insert(text.Length, fragment, random.Next(10) == 0 ? random.Next(1, 12) : 1);
            if (random.Next(3) == 0) text.Append(' ');
        }
        return text.ToString();
    }

    private static string RandomCharacter(Random random)
    {
        int limit = random.Next(3) switch { 0 => 0x80, 1 => 0x3000, _ => 0x20000 };
        while (true)
        {
            int codePoint = random.Next(limit);
            if (Rune.IsValid(codePoint) && Rune.GetUnicodeCategory(
                new Rune(codePoint)) != System.Globalization.UnicodeCategory.OtherNotAssigned)
                return char.ConvertFromUtf32(codePoint);
        }
    }
}
