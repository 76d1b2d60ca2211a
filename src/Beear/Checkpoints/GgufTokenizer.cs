using System.Text.Json.Nodes;

namespace Beear.Checkpoints;

/// <summary>A GGUF file's tokenizer and chat template as Hugging Face's tokenizer.json and tokenizer_config.json.</summary>
internal static class GgufTokenizer
{
    private const long Unknown = 2, Control = 3, UserDefined = 4, Unused = 5;

    // The pre-tokenizers of llama.cpp that equal one of these three of Hugging Face.
    private static readonly string[] WordsOfGpt2 = ["gpt-2", "gpt2"];
    private static readonly string[] SingleDigitsThenGpt2 = ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"];
    private static readonly string[] Llama3 = ["llama-bpe", "llama3", "llama-v3"];

    private const string Llama3Words =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Adds tokenizer files that do not lie beside the GGUF file; they are made when they are first asked for.</summary>
    public static void AddMissing(GgufFile file, ModelFiles files)
    {
        if (!files.Has(ModelFiles.Tokenizer)) files.AddMissing(ModelFiles.Tokenizer, () => TokenizerJson(file));
        files.AddMissing(ModelFiles.TokenizerConfig, () => TokenizerConfigJson(file));
    }

    private static JsonObject TokenizerJson(GgufFile file)
    {
        var metadata = file.Metadata;
        var model = metadata.Text("tokenizer.ggml.model");
        if (model != "gpt2")
        {
            throw new BeearException(
                $"'{file.Path}' has a tokenizer of the kind '{model}', and of GGUF files only 'gpt2' (byte-level BPE) can be read; " +
                "put the model's tokenizer.json and tokenizer_config.json beside it.");
        }
        var tokens = Tokens(file);
        var merges = metadata.Array("tokenizer.ggml.merges")?.ToStrings()
            ?? throw GgufFile.Error(file.Path, "its metadata lack tokenizer.ggml.merges");
        var types = metadata.Array("tokenizer.ggml.token_type")?.ToIntegers() ?? new long[tokens.Length];
        if (types.Length != tokens.Length) throw GgufFile.Error(file.Path, $"it has {tokens.Length} tokens but {types.Length} token types");
        var kind = metadata.Text("tokenizer.ggml.pre") ?? "default";

        var vocabulary = new JsonObject();
        var added = new JsonArray();
        for (var id = 0; id < tokens.Length; id++)
        {
            if (types[id] == Unused) continue;
            if (!vocabulary.TryAdd(tokens[id], JsonValue.Create(id)))
                throw GgufFile.Error(file.Path, $"its vocabulary has the token '{tokens[id]}' twice");
            if (types[id] is Unknown or Control or UserDefined)
                added.Add(AddedToken(id, tokens[id], special: types[id] != UserDefined));
        }
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = PreTokenizer(kind) ?? throw new BeearException(
                $"'{file.Path}' splits text by the pre-tokenizer '{kind}', which is not known here; " +
                "put the model's tokenizer.json and tokenizer_config.json beside it."),
            ["post_processor"] = PostProcessor(file, tokens, Llama3.Contains(kind)),
            ["decoder"] = ByteLevel(useRegex: true),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = Llama3.Contains(kind),
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    private static JsonObject TokenizerConfigJson(GgufFile file)
    {
        var metadata = file.Metadata;
        var tokens = Tokens(file);
        var config = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["add_prefix_space"] = false,
            ["clean_up_tokenization_spaces"] = false,
        };
        foreach (var (key, name) in new[] { ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding") })
        {
            if (TokenAt(file, tokens, name) is { } token) config[key] = token;
        }
        if (metadata.Integer("llama.context_length") is { } positions) config["model_max_length"] = positions;
        if (metadata.Text("tokenizer.chat_template") is { } template) config["chat_template"] = template;
        return config;
    }

    private static string[] Tokens(GgufFile file) =>
        file.Metadata.Array("tokenizer.ggml.tokens")?.ToStrings() ?? throw GgufFile.Error(file.Path, "its metadata lack tokenizer.ggml.tokens");

    private static string? TokenAt(GgufFile file, string[] tokens, string name)
    {
        if (file.Metadata.Integer($"tokenizer.ggml.{name}_token_id") is not { } id) return null;
        return id >= 0 && id < tokens.Length
            ? tokens[id]
            : throw GgufFile.Error(file.Path, $"its {name} token {id} is not among {tokens.Length} tokens");
    }

    private static JsonObject AddedToken(int id, string content, bool special) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = special,
    };

    private static JsonObject? PreTokenizer(string kind)
    {
        if (WordsOfGpt2.Contains(kind)) return ByteLevel(useRegex: true);
        if (SingleDigitsThenGpt2.Contains(kind))
            return Sequence(new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, ByteLevel(useRegex: true));
        if (!Llama3.Contains(kind)) return null;
        var split = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = Llama3Words },
            ["behavior"] = "Isolated",
            ["invert"] = false,
        };
        return Sequence(split, ByteLevel(useRegex: false));
    }

    /// <summary>What puts the first and last token around a text where the model was trained with them.</summary>
    private static JsonObject? PostProcessor(GgufFile file, string[] tokens, bool firstByDefault)
    {
        var first = file.Metadata.Truth("tokenizer.ggml.add_bos_token") ?? firstByDefault ? TokenAt(file, tokens, "bos") : null;
        var last = file.Metadata.Truth("tokenizer.ggml.add_eos_token") ?? false ? TokenAt(file, tokens, "eos") : null;
        if (first is null && last is null) return null;
        var specials = new JsonObject();
        foreach (var token in new[] { first, last }.OfType<string>().Distinct())
        {
            specials[token] = new JsonObject
            {
                ["id"] = token,
                ["ids"] = new JsonArray(Array.IndexOf(tokens, token)),
                ["tokens"] = new JsonArray(token),
            };
        }
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = Around(first, last, ("A", 0)),
            ["pair"] = Around(first, last, ("A", 0), ("B", 1)),
            ["special_tokens"] = specials,
        };
    }

    private static JsonArray Around(string? first, string? last, params (string Id, int Type)[] sequences)
    {
        var parts = new JsonArray();
        foreach (var (id, type) in sequences)
        {
            if (first is not null) parts.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = first, ["type_id"] = type } });
            parts.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type } });
            if (last is not null) parts.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = last, ["type_id"] = type } });
        }
        return parts;
    }

    private static JsonObject Sequence(params JsonNode[] steps) => new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(steps) };

    private static JsonObject ByteLevel(bool useRegex) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = false,
        ["trim_offsets"] = true,
        ["use_regex"] = useRegex,
    };
}
