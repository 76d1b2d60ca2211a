using System.Text.Json.Nodes;
using Beear.Tests.Text.Tokenization;
using Beear.Text.Tokenization;

namespace Beear.Tests.Text;

/// <summary>Hand-written tokenizer.json files, each for one kind of part.</summary>
internal static class SmallTokenizers
{
    private const string Metaspace = """{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true }""";
    private const string Spaces = """{ "type": "Replace", "pattern": { "String": "▁" }, "content": " " }""";
    private const string Llama2Decoder =
        $$"""{ "type": "Sequence", "decoders": [{{Spaces}}, { "type": "ByteFallback" }, { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] }""";

    private static readonly (string Name, string Json)[] Decoders =
    [
        ("Metaspace always", Metaspace), ("Metaspace never", Metaspace.Replace("always", "never", StringComparison.Ordinal)),
        ("WordPiece", """{ "type": "WordPiece", "prefix": "a", "cleanup": true }"""), ("CTC", """{ "type": "CTC", "pad_token": "e", "word_delimiter_token": "a", "cleanup": true }"""),
        ("Strip", """{ "type": "Strip", "content": "<", "start": 1, "stop": 0 }"""), ("Fuse, Strip", """{ "type": "Sequence", "decoders": [{ "type": "Fuse" }, { "type": "Strip", "content": "a", "start": 2, "stop": 1 }] }"""),
        ("Replace", """{ "type": "Replace", "pattern": { "Regex": "[</]" }, "content": "-" }"""), ("ByteFallback", """{ "type": "ByteFallback" }"""), ("ByteLevel", """{ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true }"""),
    ];

    /// <summary>Name and content.</summary>
    public static IReadOnlyDictionary<string, JsonObject> All { get; } = Create();

