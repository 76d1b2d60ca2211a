using System.Text.Json.Nodes;

namespace Beear.Checkpoints;

/// <summary>A GGUF file's metadata as Hugging Face's config.json and generation_config.json of the Llama family.</summary>
internal sealed class GgufConfig
{
    private const string Architecture = "llama";
    private const string Epsilon = "attention.layer_norm_rms_epsilon";
    private const long LargestSize = 1L << 31;
    private readonly GgufFile file;

    /// <summary>Reads and checks what the weights need.</summary>
    /// <exception cref="BeearException">The architecture is another one, or a size is missing or out of range.</exception>
    public GgufConfig(GgufFile file)
    {
        this.file = file;
        var architecture = file.Metadata.Text("general.architecture");
        if (architecture != Architecture)
        {
            throw new BeearException(
                $"'{file.Path}' is of the architecture '{architecture}', and from GGUF files only '{Architecture}' can be read; " +
                "use the model's Hugging Face directory.");
        }
        if (file.Metadata.Integer($"{Architecture}.expert_count") > 0)
            throw new BeearException($"'{file.Path}' is a mixture of experts, which cannot be read.");
        HiddenSize = Needed("embedding_length");
        Layers = Needed("block_count");
        Heads = Needed("attention.head_count");
        KeyValueHeads = Optional("attention.head_count_kv") ?? Heads;
        HeadSize = Optional("attention.key_length") ?? Optional("rope.dimension_count") ?? HiddenSize / Heads;
        if (HeadSize < 2 || HeadSize % 2 != 0) throw GgufFile.Error(file.Path, $"its head size {HeadSize} is not a positive even number");
        if (Optional("attention.value_length") is { } values && values != HeadSize)
            throw new BeearException($"'{file.Path}' has value heads of {values} and key heads of {HeadSize}, which Llama models cannot have.");
        if (Optional("rope.dimension_count") is { } rotary && rotary != HeadSize)
            throw new BeearException($"'{file.Path}' rotates {rotary} of {HeadSize} elements of a head, which Llama models cannot do.");
    }

    /// <summary>d.</summary>
    public long HiddenSize { get; }

    /// <summary>L.</summary>
    public long Layers { get; }

    /// <summary>H.</summary>
    public long Heads { get; }

    /// <summary>G.</summary>
    public long KeyValueHeads { get; }

    /// <summary>D.</summary>
    public long HeadSize { get; }

    /// <summary>config.json.</summary>
    /// <exception cref="BeearException">A value is missing, or the rotary scaling has no Hugging Face form.</exception>
    public JsonObject ToJson()
    {
        var metadata = file.Metadata;
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_size"] = HiddenSize,
            ["intermediate_size"] = Needed("feed_forward_length"),
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["hidden_act"] = "silu",
            ["attention_bias"] = file.Tensors.ContainsKey("blk.0.attn_q.bias"),
            ["mlp_bias"] = file.Tensors.ContainsKey("blk.0.ffn_gate.bias"),
            ["max_position_embeddings"] = Needed("context_length"),
            ["rms_norm_eps"] = file.Real($"{Architecture}.{Epsilon}") ?? throw Missing(Epsilon),
            ["rope_theta"] = file.Real($"{Architecture}.rope.freq_base") ?? 10_000.0,
            ["rope_scaling"] = GgufRotaryScaling.ToJson(file, HeadSize),
            ["tie_word_embeddings"] = !file.Tensors.ContainsKey("output.weight"),
            ["vocab_size"] = VocabularySize(),
            ["torch_dtype"] = "float32",
        };
        foreach (var (key, token) in new[] { ("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding") })
        {
            if (metadata.Integer($"tokenizer.ggml.{token}_token_id") is { } id) config[key] = id;
        }
        return config;
    }

    /// <summary>generation_config.json: the tokens that end a turn are those of the metadata, the end of a text among them.</summary>
    public JsonObject ToGenerationJson()
    {
        var metadata = file.Metadata;
        var config = new JsonObject();
        if (metadata.Integer("tokenizer.ggml.bos_token_id") is { } first) config["bos_token_id"] = first;
        var ends = new[] { "eos", "eot", "eom" }.Select(token => metadata.Integer($"tokenizer.ggml.{token}_token_id")).OfType<long>().Distinct();
        config["eos_token_id"] = new JsonArray([.. ends.Select(id => JsonValue.Create(id))]);
        if (metadata.Integer("tokenizer.ggml.padding_token_id") is { } padding) config["pad_token_id"] = padding;
        return config;
    }

    /// <summary>Refuses a config.json that lies beside the file but belongs to a model of other sizes.</summary>
    /// <exception cref="BeearException">A size differs.</exception>
    public void CheckBelongsTo(JsonObject config)
    {
        var sizes = new (string Key, long Value)[]
        {
            ("hidden_size", HiddenSize), ("num_hidden_layers", Layers), ("num_attention_heads", Heads),
            ("num_key_value_heads", KeyValueHeads), ("intermediate_size", Needed("feed_forward_length")), ("vocab_size", VocabularySize()),
        };
        foreach (var (key, value) in sizes)
        {
            if (config[key] is JsonValue stated && !(stated.TryGetValue<long>(out var size) && size == value))
            {
                throw new BeearException(
                    $"The config.json beside '{file.Path}' is of another model: {key} is {stated} there and {value} in the GGUF file; " +
                    "give each a directory of its own.");
            }
        }
    }

    private long VocabularySize()
    {
        if (!file.Tensors.TryGetValue("token_embd.weight", out var embedding) || embedding.Shape.Count != 2)
            throw GgufFile.Error(file.Path, "it has no token embedding 'token_embd.weight' of two dimensions");
        return embedding.Shape[0];
    }

    private long Needed(string key) => Optional(key) ?? throw Missing(key);

    private long? Optional(string key)
    {
        if (!file.Metadata.TryGetValue($"{Architecture}.{key}", out var value)) return null;
        return file.Metadata.Integer($"{Architecture}.{key}") is { } number and > 0 and < LargestSize
            ? number
            : throw GgufFile.Error(file.Path, $"{Architecture}.{key} is {value}, which is not a whole number in range");
    }

    private BeearException Missing(string key) => GgufFile.Error(file.Path, $"its metadata lack {Architecture}.{key}");
}
