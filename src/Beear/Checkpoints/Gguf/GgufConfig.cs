using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Gguf;

/// <summary>A GGUF file's metadata as Hugging Face's config.json and generation_config.json.</summary>
internal sealed class GgufConfig
{
    private const long LargestSize = 1L << 31, MostLayers = 10_000;
    private readonly GgufFile file;

    /// <summary>Reads and checks what the weights need.</summary>
    /// <exception cref="BeearException">The architecture is not known, or a size is missing or out of range.</exception>
    public GgufConfig(GgufFile file)
    {
        this.file = file;
        var name = file.Metadata.Text("general.architecture");
        Architecture = GgufArchitectures.Named(name) ?? throw new BeearException(
            $"'{file.Path}' is of the architecture '{name}', and from GGUF files only {GgufArchitectures.Names} can be read; " +
            "use the model's Hugging Face directory.");
        if (file.Metadata.Integer(Key("expert_count")) > 0) throw new BeearException(
            $"'{file.Path}' is a mixture of experts, which cannot be read.");
        if (file.Metadata.Integer("split.count") is > 1 and var parts)
            throw new BeearException($"'{file.Path}' is one of {parts} parts of a model; join them with "
                + "llama.cpp's llama-gguf-split --merge.");
        HiddenSize = Needed("embedding_length");
        Layers = Needed("block_count");
        if (Layers > MostLayers) throw GgufFile.Error(file.Path, $"its {Layers} layers are not believable");
        Heads = Needed("attention.head_count");
        KeyValueHeads = Size("attention.head_count_kv") ?? Heads;
        var rotated = Size("rope.dimension_count");
        HeadSize = Size("attention.key_length") ?? (Architecture.PartialRotary ? null : rotated) ?? HiddenSize / Heads;
        RotatedSize = rotated ?? HeadSize;
        if (HeadSize < 2 || HeadSize % 2 != 0) throw GgufFile.Error(file.Path, $"its head size {HeadSize} is not a positive even number");
        if (Size("attention.value_length") is { } values && values != HeadSize)
            throw new BeearException($"'{file.Path}' has value heads of {values} and key heads of {HeadSize}, which cannot "
                + "be computed here.");
        if (RotatedSize != HeadSize && !(Architecture.PartialRotary && RotatedSize < HeadSize && RotatedSize % 2 == 0))
            throw new BeearException($"'{file.Path}' rotates {RotatedSize} of {HeadSize} elements of a head, which {Architecture.Name} "
                + "models cannot do.");
    }

    /// <summary>What the file's architecture is.</summary>
    public GgufArchitecture Architecture { get; }

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

    /// <summary>How many elements of a head are rotated.</summary>
    public long RotatedSize { get; }

    /// <summary>The file.</summary>
    public GgufFile File => file;

    /// <summary>A metadata key of the architecture.</summary>
    public string Key(string key) => $"{Architecture.Name}.{key}";

    /// <summary>A real number of the architecture, or null.</summary>
    public double? Real(string key) => file.Real(Key(key));

    /// <summary>A size of the architecture, or null where it is not given.</summary>
    /// <exception cref="BeearException">It is no whole number from 1 to 2³¹ − 1.</exception>
    public long? Size(string key)
    {
        if (!file.Metadata.TryGetValue(Key(key), out var value)) return null;
        return file.Metadata.Integer(Key(key)) is { } number and > 0 and < LargestSize
            ? number
            : throw GgufFile.Error(file.Path, $"{Key(key)} is {value}, which is not a whole number in range");
    }

    /// <summary>config.json.</summary>
    /// <exception cref="BeearException">A value is missing, or has no Hugging Face form.</exception>
    public JsonObject ToJson()
    {
        var (epsilonKey, epsilonName) = Architecture.NormEpsilon;
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(Architecture.ClassName),
            ["model_type"] = Architecture.ModelType,
            ["hidden_size"] = HiddenSize,
            ["intermediate_size"] = Needed("feed_forward_length"),
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["max_position_embeddings"] = Needed("context_length"),
            [epsilonName] = Real(epsilonKey) ?? throw Missing(epsilonKey),
            ["rope_theta"] = Real("rope.freq_base") ?? GgufRotaryScaling.DefaultBase,
            ["rope_scaling"] = GgufRotaryScaling.ToJson(this),
            ["tie_word_embeddings"] = !file.Tensors.ContainsKey(GgufTensorNames.Output),
            ["vocab_size"] = VocabularySize(),
            ["torch_dtype"] = "float32",
        };
        foreach (var (key, value) in Architecture.Constants) config[key] = value;
        foreach (var (key, tensor) in Architecture.Flags) config[key] = file.Tensors.ContainsKey(tensor);
        foreach (var (metadataKey, key) in Architecture.Numbers)
        {
            if (Real(metadataKey) is { } number) config[key] = number;
        }
        GgufSpecialConfig.AddTo(config, this);
        foreach (var (key, token) in new[] { ("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding") })
        {
            if (file.Metadata.Integer($"tokenizer.ggml.{token}_token_id") is { } id) config[key] = id;
        }
        return config;
    }

    /// <summary>generation_config.json: the tokens that end a turn are those of the metadata, the end of a text among them.</summary>
    public JsonObject ToGenerationJson()
    {
        var metadata = file.Metadata;
        var config = new JsonObject();
        if (metadata.Integer("tokenizer.ggml.bos_token_id") is { } first) config["bos_token_id"] = first;
        var ends = new[] { "eos", "eot", "eom" }.Select(token => metadata.Integer($"tokenizer.ggml.{token}_token_id"))
            .OfType<long>().Distinct();
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
        if (!file.Tensors.TryGetValue(GgufTensorNames.Embedding, out var embedding) || embedding.Shape.Count != 2)
            throw GgufFile.Error(file.Path, "it has no token embedding 'token_embd.weight' of two dimensions");
        return embedding.Shape[0];
    }

    private long Needed(string key) => Size(key) ?? throw Missing(key);

    private BeearException Missing(string key) => GgufFile.Error(file.Path, $"its metadata lack {Key(key)}");
}
