using System.Text.Json.Nodes;
using Beear.Lab.World;
using Beear.Text;
using Beear.Text.Files;

namespace Beear.Tests.Text.Files;

/// <summary>vocab.json and merges.txt in place of tokenizer.json.</summary>
public class VocabularyFilesTests
{
    private static readonly string[] Texts =
    [
        "name a red thing", "don't STOP: 12345 1 22\n\n  x\ty", " <|user|>\nhow are you?<|end|>\n", "é e\u0301 日本語 🙂",
            "\"quoted\"  spaces   ", "",
    ];

    [Theory]
    [InlineData("GPT2Tokenizer", "llama", null, "ByteLevel")]
    [InlineData("GPT2TokenizerFast", "llama", null, "ByteLevel")]
    [InlineData(null, "granite", null, "ByteLevel")]
    [InlineData("GPTNeoXTokenizerFast", "llama", "NFC", "ByteLevel")]
    [InlineData("Qwen2Tokenizer", "llama", "NFC", Qwen2)]
    [InlineData(null, "qwen3", "NFC", Qwen2)]
    public void They_give_the_ids_of_the_tokenizer_json_that_the_class_stands_for(string? tokenizerClass, string modelType,
        string? normalizer, string preTokenizer)
    {
        var json = JsonFile.Read(Path.Combine(Organism.BaseDirectory, "tokenizer.json"));
        var folder = Split(Organism.BaseDirectory, json, tokenizerClass, modelType);
        json["normalizer"] = normalizer is null ? null : new JsonObject { ["type"] = normalizer };
        if (preTokenizer != "ByteLevel") json["pre_tokenizer"] = JsonNode.Parse(preTokenizer);
        Same(Tokenizer.FromJson(json, "tokenizer.json"), Load(folder));
    }

    [Fact]
    public void SmolLM2_comes_back_from_its_vocabulary_and_merges()
    {
        var source = Fixtures.Shared("models", "smollm2-135m-instruct");
        var json = JsonFile.Read(Path.Combine(source, "tokenizer.json"));
        var folder = Split(source, json, tokenizerClass: null, modelType: null);
        var loaded = Load(folder);
        Assert.Equal([1, 2], new[] { "<|im_start|>", "<|im_end|>" }.SelectMany(token => loaded.Encode(token)));
        Same(Tokenizer.FromJson(json, "tokenizer.json"), loaded);
    }

    [Fact]
    public void A_begin_of_sequence_token_is_added_where_the_config_says_so()
    {
        var folder = Split(Organism.BaseDirectory, JsonFile.Read(Path.Combine(Organism.BaseDirectory, "tokenizer.json")),
            "GPT2Tokenizer", "llama");
        Change(folder, "tokenizer_config.json", json =>
            (json["add_bos_token"], json["bos_token"], json["add_prefix_space"]) = (true, "<|user|>", true));
        var tokenizer = Load(folder);
        Assert.Equal([1, .. tokenizer.Encode("name")], tokenizer.Encode("name", addSpecialTokens: true));
        Assert.Equal("Ġ", tokenizer.TokenOf(tokenizer.Encode("name")[0])[..1]);
    }

    [Theory]
    [InlineData("BloomTokenizerFast", "llama", "BloomTokenizerFast")]
    [InlineData(null, "llama", "llama")]
    [InlineData("PreTrainedTokenizerFast", "qwen2", "PreTrainedTokenizerFast")]
    public void An_unknown_rule_is_one_sentence(string? tokenizerClass, string modelType, string named)
    {
        var folder = Split(Organism.BaseDirectory, JsonFile.Read(Path.Combine(Organism.BaseDirectory, "tokenizer.json")),
            tokenizerClass, modelType);
        var message = Assert.Throws<BeearException>(() => Load(folder)).Message;
        Assert.Contains($"'{named}'", message, StringComparison.Ordinal);
        Assert.Contains("fetch the model's tokenizer.json", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("merges.txt", "#version: 0.2\na b c\n", "merges.txt', line 2: 'a b c' is not two tokens with a space between them")]
    [InlineData("merges.txt", "a zzz\n", "\"zzz\", which its vocabulary does not have")]
    [InlineData("vocab.json", """{"a":"x"}""", "vocab.json': the id of 'a' is no whole number from 0")]
    [InlineData("vocab.json", """{"a":-1}""", "vocab.json': the id of 'a' is no whole number from 0")]
    [InlineData("vocab.json", "[]", "vocab.json' is not a JSON object")]
    public void Damaged_files_are_named(string file, string content, string sentence)
    {
        var folder = Split(Organism.BaseDirectory, JsonFile.Read(Path.Combine(Organism.BaseDirectory, "tokenizer.json")),
            "GPT2Tokenizer", "llama");
        File.WriteAllText(Path.Combine(folder, file), content);
        Assert.Contains(sentence, Assert.Throws<BeearException>(() => Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_the_two_is_not_enough()
    {
        var folder = Split(Organism.BaseDirectory, JsonFile.Read(Path.Combine(Organism.BaseDirectory, "tokenizer.json")),
            "GPT2Tokenizer", "llama");
        File.Delete(Path.Combine(folder, "merges.txt"));
        Assert.Contains("merges.txt", Assert.Throws<BeearException>(() => Load(folder)).Message, StringComparison.Ordinal);
    }

    private const string Qwen2 = """
        {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
        "behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
        """;

    private static void Same(Tokenizer expected, Tokenizer actual)
    {
        Assert.Equal(expected.VocabularySize, actual.VocabularySize);
        foreach (var text in Texts)
        {
            Assert.Equal(expected.Encode(text), actual.Encode(text));
            Assert.Equal(expected.Decode(expected.Encode(text), skipSpecialTokens: true),
                actual.Decode(actual.Encode(text), skipSpecialTokens: true));
        }
    }

    /// <summary>A model's small files with its tokenizer.json taken apart.</summary>
    private static string Split(string source, JsonObject tokenizer, string? tokenizerClass, string? modelType)
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var name in new[] { "config.json", "tokenizer_config.json", "generation_config.json" })
            if (File.Exists(Path.Combine(source, name))) File.WriteAllBytes(Path.Combine(folder, name),
                File.ReadAllBytes(Path.Combine(source, name)));
        var merges = tokenizer["model"]!["merges"]!.AsArray()
            .Select(merge => merge is JsonArray pair ? $"{pair[0]} {pair[1]}" : (string)merge!);
        File.WriteAllText(Path.Combine(folder, "vocab.json"), tokenizer["model"]!["vocab"]!.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "merges.txt"), $"#version: 0.2\n{string.Join('\n', merges)}\n");
        var added = tokenizer["added_tokens"]!.AsArray().ToDictionary(token => $"{token!["id"]}", token => (JsonNode?)token!.DeepClone());
        Change(folder, "tokenizer_config.json", json =>
        {
            json["added_tokens_decoder"] = new JsonObject(added);
            if (modelType is null) return;
            json.Remove("tokenizer_class");
            if (tokenizerClass is not null) json["tokenizer_class"] = tokenizerClass;
        });
        if (modelType is not null) Change(folder, "config.json", json => json["model_type"] = modelType);
        return folder;
    }

    private static void Change(string folder, string name, Action<JsonObject> change)
    {
        var path = Path.Combine(folder, name);
        var json = JsonFile.Read(path);
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    private static Tokenizer Load(string folder) => ChatFormat.Load(folder).Tokenizer;
}
