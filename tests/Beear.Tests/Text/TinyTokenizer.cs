using System.Text;
using System.Text.Json.Nodes;
using Beear.Text;
using Beear.Text.Tokenization;

namespace Beear.Tests.Text;

/// <summary>Hand-written tokenizer.json files: the 256 bytes as ids 0–255, then merges, then added tokens.</summary>
internal static class TinyTokenizer
{
    public const string WholeText = """{ "type": "ByteLevel", "add_prefix_space": false, "use_regex": false }""";
    public const string Words = """{ "type": "ByteLevel", "add_prefix_space": false, "use_regex": true }""";

    /// <summary>The tokenizer.json; <paramref name="change"/> may alter it before it is read.</summary>
    public static Tokenizer Create(string preTokenizer = WholeText, string[]? merges = null, string[]? added = null,
        Action<JsonObject>? change = null)
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++) vocabulary[ByteAlphabet.Write((byte)value).ToString()] = value;
        foreach (var merge in merges ?? []) vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        var root = new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. (added ?? []).Select(token => JsonNode.Parse(token))]),
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. (merges ?? []).Select(merge => JsonValue.Create(merge))]),
            },
        };
        change?.Invoke(root);
        return Tokenizer.FromJson(Encoding.UTF8.GetBytes(root.ToJsonString()), "tokenizer.json");
    }
}
