using System.Text.Json.Nodes;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>
/// A small model of every family, with settings that reference files lack: windows, partial and scaled rotary embeddings, biases.
/// </summary>
internal static class FamilyCases
{
    public const int Vocabulary = 53;

    private const string Sizes = """
        {
          "vocab_size": 53, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
          "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "tie_word_embeddings": false
        }
        """;

    private static readonly Dictionary<string, string> Configs = new(StringComparer.Ordinal)
    {
        ["llama"] = """{ "model_type": "llama", "attention_bias": true, "mlp_bias": true, "head_dim": 6 }""",
        ["llama, linear"] = """{ "model_type": "llama", "rope_theta": 5000, "rope_scaling": { "rope_type": "linear", "factor": 2.5 } }""",
        ["mistral, window"] = """{ "model_type": "mistral", "sliding_window": 5 }""",
        ["qwen2, windows of later layers"] = """
            { "model_type": "qwen2", "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 2, "tie_word_embeddings": true }
            """,
        ["qwen3, layer types"] = """
            {
              "model_type": "qwen3", "head_dim": 12, "use_sliding_window": true, "sliding_window": 3, "max_window_layers": 0,
              "layer_types": ["full_attention", "sliding_attention", "full_attention", "sliding_attention"]
            }
            """,
        ["gemma2"] = """
            {
              "model_type": "gemma2", "head_dim": 12, "query_pre_attn_scalar": 20, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0,
              "sliding_window": 4, "tie_word_embeddings": true
            }
            """,
        ["gemma3, rotary of each type"] = """
            {
              "model_type": "gemma3_text", "head_dim": 12, "query_pre_attn_scalar": 9, "sliding_window": 5, "sliding_window_pattern": 3,
              "tie_word_embeddings": true, "rope_parameters": {
                "full_attention": { "rope_type": "linear", "factor": 4.0, "rope_theta": 1000000.0 },
                "sliding_attention": { "rope_type": "default", "rope_theta": 5000.0 }
              }
            }
            """,
        ["phi3, partial rotary, answers grow beyond the trained length"] = """
            {
              "model_type": "phi3", "partial_rotary_factor": 0.75, "original_max_position_embeddings": 16, "rope_scaling": {
                "type": "longrope", "short_factor": [1.0, 1.25, 1.5], "long_factor": [2.0, 3.5, 6.0]
              }
            }
            """,
        ["phi3, beyond the trained length"] = """
            {
              "model_type": "phi3", "partial_rotary_factor": 0.75, "original_max_position_embeddings": 12, "rope_scaling": {
                "type": "longrope", "short_factor": [1.0, 1.25, 1.5], "long_factor": [2.0, 3.5, 6.0]
              }
            }
            """,
        ["olmo2"] = """{ "model_type": "olmo2" }""",
        ["smollm3, windows where nothing rotates"] = """
            {
              "model_type": "smollm3", "rope_theta": 2000000, "no_rope_layers": [1, 0, 1, 0], "use_sliding_window": true, "sliding_window": 6,
              "tie_word_embeddings": true
            }
            """,
        ["granite"] = """
            { "model_type": "granite", "embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.5, "logits_scaling": 2.5 }
            """,
        ["exaone4"] = """{ "model_type": "exaone4", "sliding_window": 4, "sliding_window_pattern": 4 }""",
        ["exaone4, no window"] = """{ "model_type": "exaone4", "sliding_window": null }""",
        ["stablelm"] = """{ "model_type": "stablelm", "use_qkv_bias": true, "partial_rotary_factor": 0.25, "layer_norm_eps": 1e-5 }""",
        ["starcoder2, window"] = """{ "model_type": "starcoder2", "use_bias": true, "norm_epsilon": 1e-5, "sliding_window": 6 }""",
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    /// <summary>The families that have a case.</summary>
    public static IEnumerable<string> Families => Configs.Keys.Select(name => (string)Config(name)["model_type"]!).Distinct();

    /// <summary>The config of every case.</summary>
    public static IEnumerable<JsonObject> All => Configs.Keys.Select(Config);

    public static JsonObject Config(string name)
    {
        var config = JsonNode.Parse(Sizes)!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(Configs[name])!.AsObject()) config[key] = value?.DeepClone();
        return config;
    }

    /// <summary>A decoder with random weights in all its parameters, norms and biases too, large enough that each has a say.</summary>
    public static Decoder Create(string name, ModelOptions? options = null)
    {
        var decoder = Decoder.Random(ModelConfig.FromJson(Config(name)), 5, options ?? TestDevice.Float32);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(11, CPU);
        foreach (var parameter in decoder.Weights.Parameters)
        {
            if (parameter.Master.dim() >= 2) parameter.Master.mul_(6);
            else parameter.Master.add_(randn(parameter.Master.shape, generator: generator).to(parameter.Master.device) * 0.3);
            parameter.SynchroniseCopy();
        }
        return decoder;
    }

    public static NaiveDecoder Naive(string name, Decoder decoder) => new(Config(name), decoder.Weights.Tensors().ToDictionary(
        tensor => tensor.Name, tensor => tensor.Value.detach().cpu().to(float64).contiguous().flatten().data<double>().ToArray()));

    public static int[] Tokens(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary))];
}
