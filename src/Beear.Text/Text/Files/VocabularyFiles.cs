using System.Text;
using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>
/// A byte-level tokenizer in two files, vocab.json and merges.txt, as a tokenizer.json. How text is cut into words they do not say: its
/// class does.
/// </summary>
internal static class VocabularyFiles
{
    private const string VersionLine = "#version";

    /// <summary>What transformers makes of a class: the pre-tokenizer by its GGUF name, and the normalizer.</summary>
    private static readonly Dictionary<string, (string PreTokenizer, string? Normalizer)> Classes = new(StringComparer.Ordinal)
    {
        ["GPT2Tokenizer"] = ("gpt-2", null),
        ["GPTNeoXTokenizer"] = ("gpt-2", "NFC"),
        ["Qwen2Tokenizer"] = ("qwen2", "NFC"),
    };

    /// <summary>The class of a family whose files name none.</summary>
    private static readonly Dictionary<string, string> ClassOfFamily = new(StringComparer.Ordinal)
    {
        ["qwen2"] = "Qwen2Tokenizer",
        ["qwen3"] = "Qwen2Tokenizer",
        ["granite"] = "GPT2Tokenizer",
        ["exaone4"] = "GPT2Tokenizer",
        ["starcoder2"] = "GPT2Tokenizer",
        ["olmo2"] = "GPTNeoXTokenizer",
        ["stablelm"] = "GPTNeoXTokenizer",
    };

    /// <summary>Whether both files are there.</summary>
    public static bool AreIn(ModelFiles files) => files.Has(ModelFiles.Vocabulary) && files.Has(ModelFiles.Merges);

    /// <summary>Writes the tokenizer.json.</summary>
    /// <exception cref="BeearException">The tokenizer's class is not known, or a file is damaged.</exception>
    public static JsonObject TokenizerJson(ModelFiles files)
    {
        var (kind, normalizer) = Rule(files);
        var config = files.Json(ModelFiles.TokenizerConfig) ?? [];
        var preTokenizer = NamedPreTokenizer.Named(kind)!.ToJson();
        if (preTokenizer.Text("type") == "ByteLevel") preTokenizer["add_prefix_space"] = IsSet(config, "add_prefix_space");
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = normalizer is null ? null : new JsonObject { ["type"] = normalizer },
            ["pre_tokenizer"] = preTokenizer,
            ["decoder"] = NamedPreTokenizer.ByteLevel(useRegex: true),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = ReadVocabulary(files),
                ["merges"] = new JsonArray([.. ReadMerges(files)]),
            },
        };
        AddedTokenFiles.Join(json, files, ModelFiles.Vocabulary);
        json["post_processor"] = PostProcessor(files, config, json["added_tokens"]!.AsArray());
        return json;
    }

    private static (string PreTokenizer, string? Normalizer) Rule(ModelFiles files)
    {
        var config = files.Json(ModelFiles.Config);
        var family = config?.Text("model_type") ?? "";
        var stated = files.Json(ModelFiles.TokenizerConfig)?.Text("tokenizer_class") ?? config?.Text("tokenizer_class");
        var name = stated ?? ClassOfFamily.GetValueOrDefault(family) ?? "";
        if (name.EndsWith("Fast", StringComparison.Ordinal)) name = name[..^"Fast".Length];
        if (Classes.TryGetValue(name, out var rule)) return rule;
        throw new BeearException(
            $"'{files.Source}' has its tokenizer as {ModelFiles.Vocabulary} and {ModelFiles.Merges}, and how a tokenizer of the " +
            $"{(stated is null ? "family" : "class")} '{stated ?? family}' cuts text into words is not known here; " +
            $"fetch the model's {ModelFiles.Tokenizer} too.");
    }

    private static JsonObject ReadVocabulary(ModelFiles files)
    {
        var vocabulary = files.Json(ModelFiles.Vocabulary)!;
        foreach (var (token, id) in vocabulary)
        {
            if (!(id is JsonValue value && value.TryGetValue<int>(out var number) && number >= 0))
                throw Damaged(files, ModelFiles.Vocabulary, $": the id of '{token}' is no whole number from 0");
        }
        return vocabulary;
    }

    private static IEnumerable<JsonNode> ReadMerges(ModelFiles files)
    {
        var lines = Encoding.UTF8.GetString(files.Bytes(ModelFiles.Merges)!).Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var merge = lines[i].TrimEnd('\r');
            if (merge.Length == 0 || merge.StartsWith(VersionLine, StringComparison.Ordinal)) continue;
            if (merge.Split(' ') is not [{ Length: > 0 }, { Length: > 0 }])
                throw Damaged(files, ModelFiles.Merges, $", line {i + 1}: '{merge}' is not two tokens with a space between them");
            yield return JsonValue.Create(merge);
        }
    }

    private static BeearException Damaged(ModelFiles files, string name, string fault) =>
        new($"'{Path.Combine(files.Source, name)}'{fault}; fetch it again.");

    /// <summary>The first and last token, where tokenizer_config.json wants them around a text.</summary>
    private static JsonObject? PostProcessor(ModelFiles files, JsonObject config, JsonArray added)
    {
        var specials = ChatFormatFiles.SpecialTokens(files);
        var ids = added.OfType<JsonObject>().ToDictionary(token => token.Text("content")!, token => token["id"]!.GetValue<int>());
        string? Wanted(string flag, string key) =>
            IsSet(config, flag) && specials.GetValueOrDefault(key) is string token && ids.ContainsKey(token) ? token : null;
        var (first, last) = (Wanted("add_bos_token", "bos_token"), Wanted("add_eos_token", "eos_token"));
        if (first is null && last is null) return null;
        var described = new JsonObject();
        foreach (var token in new[] { first, last }.OfType<string>().Distinct())
            described[token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(ids[token]), ["tokens"] = new JsonArray(token) };
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = Around(first, last, ("A", 0)),
            ["pair"] = Around(first, last, ("A", 0), ("B", 1)),
            ["special_tokens"] = described,
        };
    }

    private static JsonArray Around(string? first, string? last, params (string Id, int Type)[] sequences)
    {
        static JsonObject Part(string kind, string id, int type) => new() { [kind] = new JsonObject { ["id"] = id, ["type_id"] = type } };
        var parts = new JsonArray();
        foreach (var (id, type) in sequences)
        {
            if (first is not null) parts.Add(Part("SpecialToken", first, type));
            parts.Add(Part("Sequence", id, type));
            if (last is not null) parts.Add(Part("SpecialToken", last, type));
        }
        return parts;
    }

    private static bool IsSet(JsonObject config, string key) =>
        config[key] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;
}
