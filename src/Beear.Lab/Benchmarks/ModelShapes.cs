using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.Benchmarks;

/// <summary>Shapes of well-known models, for benchmarks on random weights.</summary>
internal static class ModelShapes
{
    private static readonly SortedDictionary<string, string> Configs = new(StringComparer.Ordinal)
    {
        ["llama-2-7b"] = """
            {
              "model_type": "llama", "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
              "num_attention_heads": 32, "num_key_value_heads": 32, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5
            }
            """,
        ["llama-3.2-1b"] = """
            {
              "model_type": "llama", "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
              "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
              "rope_theta": 500000, "tie_word_embeddings": true
            }
            """,
        ["smollm2-1.7b"] = """
            {
              "model_type": "llama", "vocab_size": 49152, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24,
              "num_attention_heads": 32, "num_key_value_heads": 32, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
              "rope_theta": 130000, "tie_word_embeddings": true
            }
            """,
        ["smollm2-135m"] = """
            {
              "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
              "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
              "rope_theta": 100000, "tie_word_embeddings": true
            }
            """,
    };

    /// <summary>The known names.</summary>
    public static IReadOnlyCollection<string> Names => Configs.Keys;

    /// <summary>A shape by its name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="layers">L, if it is not the shape's own; at least 1.</param>
    /// <exception cref="BeearException">The name is not known, or there are no layers.</exception>
    public static ModelConfig Find(string name, int? layers = null)
    {
        if (!Configs.TryGetValue(name, out var text)) throw new BeearException(
            $"There is no shape named '{name}'; choose from {string.Join(", ", Names)}.");
        var config = StrictJson.Node(text)!.AsObject();
        if (layers is { } count)
        {
            Require.AtLeast(count, 1, "layers");
            config["num_hidden_layers"] = count;
        }
        return ModelConfig.FromJson(config);
    }
}