    /// <summary>
    /// Byte-pair encoding without merges in which the last character of each piece has an id of its own, so that ids show where pieces end.
    /// </summary>
    public static JsonObject Boundaries(string? normalizer = null, string? preTokenizer = null, string? decoder = null)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0, ["<unk></w>"] = 1 };
        var letters = Enumerable.Range(' ', 95).Select(code => ((char)code).ToString())
            .Concat(["▁", "é", "e\u0301", "\u0301", "日", "本", "語", "🙂", "½", "①", "ß", "ü", "Ü", "\t", "\n", "\r", "\u00A0", "\u3000",
                "к", "и", "р"]);
        foreach (string letter in letters.Where(letter => letter.EnumerateRunes().Count() == 1))
        {
            vocabulary[letter] = vocabulary.Count;
            vocabulary[letter + "</w>"] = vocabulary.Count;
        }
        return Json(
            new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
                ["unk_token"] = "<unk>",
                ["end_of_word_suffix"] = "</w>"
            },
            normalizer, preTokenizer, decoder ?? """{ "type": "BPEDecoder", "suffix": "</w>" }""");
    }

    /// <summary>A whole file.</summary>
    public static JsonObject Json(JsonNode model, string? normalizer = null, string? preTokenizer = null, string? decoder = null,
        string? postProcessor = null, string added = "[]") => new()
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = JsonNode.Parse(added),
            ["normalizer"] = Parse(normalizer),
            ["pre_tokenizer"] = Parse(preTokenizer),
            ["post_processor"] = Parse(postProcessor),
            ["decoder"] = Parse(decoder),
            ["model"] = model,
        };

    private static Dictionary<string, JsonObject> Create()
    {
        var all = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
        {
            ["unigram"] = Json(Unigram(byteFallback: false), preTokenizer: Metaspace, decoder: Metaspace, added: """[{ "id": 0, "content": "<unk>", "special": true, "normalized": false, "single_word": false, "lstrip": false, "rstrip": false }]"""),
            ["unigram, bytes"] = Json(Unigram(byteFallback: true), """{ "type": "Sequence", "normalizers": [{ "type": "NFKC" }, { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " }] }""",
                Metaspace.Replace("always", "first", StringComparison.Ordinal), Llama2Decoder),
            ["byte fallback"] = Json(WithBytes(fuse: true), """{ "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }] }""", null, Llama2Decoder),
            ["WordPiece"] = Json(
                new JsonObject
                {
                    ["type"] = "WordPiece",
                    ["unk_token"] = "[UNK]",
                    ["continuing_subword_prefix"] = "##",
                    ["max_input_chars_per_word"] = 100,
                    ["vocab"] = Ids("[UNK]", "[CLS]", "[SEP]", "the", "qui", "##ck", "##c", "q", "brown", "fox", "don", "'", "t", "i", "ve",
                    "we", "ll", "日", "本", "語", "na", "##ive", "1", "##2", "##3", "##4", ".", ",", "!", "?", "中", "-", "a", "##a", "##aa",
                    "##b", "strasse", "##x", "🙂", "unicode", "(", ")")
                },
                """{ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true }""",
                """{ "type": "BertPreTokenizer" }""", """{ "type": "WordPiece", "prefix": "##", "cleanup": false }""",
                """{ "type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1] }"""),
            ["WordLevel"] = Json(
                new JsonObject
                {
                    ["type"] = "WordLevel",
                    ["unk_token"] = "<unk>",
                    ["vocab"] = Ids("<unk>", "<s>", "</s>", "the", "quick", "Brown", "FOX", ".", ",", "?!", "...", "日本語", "don", "t", "'",
                    "3", "14", "_x_")
                },
                null, """{ "type": "BertPreTokenizer" }""", null, """{ "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": true, "add_prefix_space": true }"""),
            ["continuing prefix"] = Json(
                new JsonObject
                {
                    ["type"] = "BPE",
                    ["vocab"] = Ids("?", "a", "##a", "b", "##b", "aa", "##ab", "aab", "z", "##z", "##zz"),
                    ["merges"] = new JsonArray("a ##a", "##a ##b", "a ##ab", "##z ##z"),
                    ["unk_token"] = "?",
                    ["fuse_unk"] = true,
                    ["continuing_subword_prefix"] = "##"
                },
                null, """{ "type": "WhitespaceSplit" }""", """{ "type": "WordPiece", "prefix": "##", "cleanup": false }"""),
        };
        foreach (string kind in new[] { "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents" }) all[kind] = Boundaries(normalizer: $$"""{ "type": "{{kind}}" }""");
        foreach (string sides in new[] { "true, \"strip_right\": false", "false, \"strip_right\": true", "true, \"strip_right\": true" })
            all["Strip left " + sides] = Boundaries(normalizer: $$"""{ "type": "Strip", "strip_left": {{sides}} }""");
        all["Replace"] = Boundaries(normalizer: """{ "type": "Replace", "pattern": { "Regex": "[a-e]+(?=\\s|$)" }, "content": "<$1>" }""");
        foreach (string kind in new[] { "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Punctuation" }) all[kind] = Boundaries(preTokenizer: $$"""{ "type": "{{kind}}" }""");
        foreach (bool single in new[] { true, false }) all[$"Digits {single}"] = Boundaries(preTokenizer: $$"""{ "type": "Digits", "individual_digits": {{(single ? "true" : "false")}} }""");
        foreach (string scheme in new[] { "always", "first", "never" })
            foreach (string split in new[] { "true", "false" })
                all[$"Metaspace {scheme} {split}"] = Boundaries(preTokenizer: $$"""{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "{{scheme}}", "split": {{split}} }""");
        foreach (string behavior in new[] { "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous" })
            foreach (string invert in new[] { "false", "true" })
                all[$"Split {behavior} {invert}"] = Boundaries(preTokenizer: $$"""{ "type": "Split", "pattern": { "Regex": "\\d{1,3}|[^\\s\\p{L}]" }, "behavior": "{{behavior}}", "invert": {{invert}} }""");
        foreach (string settings in new[] { "\"lstrip\": true", "\"rstrip\": true", "\"lstrip\": true, \"rstrip\": true",
            "\"single_word\": true", "\"normalized\": true", "\"special\": true" })
        {
            var tokenizer = Boundaries(normalizer: """{ "type": "Lowercase" }""", preTokenizer: Metaspace.Replace("always", "first", StringComparison.Ordinal));
            tokenizer["added_tokens"] = Added(settings, tokenizer["model"]!["vocab"]!.AsObject().Count, "the", "##", "<s>", "İ");
            all["Added " + settings] = tokenizer;
        }
        foreach (string prefix in new[] { "true", "false" })
            foreach (string regex in new[] { "true", "false" })
                all[$"ByteLevel {prefix} {regex}"] = Bytes($$"""{ "type": "ByteLevel", "add_prefix_space": {{prefix}}, "use_regex": {{regex}}, "trim_offsets": true }""");
        all["ByteLevel normalizer"] = Bytes("""{ "type": "WhitespaceSplit" }""", """{ "type": "ByteLevel" }""");
        all["Precompiled"] = Boundaries(normalizer: $$"""{ "type": "Precompiled", "precompiled_charsmap": "{{Convert.ToBase64String(
            NormalizersTests.CharacterMap(("①", "1"), ("e\u0301", "é"), ("ﬁ", "fi"), ("日本", "語"), ("\u200B", ""), ("\u3000", " "), ("Ａ", "A"), ("\r\n", "\n"), ("½", "1/2")))}}" }""");
        string[] expressions = [@"\b\w+\b", "[^\\s[:punct:]]+", @"(?=(?:\d{3})+(?!\d))", @"[\w&&[^\d_]]+|(?i:[k-s])+$",
            @" ?\p{L}++|\s+(?!\S)|\s+"];
        foreach (string expression in expressions)
            all["Split at " + expression] = Boundaries(preTokenizer: $$"""{ "type": "Split", "pattern": { "Regex": {{JsonValue.Create(expression).ToJsonString()}} }, "behavior": "Isolated", "invert": false }""");
        foreach (var (name, decoder) in Decoders) all["Decoder " + name] = Boundaries(decoder: decoder);
        return all;
    }

    private static JsonArray Added(string settings, int firstId, params string[] contents)
    {
        var added = new JsonArray();
        foreach (string content in contents)
        {
            var token = new JsonObject { ["id"] = firstId + added.Count, ["content"] = content };
            var set = JsonNode.Parse($"{{ {settings} }}")!;
            foreach (string key in new[] { "single_word", "lstrip", "rstrip", "normalized", "special" }) token[key] =
                set[key]?.GetValue<bool>() ?? false;
            added.Add(token);
        }
        return added;
    }

    private static JsonObject Bytes(string preTokenizer, string? normalizer = null)
    {
        var vocabulary = Ids([.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.Write((byte)value).ToString()), "Ġt", "Ġth",
            "ab", "Ġ/", "ÃŃ"]);
        return Json(
            new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray("Ġ t", "Ġt h", "a b", "Ġ /", "Ã Ń") },
                normalizer, preTokenizer, Decoders[^1].Json);
    }

    private static JsonNode? Parse(string? json) => json is null ? null : JsonNode.Parse(json);

    private static JsonObject Ids(params string[] tokens)
    {
        var ids = new JsonObject();
        foreach (string token in tokens) ids.Add(token, ids.Count);
        return ids;
    }

    private static JsonObject Unigram(bool byteFallback)
    {
        var vocabulary = new JsonArray();
        void Add(string token, double score) => vocabulary.Add(new JsonArray(token, score));
        Add("<unk>", 0);
        if (byteFallback)
            for (int value = 0; value < 256; value++) Add($"<0x{value:X2}>", 0);
        foreach (string token in new[] { "▁", "▁the", "▁quick", "B", "row", "n", "▁do", "don", "t", "'", "a", "aa", "aaaa", "ab", "b", "ba",
            "abab", "日本", "日", "本", "語", "1", "12", "123", ".", "..", "z", "zz", "i", "▁i", "e", "▁▁", "x", "q", "u", "ck" })
            Add(token, -2.5 - (0.37 * vocabulary.Count % 7));
        return new JsonObject { ["type"] = "Unigram", ["unk_id"] = 0, ["byte_fallback"] = byteFallback, ["vocab"] = vocabulary };
    }

    private static JsonObject WithBytes(bool fuse)
    {
        var vocabulary = Ids("<unk>", "<s>", "</s>");
        for (int value = 0; value < 256; value++) vocabulary[$"<0x{value:X2}>"] = vocabulary.Count;
        foreach (string token in new[] { "▁", "t", "h", "e", "q", "u", "i", "c", "k", "a", "b", "日", "th", "the", "▁the", "▁▁", "▁▁▁▁",
            "ab", "abab", "aa", "aaaa" }) vocabulary[token] = vocabulary.Count;
        return new JsonObject
        {
            ["type"] = "BPE",
            ["unk_token"] = "<unk>",
            ["fuse_unk"] = fuse,
            ["byte_fallback"] = true,
            ["vocab"] = vocabulary,
            ["merges"] = new JsonArray("t h", "a b", "th e", "▁ ▁", "▁ the", "ab ab", "▁▁ ▁▁", "a a", "aa aa"),
        };
    }
}
