using System.Text;
using System.Text.Json.Nodes;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Normalizers;
using CsCheck;

namespace Beear.Tests.Text.Tokenization;

public class NormalizersTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("naïve café")]
    [InlineData("日本語 한국어 🙂🏽 👩‍👩‍👧 ❤️")]
    public void Text_in_composed_form_stays_as_it_is(string text) =>
        Assert.Equal(text, new UnicodeNormalizer(NormalizationForm.FormC).Normalize(text, new EncodingBudget(1000)));

    [Theory]
    [InlineData("e\u0301", NormalizationForm.FormC, "é")]
    [InlineData("\u212B", NormalizationForm.FormC, "Å")]
    [InlineData("\u1112\u1161\u11AB", NormalizationForm.FormC, "한")]
    [InlineData("é", NormalizationForm.FormD, "e\u0301")]
    [InlineData("ﬁ", NormalizationForm.FormKC, "fi")]
    public void Text_that_is_not_normal_is_changed(string text, NormalizationForm form, string expected) =>
        Assert.Equal(expected, new UnicodeNormalizer(form).Normalize(text, new EncodingBudget(1000)));

    [Fact]
    public void All_four_forms_are_those_of_another_implementation()
    {
        // Every character with a decomposition by itself, and random strings of such characters, marks and Hangul; V8's data are newer, not
        // older.
        var changing = Enumerable.Range(0, 0x30000).Where(code => Rune.IsValid(code) && HasData(code)).ToArray();
        var random = new Random(3);
        var texts = changing.Select(char.ConvertFromUtf32)
            .Concat(Enumerable.Range(0, 3000).Select(_ => string.Concat(Enumerable.Range(0, 8).Select(_ => RandomCharacter())))).ToArray();
        var input = new JsonObject { ["normalize"] = new JsonArray([.. texts.Select(text => JsonValue.Create(text))]) };
        Fixtures.NpmPackage("@huggingface/tokenizers", "package.json");
        var expected = NodeProcess.Run("tokenize.mjs", input)["normalized"]!.AsArray();
        NormalizationForm[] forms = [NormalizationForm.FormC, NormalizationForm.FormD, NormalizationForm.FormKC, NormalizationForm.FormKD];
        for (int form = 0; form < forms.Length; form++)
        {
            var normalizer = new UnicodeNormalizer(forms[form]);
            for (int i = 0; i < texts.Length; i++) Assert.Equal(expected[i]![form]!.GetValue<string>(),
                normalizer.Normalize(texts[i], new EncodingBudget(1000)));
        }

        string RandomCharacter() => random.Next(4) switch
        {
            0 => char.ConvertFromUtf32(random.Next(0x300, 0x34F)),
            1 => char.ConvertFromUtf32(random.Next(2) == 0 ? random.Next(0x1100, 0x1200) : random.Next(0xAC00, 0xD7A4)),
            2 => ((char)random.Next('A', 'z')).ToString(),
            _ => char.ConvertFromUtf32(changing[random.Next(changing.Length)]),
        };
    }

    [Theory]
    [InlineData("a\u0001b\u000B\u001F\tc\u200B\uFEFFd▁", "ab c  d ")]
    public void Nmt_drops_control_characters_and_makes_white_space_spaces(string text, string expected) =>
        Assert.Equal(expected, new NmtNormalizer().Normalize(text, new EncodingBudget(1000)));

    [Theory]
    [InlineData("a\u0001\u000B\u000C\u0085\tb\nc\u00A0\u200D\uFFFD\u3000d", "a b c  d")]
    public void BERT_drops_control_characters_before_white_space_becomes_spaces(string text, string expected) =>
        Assert.Equal(expected, new CleanTextNormalizer().Normalize(text, new EncodingBudget(1000)));

    [Theory]
    [InlineData("İΣς STRASSE ẞ Ǆ 𐐀", "i\u0307σς strasse ß ǆ 𐐨")]
    public void Lower_case_is_character_by_character(string text, string expected) =>
        Assert.Equal(expected, new LowercaseNormalizer().Normalize(text, new EncodingBudget(1000)));

    [Fact]
    public void Replacements_that_grow_without_end_are_stopped()
    {
        var doubling = new ReplaceNormalizer(new LiteralPattern("a"), "aa");
        Assert.Throws<BeearException>(() =>
            new NormalizerSequence([.. Enumerable.Repeat(doubling, 100)]).Normalize("a", new EncodingBudget(1000)));
    }

    [Fact]
    public void A_precompiled_map_replaces_the_shortest_entry_of_small_graphemes_and_else_of_characters()
    {
        // "a" → "x", "é" (two bytes) → "e", "日" (three bytes) → "": a trie of 1024 units at fixed places.
        var normalizer = new PrecompiledNormalizer(CharacterMap(("a", "x"), ("é", "e"), ("日", "")));
        Assert.Equal("xbe-本x", normalizer.Normalize("abé-日本a", new EncodingBudget(1000)));
        Assert.Equal("e\u0301x", normalizer.Normalize("e\u0301a", new EncodingBudget(1000)));
        Assert.Equal("x", normalizer.Normalize("a\u0301", new EncodingBudget(1000))); // three bytes together begin with "a"
        // too many bytes: each character by itself
        Assert.Equal("x\u0301\u0301\u0301", normalizer.Normalize("a\u0301\u0301\u0301", new EncodingBudget(1000)));
    }

    [Fact]
    public void A_damaged_map_is_refused()
    {
        Assert.Throws<BeearException>(() => new PrecompiledNormalizer([1, 2]));
        Assert.Throws<BeearException>(() => new PrecompiledNormalizer([255, 255, 255, 255, 0, 0, 0, 0]));
        Assert.Throws<BeearException>(() =>
            new PrecompiledNormalizer([4, 0, 0, 0, 255, 255, 255, 255]).Normalize("abc", new EncodingBudget(1000)));
        Gen.Byte.Array[4, 200].Sample(bytes =>
        {
            try
            {
                new PrecompiledNormalizer([16, 0, 0, 0, .. bytes]).Normalize("abc é 日本 e\u0301", new EncodingBudget(1000));
            }
            catch (BeearException)
            {
                // Damaged, and said so.
            }
        });
    }

    /// <summary>
    /// A map in the form of a double array: node n's child by byte b lies at offset(n) ^ b; here each node has 256 units of its own.
    /// </summary>
    internal static byte[] CharacterMap(params (string From, string To)[] entries)
    {
        var nodes = new List<Dictionary<byte, int>> { new() };
        var values = new Dictionary<int, int>();
        var strings = new List<byte>();
        foreach (var (from, to) in entries)
        {
            int node = 0;
            foreach (byte next in Encoding.UTF8.GetBytes(from))
            {
                if (!nodes[node].TryGetValue(next, out int child))
                {
                    nodes[node][next] = child = nodes.Count;
                    nodes.Add([]);
                }
                node = child;
            }
            values[node] = strings.Count;
            strings.AddRange([.. Encoding.UTF8.GetBytes(to), 0]);
        }
        // The children of node n are in the block n + 1; the unit of a child holds the distance from its own place to its block, by
        // exclusive or.
        var units = new uint[(nodes.Count + 1) * 256];
        units[0] = (uint)(256 << 10);
        var places = new int[nodes.Count];
        for (int node = 0; node < nodes.Count; node++)
        {
            foreach (var (next, child) in nodes[node])
            {
                places[child] = ((node + 1) * 256) ^ next;
                uint offset = (uint)(places[child] ^ ((child + 1) * 256));
                units[places[child]] = (offset << 10) | next | (values.ContainsKey(child) ? 0x100u : 0);
            }
            if (values.TryGetValue(node, out int value)) units[(node + 1) * 256] = (uint)value | 0x80000000;
        }
        return [.. BitConverter.GetBytes(units.Length * 4), .. units.SelectMany(BitConverter.GetBytes), .. strings];
    }

    private static bool HasData(int codePoint)
    {
        var parts = new List<int>();
        UnicodeDecompositions.Instance.Decompose(codePoint, compatibly: true, parts);
        return parts is not [var only] || only != codePoint || UnicodeDecompositions.Instance.CombiningClass(codePoint) != 0;
    }
}
