using System.Text.Json.Nodes;
using Beear.Text.Files;

namespace Beear.Checkpoints.Gguf;

/// <summary>The kinds of tokens, by their numbers in a GGUF file.</summary>
internal static class GgufTokenKind
{
    public const long Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;
}

/// <summary>A GGUF file's tokenizer and chat template as Hugging Face's tokenizer.json and tokenizer_config.json.</summary>
internal static class GgufTokenizer
{
    /// <summary>Adds tokenizer files that do not lie beside the GGUF file; they are made when they are first asked for.</summary>
    public static void AddMissing(GgufFile file, ModelFiles files)
    {
        files.AddMissing(ModelFiles.Tokenizer, () => TokenizerJson(file));
        files.AddMissing(ModelFiles.TokenizerConfig, () => TokenizerConfigJson(file));
    }

    private static JsonObject TokenizerJson(GgufFile file)
    {
        var model = file.Metadata.Text("tokenizer.ggml.model");
        var tokens = new GgufTokens(file);
        return model switch
        {
            "gpt2" => ByteLevel(file, tokens),
            "llama" => GgufSentencePiece.ToJson(file, tokens),
            _ => throw new BeearException(
                $"'{file.Path}' has a tokenizer of the kind '{model}', and of GGUF files only 'gpt2' (byte-level BPE) and 'llama' "
                    + "(SentencePiece) can be read; " +
                "put the model's tokenizer.json and tokenizer_config.json beside it."),
        };
    }

    private static JsonObject ByteLevel(GgufFile file, GgufTokens tokens)
    {
        var kind = file.Metadata.Text("tokenizer.ggml.pre") ?? "default";
        var preTokenizer = NamedPreTokenizer.Named(kind) ?? throw new BeearException(
            $"'{file.Path}' splits text by the pre-tokenizer '{kind}', which is not known here; " +
            "put the model's tokenizer.json and tokenizer_config.json beside it.");
        var merges = file.Metadata.Array("tokenizer.ggml.merges")?.ToStrings()
            ?? throw GgufFile.Error(file.Path, "its metadata lack tokenizer.ggml.merges");
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = tokens.Added(),
            ["normalizer"] = preTokenizer.Normalizer is { } normalizer ? new JsonObject { ["type"] = normalizer } : null,
            ["pre_tokenizer"] = preTokenizer.ToJson(),
            ["post_processor"] = tokens.PostProcessor(firstByDefault: preTokenizer.AddsFirst),
            ["decoder"] = NamedPreTokenizer.ByteLevel(useRegex: true),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = preTokenizer.IgnoresMerges,
                ["vocab"] = tokens.Vocabulary(),
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    private static JsonObject TokenizerConfigJson(GgufFile file)
    {
        var metadata = file.Metadata;
        var tokens = new GgufTokens(file);
        var config = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["add_prefix_space"] = false,
            ["clean_up_tokenization_spaces"] = false,
        };
        foreach (var (key, name) in new[] { ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"),
            ("pad_token", "padding") })
        {
            if (tokens.Special(name) is { } id) config[key] = tokens.Texts[id];
        }
        if (metadata.Integer($"{metadata.Text("general.architecture")}.context_length")
            is { } positions) config["model_max_length"] = positions;
        if (metadata.Text("tokenizer.chat_template") is { } template) config["chat_template"] = template;
        return config;
    }
}
