using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Models;

/// <summary>What a family of decoders has that others have not, as data; <see cref="ModelFamilies"/> lists them.</summary>
internal sealed record ModelFamily
{
    /// <summary>A bias that the family always has, whatever its config.json says.</summary>
    public const string Always = "always";

    /// <summary>What almost all families leave out of a config.json alike.</summary>
    private const string CommonDefaults = """
        { "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "rope_theta": 10000, "max_position_embeddings": 2048 }
        """;

    /// <summary>
    /// The keys of config.json that this family reads besides the sizes, with the values of those that are left out; null where a key
    /// may be absent. A key of another family's mathematics that does not stand here is refused.
    /// </summary>
    public string Defaults { get; init; } = "{}";

    /// <summary>
    /// What the names of transformers' classes of this family begin with, such as Llama of LlamaForSequenceClassification.
    /// </summary>
    public required string ClassName { get; init; }

    /// <summary>Names of the checkpoint's tensors; a norm without a name does not exist.</summary>
    public WeightNames Names { get; init; } = new();

    /// <summary>Kind of the norms.</summary>
    public NormKind Norm { get; init; }

    /// <summary>The key of the norms' ε.</summary>
    public string NormEpsilonKey { get; init; } = "rms_norm_eps";

    /// <summary>Over what queries and keys are normalised before they are rotated.</summary>
    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>The key that says whether query, key and value projections have biases; null for never.</summary>
    public string? QueryKeyValueBias { get; init; } = "attention_bias";

    /// <summary>The same for the attention's output projection.</summary>
    public string? AttentionOutputBias { get; init; } = "attention_bias";

    /// <summary>The same for the feed-forward layer's projections.</summary>
    public string? FeedForwardBias { get; init; }

    /// <summary>Whether the feed-forward layer multiplies its activation with a second projection.</summary>
    public bool GatedFeedForward { get; init; } = true;

    /// <summary>Whether token embeddings are multiplied by √d.</summary>
    public bool EmbeddingsTimesRootOfSize { get; init; }

    /// <summary>Which layers attend to a window only, unless <c>layer_types</c> says it.</summary>
    public WindowRule Windows { get; init; }

    /// <summary>Which layers rotate queries and keys.</summary>
    public RotaryRule Rotates { get; init; }

    /// <summary>A config.json with what it leaves out.</summary>
    public JsonObject WithDefaults(JsonObject json)
    {
        var complete = json.DeepClone().AsObject();
        foreach (var (key, value) in Understood)
        {
            if (!complete.ContainsKey(key)) complete[key] = value?.DeepClone();
        }
        return complete;
    }

    /// <summary>Refuses what would change the mathematics and is not of this family.</summary>
    /// <exception cref="BeearException">The first such key.</exception>
    public void RefuseForeignKeys(JsonObject json)
    {
        Quantization.Refuse(json);
        var understood = Understood;
        foreach (var (key, neutral) in ForeignKeys.All)
        {
            if (understood.ContainsKey(key) || ForeignKeys.IsNeutral(key, json, neutral)) continue;
            throw new BeearException(
                $"config.json: '{key}' changes the mathematics and is not known for model_type '{json["model_type"]}'; this "
                    + "model cannot be computed faithfully.");
        }
    }

    /// <summary>Whether a key stands in the family's <see cref="Defaults"/>.</summary>
    public bool Reads(string key) => Understood.ContainsKey(key);

    private JsonObject Understood
    {
        get
        {
            var all = StrictJson.Node(CommonDefaults)!.AsObject();
            foreach (var (key, value) in StrictJson.Node(Defaults)!.AsObject()) all[key] = value?.DeepClone();
            return all;
        }
    }
}

/// <summary>Which layers attend to a window, where config.json has no <c>layer_types</c>.</summary>
internal enum WindowRule
{
    /// <summary>All layers, if there is a <c>sliding_window</c>; other values of <c>layer_types</c> are not looked at.</summary>
    All,
    /// <summary>All but every n-th, n = <c>sliding_window_pattern</c>.</summary>
    Pattern,
    /// <summary>Those from <c>max_window_layers</c> on, if <c>use_sliding_window</c>.</summary>
    FromMaxWindowLayers,
    /// <summary>Those that do not rotate, if <c>use_sliding_window</c>.</summary>
    WithoutRotary,
}

/// <summary>Which layers rotate queries and keys.</summary>
internal enum RotaryRule
{
    /// <summary>All.</summary>
    All,
    /// <summary>Those that <c>no_rope_layers</c> marks with 1; without it, all but every n-th, n = <c>no_rope_layer_interval</c>.</summary>
    NoRopeLayers,
    /// <summary>In a model with windows only the layers that have one.</summary>
    WindowedLayers,
}
