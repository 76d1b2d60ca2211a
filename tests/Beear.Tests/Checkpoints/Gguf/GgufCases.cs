using System.Text.Json.Nodes;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>Small models of every family with a tokenizer, as Hugging Face directories.</summary>
internal static class GgufCases
{
    private const int Vocabulary = 128;
    private const string Template = "{% for message in messages %}{{ message['content'] }}{% endfor %}";

    private const string Llama3Words =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>
    /// Of a model of the parity folder its directory with a tokenizer; where GGUF cannot say what its config does (which no published
    /// model of the family does), that is changed.
    /// </summary>
    public static string FromParity(string name)
    {
        var source = Fixtures.Parity("models", name);
        var folder = Fixtures.TemporaryFolder();
        foreach (var path in Directory.GetFiles(source, "model*")) File.CreateSymbolicLink(
            Path.Combine(folder, Path.GetFileName(path)), path);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!.AsObject();
        if (config.ContainsKey("query_pre_attn_scalar")) config["query_pre_attn_scalar"] = config["head_dim"]!.DeepClone();
        if (config.ContainsKey("no_rope_layers")) config["no_rope_layers"] = new JsonArray(1, 1, 1, 0);
        return Complete(folder, config);
    }

    /// <summary>A family without a model in the parity folder, or another rotary scaling: random weights.</summary>
    public static string Random(string modelType, Action<JsonObject> change)
    {
        var config = TinyDecoder.Config(json =>
        {
            json["model_type"] = modelType;
            json["vocab_size"] = Vocabulary;
            json["hidden_size"] = 64;
            json["intermediate_size"] = 96;
            change(json);
        });
        var source = Complete(Fixtures.TemporaryFolder(), config);
        using var model = LanguageModel.Fresh(source, seed: 3, ModelOptions.Float32);
        using (no_grad())
        {
            foreach (var parameter in model.Decoder.Weights.Parameters)
            {
                // norms and biases that matter
                if (parameter.Master.dim() < 2) parameter.Master.add_(arange(parameter.Master.numel()).sin() * 0.2);
                else parameter.Master.mul_(6);
            }
        }
        var folder = Path.Combine(Fixtures.TemporaryFolder(), "model");
        model.Save(folder);
        return folder;
    }

    private static string Complete(string folder, JsonObject config)
    {
        config["eos_token_id"] = 2;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer((string)config["model_type"]!).ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            new JsonObject
            {
                ["bos_token"] = "<s>",
                ["eos_token"] = "</s>",
                ["pad_token"] = "<pad>",
                ["chat_template"] = Template
            }.ToJsonString());
        return folder;
    }

    /// <summary>
    /// A byte-level tokenizer of 3 special tokens, the visible ASCII characters, and merges up to 120 tokens: fewer than the model has.
    /// </summary>
    private static JsonObject Tokenizer(string modelType)
    {
        string[] merges =
        [
            "t h", "th e", "Ġ the", "i n", "a n", "an d", "Ġ and", "e r", "o n", "Ġ a", "Ġ t", "o r", "r e", "Ġ s", "Ġ w", "in g", "1 2",
                "Ġ i", "' s", "o u", "l l",
        ];
        var tokens = new List<string> { "<pad>", "<s>", "</s>" };
        tokens.AddRange(Enumerable.Range('!', '~' - '!' + 1).Select(letter => ((char)letter).ToString()));
        tokens.AddRange(["Ġ", "Ċ"]);
        tokens.AddRange(merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)));
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. Enumerable.Range(0, 3).Select(id => (JsonNode)Added(id, tokens[id]))]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = PreTokenizer(modelType),
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["ignore_merges"] = modelType == "llama",
                ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    /// <summary>What published models of the families have.</summary>
    private static JsonNode PreTokenizer(string modelType) => JsonNode.Parse(modelType switch
    {
        "olmo2" or "llama" or "smollm3" => Split(Llama3Words),
        "qwen2" or "qwen3" or "stablelm" => Split(Llama3Words.Replace("{1,3}", "", StringComparison.Ordinal)),
        "granite" or "starcoder2" => """
            { "type": "Sequence", "pretokenizers": [{ "type": "Digits", "individual_digits": true }, { "type": "ByteLevel", "add_prefix_space": false }] }
            """,
        _ => """{ "type": "ByteLevel", "add_prefix_space": false }""",
    })!;

    private static string Split(string pattern) => new JsonObject
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { ["Regex"] = pattern },
                ["behavior"] = "Isolated",
                ["invert"] = false
            },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
    }.ToJsonString();

    private static JsonObject Added(int id, string content) =>
        new() { ["id"] = id, ["content"] = content, ["special"] = true, ["normalized"] = false };
}
