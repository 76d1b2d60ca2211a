using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>The shapes and constants of a decoder-only transformer, read from a Hugging Face config.json.</summary>
/// <remarks>
/// The family is chosen by <c>model_type</c>, never by a name or path. A key that changes the mathematics and is not understood is
/// an error: a model that is silently computed differently is worse than one that is refused.
/// </remarks>
public sealed record ModelConfig
{
    /// <summary><c>model_type</c>, e.g. "llama".</summary>
    public required string ModelType { get; init; }

    /// <summary>V: entries of the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>d: width of the hidden states.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>L: decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>H: query heads.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>G: key/value heads; divides H.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>D: width of a head; even.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Longest sequence that the model was made for, in tokens.</summary>
    public required int MaximumPositions { get; init; }

    /// <summary>The rotary embedding's constants.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>ε of RMSNorm.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether the output head is the embedding table.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether the attention's four projections have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the feed-forward's three projections have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The checkpoint's tensors that such a model is made of, each once.</summary>
    public IEnumerable<ParameterPart> Tensors => WeightLayout.Of(this).SelectMany(slot => slot.Parts);

    /// <summary>Parameters in all, tied ones counted once.</summary>
    public long ParameterCount => Tensors.Sum(part => part.ElementCount);

    /// <summary>The families that are understood, as <c>model_type</c> names them.</summary>
    public static IReadOnlyList<string> Families { get; } = ["llama"];

    /// <summary>Keys that other families use to change the mathematics; present with a meaning, they are refused by name.</summary>
    private static readonly string[] UnsupportedKeys =
    [
        "attn_logit_softcapping", "final_logit_softcapping", "logit_scale", "logits_scaling", "embedding_multiplier", "residual_multiplier",
        "attention_multiplier", "quantization_config", "num_local_experts", "num_experts", "no_rope_layers", "use_qk_norm", "qk_layernorm",
    ];

    /// <summary>Reads a config.json.</summary>
    /// <param name="json">The parsed file.</param>
    /// <exception cref="BeearException">A key is missing, out of range, contradictory, or changes the mathematics and is not known.</exception>
    public static ModelConfig FromJson(JsonObject json)
    {
        var keys = new ConfigKeys(json);
        var type = keys.Text("model_type");
        if (!Families.Contains(type))
            throw new BeearException($"config.json: model_type '{type}' is not a supported family; supported: {string.Join(", ", Families)}.");
        foreach (var key in UnsupportedKeys.Where(keys.Has))
            throw new BeearException($"config.json: '{key}' changes the mathematics and is not known for model_type '{type}'; this model cannot be computed faithfully.");
        if (keys.Has("sliding_window") && keys.Flag("use_sliding_window", whenAbsent: true))
            throw new BeearException($"config.json: 'sliding_window' is not known for model_type '{type}'; this model cannot be computed faithfully.");
        if (keys.Text("hidden_act", "silu") is not ("silu" or "swish") and var activation)
            throw new BeearException($"config.json: hidden_act '{activation}' is not known for model_type '{type}'; it must be silu.");

        int hiddenSize = keys.Count("hidden_size"), queryHeads = keys.Count("num_attention_heads");
        int keyValueHeads = keys.Count("num_key_value_heads", whenAbsent: queryHeads);
        int headSize = keys.Count("head_dim", whenAbsent: hiddenSize / queryHeads);
        if (queryHeads % keyValueHeads != 0)
            throw new BeearException($"config.json: num_attention_heads {queryHeads} is not a multiple of num_key_value_heads {keyValueHeads}.");
        if (headSize % 2 != 0 || headSize == 0)
            throw new BeearException($"config.json: head_dim must be even and positive, it is {headSize}.");
        int maximumPositions = keys.Count("max_position_embeddings", whenAbsent: 2048);
        return new ModelConfig
        {
            ModelType = type,
            VocabularySize = keys.Count("vocab_size"),
            HiddenSize = hiddenSize,
            FeedForwardSize = keys.Count("intermediate_size"),
            Layers = keys.Count("num_hidden_layers"),
            QueryHeads = queryHeads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            MaximumPositions = maximumPositions,
            Rotary = RotaryConfig.FromJson(json, headSize, maximumPositions),
            NormEpsilon = keys.Number("rms_norm_eps", 1e-6),
            TiedEmbeddings = keys.Flag("tie_word_embeddings"),
            AttentionBias = keys.Flag("attention_bias"),
            FeedForwardBias = keys.Flag("mlp_bias"),
        };
    }
}
