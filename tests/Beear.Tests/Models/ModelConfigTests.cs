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
        Assert.Equal(2 * 61 * 32 + 4 * Layer + 32, ModelConfig.FromJson(TinyDecoder.Config(json => json["tie_word_embeddings"] = false)).ParameterCount);
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
}
