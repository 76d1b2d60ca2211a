namespace Beear.Checkpoints.Gguf;

/// <summary>The names of tensors in GGUF files and in Hugging Face's form; .weight or .bias follows each.</summary>
internal static class GgufTensorNames
{
    /// <summary>Factors of the rotary frequencies: part of the configuration in Hugging Face's form, not weights.</summary>
    public const string RotaryFactors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight",
        ShortFactors = "rope_factors_short.weight";

    /// <summary>The token embeddings and the output head.</summary>
    public const string Embedding = "token_embd.weight", Output = "output.weight";

    private const string LayerPrefix = "blk.", HuggingFaceLayerPrefix = "model.layers.";

    private static readonly Dictionary<string, string> Outside = new(StringComparer.Ordinal)
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> Attention = new(StringComparer.Ordinal)
    {
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
    };

    private static readonly Dictionary<string, string> HeadNorms = new(StringComparer.Ordinal)
    {
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
    };

    private static readonly Dictionary<string, string> FeedForward = new(StringComparer.Ordinal)
    {
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    private static readonly Dictionary<string, string> PreNorms = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["ffn_norm"] = "post_attention_layernorm",
    };

    /// <summary>Norms before the sublayers, separate projections.</summary>
    public static IReadOnlyDictionary<string, string> Plain { get; } = Join(Attention, FeedForward, PreNorms);

    /// <summary>The same with norms of queries and keys.</summary>
    public static IReadOnlyDictionary<string, string> QueryKeyNorms { get; } = Join(Attention, FeedForward, PreNorms, HeadNorms);

    /// <summary>Norms before and after the sublayers, and perhaps of queries and keys.</summary>
    public static IReadOnlyDictionary<string, string> Sandwich { get; } =
        Join(Attention, FeedForward, HeadNorms, new(StringComparer.Ordinal)
        {
            ["attn_norm"] = "input_layernorm",
            ["post_attention_norm"] = "post_attention_layernorm",
            ["ffn_norm"] = "pre_feedforward_layernorm",
            ["post_ffw_norm"] = "post_feedforward_layernorm",
        });

    /// <summary>Norms after the sublayers, and of queries and keys.</summary>
    public static IReadOnlyDictionary<string, string> PostNorms { get; } =
        Join(Attention, FeedForward, HeadNorms, new(StringComparer.Ordinal)
        {
            ["post_attention_norm"] = "post_attention_layernorm",
            ["post_ffw_norm"] = "post_feedforward_layernorm",
        });

    /// <summary>One projection for query, key and value, and one for gate and up.</summary>
    public static IReadOnlyDictionary<string, string> Fused { get; } = Join(PreNorms, new(StringComparer.Ordinal)
    {
        ["attn_qkv"] = "self_attn.qkv_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_up"] = "mlp.gate_up_proj",
        ["ffn_down"] = "mlp.down_proj",
    });

    /// <summary>A feed-forward layer without a gate.</summary>
    public static IReadOnlyDictionary<string, string> WithoutGate { get; } = Join(Attention, PreNorms, new(StringComparer.Ordinal)
    {
        ["ffn_up"] = "mlp.c_fc",
        ["ffn_down"] = "mlp.c_proj",
    });

    /// <summary>The Hugging Face name of a tensor, or null if models of the architecture have none such.</summary>
    public static string? ToHuggingFace(GgufArchitecture architecture, string name) =>
        Translate(name, Outside, LayerPrefix, HuggingFaceLayerPrefix, architecture.LayerTensors);

    /// <summary>The GGUF name of a tensor, or null if the architecture has none for it.</summary>
    public static string? ToGguf(GgufArchitecture architecture, string name) =>
        Translate(name, Reverse(Outside), HuggingFaceLayerPrefix, LayerPrefix, Reverse(architecture.LayerTensors));

    private static string? Translate(
        string name, Dictionary<string, string> outside, string prefix, string otherPrefix, IReadOnlyDictionary<string, string> inLayer)
    {
        var end = name.LastIndexOf('.');
        if (end < 0 || name[end..] is not (".weight" or ".bias")) return null;
        var (stem, kind) = (name[..end], name[end..]);
        if (outside.TryGetValue(stem, out var other)) return other + kind;
        if (!stem.StartsWith(prefix, StringComparison.Ordinal)) return null;
        var parts = stem[prefix.Length..].Split('.', 2);
        return parts.Length == 2 && parts[0].All(char.IsAsciiDigit) && inLayer.TryGetValue(parts[1], out var translated)
            ? $"{otherPrefix}{parts[0]}.{translated}{kind}"
            : null;
    }

    private static Dictionary<string, string> Join(params Dictionary<string, string>[] parts) =>
        new(parts.SelectMany(part => part), StringComparer.Ordinal);

    private static Dictionary<string, string> Reverse(IReadOnlyDictionary<string, string> names) =>
        names.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
}
