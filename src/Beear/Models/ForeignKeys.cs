using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>Keys by which some family changes the mathematics, and the value at which each changes nothing.</summary>
/// <remarks>null and false change nothing for any of them.</remarks>
internal static class ForeignKeys
{
    public static IReadOnlyDictionary<string, double?> All { get; } = new Dictionary<string, double?>(StringComparer.Ordinal)
    {
        ["compression_config"] = null,
        ["num_experts"] = 0,
        ["num_local_experts"] = 0,
        ["n_routed_experts"] = 0,
        ["moe_num_experts"] = 0,
        ["attn_logit_softcapping"] = null,
        ["final_logit_softcapping"] = null,
        ["logit_scale"] = 1,
        ["logits_scaling"] = 1,
        ["embedding_multiplier"] = 1,
        ["residual_multiplier"] = 1,
        ["attention_multiplier"] = null,
        ["query_pre_attn_scalar"] = null,
        ["scale_emb"] = 1,
        ["scale_depth"] = null,
        ["dim_model_base"] = null,
        ["attention_bias"] = null,
        ["mlp_bias"] = null,
        ["use_bias"] = null,
        ["use_qkv_bias"] = null,
        ["use_qk_norm"] = null,
        ["qk_norm"] = null,
        ["qk_layernorm"] = null,
        ["use_parallel_residual"] = null,
        ["clip_qkv"] = null,
        ["alibi"] = null,
        ["sliding_window"] = null,
        ["sliding_window_pattern"] = null,
        ["layer_types"] = null,
        ["attention_chunk_size"] = null,
        ["attn_temperature_tuning"] = 0,
        ["use_bidirectional_attention"] = null,
        ["no_rope_layers"] = null,
        ["rope_local_base_freq"] = null,
        ["rope_interleaved"] = null,
        ["rope_interleave"] = null,
        ["use_mrope"] = null,
        ["lm_head_bias"] = null,
        ["kv_lora_rank"] = null,
        ["q_lora_rank"] = null,
        ["vision_config"] = null,
        ["audio_config"] = null,
    };

    /// <summary>Whether a key is absent or as good as absent.</summary>
    public static bool IsNeutral(string key, JsonObject json, double? neutral)
    {
        var value = json[key];
        if (value is null || value.GetValueKind() == JsonValueKind.False) return true;
        if (neutral is { } harmless && value.GetValueKind() == JsonValueKind.Number)
            return double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) == harmless;
        return key switch
        {
            "sliding_window" or "sliding_window_pattern" => json["use_sliding_window"]?.GetValueKind() == JsonValueKind.False,
            "layer_types" => value is JsonArray types && types.All(type => type?.ToString() == LayerKind.FullAttention),
            "no_rope_layers" => value is JsonArray rotates && rotates.All(rotate => rotate?.ToString() == "1"),
            _ => false,
        };
    }
}
