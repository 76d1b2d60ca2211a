namespace Beear.Checkpoints;

/// <summary>The GGUF names of a Llama model's tensors and their Hugging Face names.</summary>
internal static class GgufNames
{
    /// <summary>Factors of the rotary frequencies: part of the configuration in Hugging Face's form, not a weight.</summary>
    public const string RotaryFactors = "rope_freqs.weight";

    private const string BlockPrefix = "blk.";

    private static readonly Dictionary<string, string> Outside = new(StringComparer.Ordinal)
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> InBlock = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    /// <summary>The Hugging Face name of a tensor, or null if Llama models have none such.</summary>
    public static string? ToHuggingFace(string name)
    {
        var end = name.LastIndexOf('.');
        if (end < 0 || name[end..] is not (".weight" or ".bias")) return null;
        var (stem, kind) = (name[..end], name[end..]);
        if (Outside.TryGetValue(stem, out var outside)) return outside + kind;
        if (!stem.StartsWith(BlockPrefix, StringComparison.Ordinal)) return null;
        var parts = stem[BlockPrefix.Length..].Split('.');
        return parts.Length == 2 && parts[0].All(char.IsAsciiDigit) && InBlock.TryGetValue(parts[1], out var inBlock)
            ? $"model.layers.{parts[0]}.{inBlock}{kind}"
            : null;
    }
}
