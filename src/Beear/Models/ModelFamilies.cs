namespace Beear.Models;

/// <summary>
/// The families that are understood, by <c>model_type</c>. An entry holds what its published definition says: the names of its tensors,
/// where its norms stand, and what a config.json of it may leave out.
/// </summary>
internal static class ModelFamilies
{
    /// <summary>Norms before and after both sublayers.</summary>
    private static readonly WeightNames Sandwich = new()
    {
        PostAttentionNorm = "post_attention_layernorm",
        FeedForwardNorm = "pre_feedforward_layernorm",
        PostFeedForwardNorm = "post_feedforward_layernorm",
    };

    /// <summary>Norms of the sublayers' results only.</summary>
    private static readonly WeightNames PostNorm = new()
    {
        AttentionNorm = null,
        PostAttentionNorm = "post_attention_layernorm",
        FeedForwardNorm = null,
        PostFeedForwardNorm = "post_feedforward_layernorm",
    };

    public static IReadOnlyDictionary<string, ModelFamily> All { get; } = new SortedDictionary<string, ModelFamily>(StringComparer.Ordinal)
    {
        ["llama"] = new()
        {
            ClassName = "Llama",
            Defaults = """{ "attention_bias": false, "mlp_bias": false }""",
            FeedForwardBias = "mlp_bias",
        },
        ["mistral"] = new()
        {
            ClassName = "Mistral",
            Defaults = """{ "sliding_window": 4096, "num_key_value_heads": 8, "max_position_embeddings": 131072 }""",
            QueryKeyValueBias = null,
            AttentionOutputBias = null,
        },
        ["qwen2"] = new()
        {
            ClassName = "Qwen2",
            Defaults = """
                {
                  "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28, "layer_types": null,
                  "num_key_value_heads": 32, "max_position_embeddings": 32768
                }
                """,
            QueryKeyValueBias = ModelFamily.Always,
            AttentionOutputBias = null,
            Windows = WindowRule.FromMaxWindowLayers,
        },
        ["qwen3"] = new()
        {
            ClassName = "Qwen3",
            Defaults = """
                {
                  "attention_bias": false, "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28,
                  "layer_types": null, "num_key_value_heads": 32, "head_dim": 128, "max_position_embeddings": 32768
                }
                """,
            QueryKeyNorm = QueryKeyNorm.EachHead,
            Windows = WindowRule.FromMaxWindowLayers,
        },
        ["gemma2"] = new()
        {
            ClassName = "Gemma2",
            Defaults = """
                {
                  "attention_bias": false, "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true,
                  "query_pre_attn_scalar": 256, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
                  "sliding_window": 4096, "sliding_window_pattern": 2, "layer_types": null,
                  "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 8192
                }
                """,
            Names = Sandwich,
            Norm = NormKind.RootMeanSquareOffset,
            EmbeddingsTimesRootOfSize = true,
            Windows = WindowRule.Pattern,
        },
        ["gemma3_text"] = new()
        {
            ClassName = "Gemma3Text",
            Defaults = """
                {
                  "attention_bias": false, "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true,
                  "query_pre_attn_scalar": 256, "attn_logit_softcapping": null, "final_logit_softcapping": null,
                  "sliding_window": 4096, "sliding_window_pattern": 6, "layer_types": null,
                  "rope_theta": 1000000, "rope_local_base_freq": 10000,
                  "vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
                  "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 131072
                }
                """,
            Names = Sandwich,
            Norm = NormKind.RootMeanSquareOffset,
            QueryKeyNorm = QueryKeyNorm.EachHead,
            EmbeddingsTimesRootOfSize = true,
            Windows = WindowRule.Pattern,
        },
        ["phi3"] = new()
        {
            ClassName = "Phi3",
            Defaults = """
                {
                  "sliding_window": null, "partial_rotary_factor": 1.0, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
                  "max_position_embeddings": 4096
                }
                """,
            Names = new() { QueryKeyValue = ["self_attn.qkv_proj"], GateUp = ["mlp.gate_up_proj"] },
            QueryKeyValueBias = null,
            AttentionOutputBias = null,
        },
        ["olmo2"] = new()
        {
            ClassName = "Olmo2",
            Defaults = """{ "attention_bias": false, "rms_norm_eps": 1e-5 }""",
            Names = PostNorm,
            QueryKeyNorm = QueryKeyNorm.WholeWidth,
        },
        ["smollm3"] = new()
        {
            ClassName = "SmolLM3",
            Defaults = """
                {
                  "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true, "rope_theta": 2000000, "no_rope_layers": null,
                  "no_rope_layer_interval": 4, "use_sliding_window": false, "sliding_window": null, "layer_types": null,
                  "num_key_value_heads": 4, "max_position_embeddings": 32768
                }
                """,
            FeedForwardBias = "mlp_bias",
            Windows = WindowRule.WithoutRotary,
            Rotates = RotaryRule.NoRopeLayers,
        },
        ["granite"] = new()
        {
            ClassName = "Granite",
            Defaults = """
                {
                  "attention_bias": false, "mlp_bias": false, "embedding_multiplier": 1.0, "attention_multiplier": 1.0,
                  "residual_multiplier": 1.0, "logits_scaling": 1.0
                }
                """,
            FeedForwardBias = "mlp_bias",
        },
        ["exaone4"] = new()
        {
            ClassName = "Exaone4",
            Defaults = """
                {
                  "sliding_window": 4096, "sliding_window_pattern": 4, "layer_types": null, "rms_norm_eps": 1e-5, "num_key_value_heads": 32
                }
                """,
            Names = PostNorm,
            QueryKeyNorm = QueryKeyNorm.EachHead,
            QueryKeyValueBias = null,
            AttentionOutputBias = null,
            Windows = WindowRule.Pattern,
            Rotates = RotaryRule.WindowedLayers,
        },
        ["stablelm"] = new()
        {
            ClassName = "StableLm",
            Defaults = """
                {
                  "use_qkv_bias": false, "partial_rotary_factor": 0.25, "layer_norm_eps": 1e-5, "num_key_value_heads": 32,
                  "max_position_embeddings": 4096
                }
                """,
            Norm = NormKind.LayerNorm,
            NormEpsilonKey = "layer_norm_eps",
            QueryKeyValueBias = "use_qkv_bias",
            AttentionOutputBias = null,
        },
        ["starcoder2"] = new()
        {
            ClassName = "Starcoder2",
            Defaults = """
                {
                  "use_bias": true, "sliding_window": null, "hidden_act": "gelu_pytorch_tanh", "norm_epsilon": 1e-5,
                  "tie_word_embeddings": true, "num_key_value_heads": 2, "max_position_embeddings": 4096
                }
                """,
            Names = new() { GateUp = ["mlp.c_fc"], Down = "mlp.c_proj" },
            Norm = NormKind.LayerNorm,
            NormEpsilonKey = "norm_epsilon",
            QueryKeyValueBias = "use_bias",
            AttentionOutputBias = "use_bias",
            FeedForwardBias = "use_bias",
            GatedFeedForward = false,
        },
    };
}
