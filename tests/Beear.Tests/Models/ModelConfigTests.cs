using System.Text.Json.Nodes;
using Beear.Models;

namespace Beear.Tests.Models;

public class ModelConfigTests
{
    [Fact]
    public void A_config_is_read_with_its_defaults()
    {
        var config = ModelConfig.FromJson(TinyDecoder.Config());

        Assert.Equal((32, 4, 4, 2, 8), (config.HiddenSize, config.Layers, config.QueryHeads, config.KeyValueHeads, config.HeadSize));
        Assert.True(config.TiedEmbeddings);
        Assert.Equal(1e-6, config.NormEpsilon);
        Assert.Equal(RotaryKind.Default, config.Rotary.Kind);
        Assert.Equal(10_000, config.Rotary.Base);
    }

    [Fact]
    public void Parameters_are_counted_once()
    {
        const int Layer = 32 + (32 + 16 + 16) * 32 + 32 * 32 + 32 + 2 * 48 * 32 + 32 * 48;

        Assert.Equal(61 * 32 + 4 * Layer + 32, ModelConfig.FromJson(TinyDecoder.Config()).ParameterCount);
        Assert.Equal(2 * 61 * 32 + 4 * Layer + 32,
            ModelConfig.FromJson(TinyDecoder.Config(json => json["tie_word_embeddings"] = false)).ParameterCount);
        Assert.Equal(61 * 32 + 4 * (Layer + 64 + 32 + 96 + 32) + 32,
            ModelConfig.FromJson(TinyDecoder.Config(json => (json["attention_bias"], json["mlp_bias"]) = (true, true))).ParameterCount);
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "model_type 'mamba' is not a supported family")]
    [InlineData("model_type", null, "the key 'model_type' is missing")]
    [InlineData("hidden_size", null, "the key 'hidden_size' is missing")]
    [InlineData("vocab_size", null, "the key 'vocab_size' is missing")]
    [InlineData("num_hidden_layers", "0", "'num_hidden_layers' must be a positive whole number")]
    [InlineData("num_hidden_layers", "2.5", "'num_hidden_layers' must be a positive whole number")]
    [InlineData("num_hidden_layers", "1e300", "'num_hidden_layers' must be a positive whole number")]
    [InlineData("intermediate_size", "\"48\"", "'intermediate_size' must be a number")]
    [InlineData("num_key_value_heads", "3", "num_attention_heads 4 is not a multiple of num_key_value_heads 3")]
    [InlineData("head_dim", "7", "head_dim must be even and positive, it is 7")]
    [InlineData("num_attention_heads", "64", "head_dim")]
    [InlineData("hidden_act", "\"selu\"", "hidden_act 'selu' is not known")]
    [InlineData("tie_word_embeddings", "\"yes\"", "'tie_word_embeddings' must be true or false")]
    [InlineData("sliding_window", "4096", "'sliding_window'")]
    [InlineData("final_logit_softcapping", "30.0", "'final_logit_softcapping' changes the mathematics")]
    [InlineData("num_local_experts", "8", "'num_local_experts' changes the mathematics")]
    [InlineData("rope_scaling", "\"linear\"", "'rope_scaling' must be an object")]
    [InlineData("rope_scaling", """{ "rope_type": "mrope" }""", "rope_scaling of type 'mrope' is not known")]
    [InlineData("rope_scaling", """{ "rope_type": "linear" }""", "the key 'factor' is missing")]
    [InlineData("rope_scaling", """{ "rope_type": "linear", "factor": -2 }""", "'factor' must be positive")]
    [InlineData("rope_scaling", """{ "rope_type": "linear", "factor": 2, "warp": 9 }""", "the key 'warp', which is not known")]
    [InlineData("rope_scaling", """{ "rope_type": "longrope", "short_factor": [1, 1, 1], "long_factor": [1, 1, 1, 1] }""", "must be 4 positive numbers, there are 3")]
    [InlineData("rope_scaling", """{ "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1 }""", "'high_freq_factor' must be greater")]
    [InlineData("rope_scaling", """{ "type": "yarn", "factor": "4" }""", "'factor' must be a number")]
    [InlineData("partial_rotary_factor", "0.5", "'partial_rotary_factor' is not known")]
    [InlineData("rope_theta", "1", "rope_theta must be greater than 1")]
    public void What_is_wrong_is_said_in_one_sentence(string key, string? value, string message)
    {
        var json = TinyDecoder.Config();
        json[key] = value is null ? null : JsonNode.Parse(value);

        var failure = Assert.Throws<BeearException>(() => ModelConfig.FromJson(json)).Message;

        Assert.StartsWith("config.json: ", failure, StringComparison.Ordinal);
        Assert.Contains(message, failure, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure);
    }

    /// <summary>What transformers' configuration classes put in place of keys that a config.json leaves out.</summary>
    [Theory]
    [InlineData("llama", false, 8, 4, 2048, 1e-6, 10_000, null)]
    [InlineData("mistral", false, 8, 8, 131_072, 1e-6, 10_000, 4096)]
    [InlineData("qwen2", false, 8, 32, 32_768, 1e-6, 10_000, null)]
    [InlineData("qwen3", false, 128, 32, 32_768, 1e-6, 10_000, null)]
    [InlineData("gemma2", true, 256, 4, 8192, 1e-6, 10_000, 4096)]
    [InlineData("gemma3_text", true, 256, 4, 131_072, 1e-6, 1_000_000, 4096)]
    [InlineData("phi3", false, 8, 4, 4096, 1e-5, 10_000, null)]
    [InlineData("olmo2", false, 8, 4, 2048, 1e-5, 10_000, null)]
    [InlineData("smollm3", true, 8, 4, 32_768, 1e-6, 2_000_000, null)]
    [InlineData("granite", false, 8, 4, 2048, 1e-6, 10_000, null)]
    [InlineData("exaone4", false, 8, 32, 2048, 1e-5, 10_000, 4096)]
    [InlineData("stablelm", false, 8, 32, 4096, 1e-5, 10_000, null)]
    [InlineData("starcoder2", true, 8, 2, 4096, 1e-5, 10_000, null)]
    public void Left_out_keys_are_the_familys(string family, bool tied, int headSize, int groups, int positions, double epsilon,
        double theta, int? window)
    {
        int heads = Math.Max(4, groups);
        var json = new JsonObject
        {
            ["model_type"] = family,
            ["vocab_size"] = 61,
            ["hidden_size"] = 8 * heads,
            ["intermediate_size"] = 48,
            ["num_hidden_layers"] = 12,
            ["num_attention_heads"] = heads,
        };

        var config = ModelConfig.FromJson(json);

        Assert.Equal((tied, headSize, groups, positions, epsilon, theta, window),
            (config.TiedEmbeddings, config.HeadSize, config.KeyValueHeads, config.MaximumPositions, config.NormEpsilon, config.Rotary.Base,
                config.SlidingWindow));
        Assert.False(json.ContainsKey("rope_theta"));                    // the caller's object is as it was
    }

    [Fact]
    public void Gemmas_caps_scales_and_windows_are_there_unless_config_json_says_null()
    {
        var config = Family("gemma2", """{ "head_dim": 8 }""");
        Assert.Equal((50.0, 30.0, 1 / 16.0, Activation.GeluTanh),
            (config.AttentionSoftCap, config.LogitSoftCap, config.AttentionScale, config.Activation));
        Assert.Equal([true, false, true, false], config.LayerKinds.Select(kind => kind.Windowed));

        var without = Family("gemma2", """{ "attn_logit_softcapping": null, "final_logit_softcapping": null, "sliding_window": null }""");
        Assert.Equal(((double?)null, (double?)null, (int?)null), (without.AttentionSoftCap, without.LogitSoftCap, without.SlidingWindow));
    }

    [Theory]
    [InlineData("gemma3_text", """{ "num_hidden_layers": 7 }""", "WWWWWFW", "RRRRRRR")]
    [InlineData("gemma3_text", """{ "sliding_window_pattern": 2 }""", "WFWF", "RRRR")]
    [InlineData("gemma3_text", """{ "layer_types": ["full_attention", "full_attention", "sliding_attention", "full_attention"] }""", "FFWF", "RRRR")]
    [InlineData("mistral", """{ "sliding_window": null }""", "FFFF", "RRRR")]
    [InlineData("mistral", """{ "sliding_window": 7 }""", "WWWW", "RRRR")]
    [InlineData("qwen2", """{ "sliding_window": 7, "max_window_layers": 2 }""", "FFFF", "RRRR")]
    [InlineData("qwen2", """{ "use_sliding_window": true, "sliding_window": 7, "max_window_layers": 3 }""", "FFFW", "RRRR")]
    [InlineData("qwen3", """{ "use_sliding_window": true, "sliding_window": 7, "max_window_layers": 0 }""", "WWWW", "RRRR")]
    [InlineData("smollm3", "{}", "FFFF", "RRR-")]
    [InlineData("smollm3", """{ "no_rope_layer_interval": 2 }""", "FFFF", "R-R-")]
    [InlineData("smollm3", """{ "no_rope_layers": [0, 1, 1, 0, 1], "use_sliding_window": true, "sliding_window": 3 }""", "WFFW", "-RR-")]
    [InlineData("exaone4", """{ "sliding_window_pattern": 2 }""", "WFWF", "R-R-")]
    [InlineData("exaone4", """{ "sliding_window": null }""", "FFFF", "RRRR")]
    public void Which_layers_have_windows_and_rotate(string family, string keys, string windows, string rotates)
    {
        var kinds = Family(family, keys).LayerKinds;

        Assert.Equal(windows, string.Concat(kinds.Select(kind => kind.Windowed ? 'W' : 'F')));
        Assert.Equal(rotates, string.Concat(kinds.Select(kind => kind.Rotates ? 'R' : '-')));
    }

    [Theory]
    [InlineData("llama", """{ "logits_scaling": 1.0, "residual_multiplier": 1, "attn_logit_softcapping": null, "num_experts": 0, "use_qk_norm": false }""")]
    [InlineData("llama", """{ "sliding_window": 4096, "use_sliding_window": false, "layer_types": ["full_attention", "full_attention"] }""")]
    [InlineData("mistral", """{ "attention_bias": false, "rope_parameters": { "rope_type": "default", "rope_theta": 5e5 }, "rope_scaling": null }""")]
    public void Foreign_keys_that_change_nothing_are_let_through(string family, string keys) => Family(family, keys);

    [Theory]
    [InlineData("llama", """{ "quantization_config": { "quant_method": "awq" } }""", "the weights are quantised by AWQ ('quantization_config')")]
    [InlineData("phi3", """{ "lm_head_bias": true }""", "'lm_head_bias' changes the mathematics")]
    [InlineData("llama", """{ "rope_interleaved": true }""", "'rope_interleaved' changes the mathematics")]
    [InlineData("qwen2", """{ "logits_scaling": 8 }""", "'logits_scaling' changes the mathematics")]
    [InlineData("mistral", """{ "attention_bias": true }""", "'attention_bias' changes the mathematics")]
    [InlineData("llama", """{ "layer_types": ["sliding_attention"] }""", "'layer_types' changes the mathematics")]
    [InlineData("stablelm", """{ "qk_layernorm": true }""", "'qk_layernorm' changes the mathematics")]
    [InlineData("stablelm", """{ "use_parallel_residual": true }""", "'use_parallel_residual' changes the mathematics")]
    [InlineData("gemma3_text", """{ "use_bidirectional_attention": true }""", "'use_bidirectional_attention' changes the mathematics")]
    [InlineData("gemma3_text", """{ "hidden_activation": "relu2" }""", "hidden_activation 'relu2' is not known")]
    [InlineData("gemma3", """{ "text_config": { "model_type": "gemma3_text" } }""", "wraps a language model ('gemma3_text')")]
    [InlineData("qwen3", """{ "layer_types": ["full_attention"] }""", "'layer_types' must be a list of 4 entries")]
    [InlineData("qwen3", """{ "layer_types": ["full_attention", "linear_attention", "full_attention", "full_attention"] }""", "'linear_attention', which is not known")]
    [InlineData("qwen3", """{ "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"] }""", "there is no 'sliding_window' in use")]
    [InlineData("mistral", """{ "sliding_window": 0 }""", "'sliding_window' must be a positive whole number")]
    [InlineData("smollm3", """{ "no_rope_layers": [1, 0] }""", "'no_rope_layers' must be a list of 4 entries")]
    [InlineData("smollm3", """{ "no_rope_layers": [1, 0, 2, 0] }""", "it has '2'")]
    [InlineData("gemma2", """{ "attn_logit_softcapping": -1 }""", "'attn_logit_softcapping' must be a positive number")]
    [InlineData("exaone4", """{ "sliding_window_pattern": "LLLG" }""", "'sliding_window_pattern' must be a number")]
    [InlineData("llama", """{ "num_hidden_layers": 2000000000 }""", "'num_hidden_layers' must be at most 10000")]
    [InlineData("phi3", """{ "partial_rotary_factor": 0.1 }""", "rotates 0 of the 8 elements")]
    [InlineData("llama", """{ "rope_scaling": { "type": "linear", "factor": 2 }, "rope_parameters": { "rope_type": "default" } }""", "both 'rope_scaling' and 'rope_parameters'")]
    [InlineData("gemma3_text", """{ "rope_parameters": { "rope_type": "linear", "factor": 8 } }""", "rope_parameters has the key 'rope_type'")]
    public void What_a_family_does_not_know_is_named(string family, string keys, string message)
    {
        var failure = Assert.Throws<BeearException>(() => Family(family, keys)).Message;

        Assert.StartsWith("config.json: ", failure, StringComparison.Ordinal);
        Assert.Contains(message, failure, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure);
    }

    private static ModelConfig Family(string family, string keys) => ModelConfig.FromJson(TinyDecoder.Config(config =>
    {
        config["model_type"] = family;
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject()) config[key] = value?.DeepClone();
    }));
}
