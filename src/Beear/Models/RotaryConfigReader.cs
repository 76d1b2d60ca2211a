using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>
/// Reads the rotary embedding from both layouts: <c>rope_theta</c> with <c>rope_scaling</c> (transformers 4) and <c>rope_parameters</c>
/// (transformers 5), which may hold an object for each layer type.
/// </summary>
internal static class RotaryConfigReader
{
    private const string LocalBase = "rope_local_base_freq";

    private static readonly string[] Known =
    [
        "rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast",
        "beta_slow", "truncate", "short_factor", "long_factor", "attention_factor", "mscale", "mscale_all_dim", "partial_rotary_factor",
    ];

    /// <summary>
    /// The rotary embedding of layers that see everything, and of those with a window; one object where they are the same.
    /// </summary>
    /// <param name="json">config.json with the family's defaults.</param>
    /// <param name="headSize">D.</param>
    /// <param name="maximumPositions">Longest sequence of the model.</param>
    /// <exception cref="BeearException">An unknown kind or key, or a value out of range.</exception>
    public static (RotaryConfig Full, RotaryConfig Windowed) Read(JsonObject json, int headSize, int maximumPositions)
    {
        var top = new ConfigKeys(json);
        var (scaling, parameters) = (top.Object("rope_scaling"), top.Object("rope_parameters"));
        if (scaling is not null && parameters is not null)
            throw new BeearException("config.json: it has both 'rope_scaling' and 'rope_parameters', which may contradict "
                + "each other; remove one.");
        bool twoBases = top.Has(LocalBase);
        RotaryConfig Single(JsonObject? values, string place, double @base, bool nested = false) =>
            ReadOne(values ?? [], place, json, @base, headSize, maximumPositions, nested);

        double globalBase = top.Number("rope_theta", 10_000), localBase = twoBases ? top.Number(LocalBase) : globalBase;
        if (parameters is not null && (twoBases || parameters.ContainsKey(LayerKind.FullAttention)
            || parameters.ContainsKey(LayerKind.SlidingAttention)))
        {
            RefuseUnknown(parameters, "rope_parameters", [LayerKind.FullAttention, LayerKind.SlidingAttention]);
            var types = new ConfigKeys(parameters, "config.json: rope_parameters");
            RotaryConfig OfType(string type, double @base) => Single(types.Object(type), $"rope_parameters.{type}", @base, nested: true);
            return (OfType(LayerKind.FullAttention, globalBase), OfType(LayerKind.SlidingAttention, localBase));
        }
        var full = Single(scaling ?? parameters, parameters is null ? "rope_scaling" : "rope_parameters", globalBase);
        return (full, twoBases ? Single(null, "rope_scaling", localBase, nested: true) : full);
    }

    private static RotaryConfig ReadOne(JsonObject scaling, string place, JsonObject json, double @base, int headSize,
        int maximumPositions, bool nested)
    {
        var (top, keys) = (new ConfigKeys(json), new ConfigKeys(scaling, $"config.json: {place}"));
        RefuseUnknown(scaling, place, Known);
        var kind = Kind(keys, place);
        int original = Original(top, keys, maximumPositions, nested);
        var config = new RotaryConfig
        {
            Kind = kind,
            Base = keys.Number("rope_theta", @base),
            RotatedSize = RotatedSize(json, keys, headSize),
            MaximumPositions = maximumPositions,
            OriginalPositions = original,
            Factor = kind switch
            {
                RotaryKind.Default => 1,
                RotaryKind.LongRope => keys.Number("factor", (double)maximumPositions / original),
                RotaryKind.Yarn when original != maximumPositions => keys.Number("factor", (double)maximumPositions / original),
                _ => keys.Number("factor"),
            },
            LowFrequencyFactor = kind == RotaryKind.Llama3 ? keys.Number("low_freq_factor") : 1,
            HighFrequencyFactor = kind == RotaryKind.Llama3 ? keys.Number("high_freq_factor") : 4,
            BetaFast = keys.Number("beta_fast", 32),
            BetaSlow = keys.Number("beta_slow", 1),
            Truncate = keys.Flag("truncate", whenAbsent: true),
            ShortFactors = kind == RotaryKind.LongRope ? keys.Numbers("short_factor") : null,
            LongFactors = kind == RotaryKind.LongRope ? keys.Numbers("long_factor") : null,
        };
        Validate(config, place);
        return config with { AttentionFactor = AttentionFactor(keys, config) };
    }

    private static RotaryKind Kind(ConfigKeys keys, string place) => keys.Text("rope_type", keys.Text("type", "default")) switch
    {
        "default" => RotaryKind.Default,
        "linear" => RotaryKind.Linear,
        "dynamic" => RotaryKind.Dynamic,
        "yarn" when keys.Has("short_factor") => RotaryKind.LongRope,     // as the first Phi-3 files call it
        "yarn" => RotaryKind.Yarn,
        "longrope" or "su" => RotaryKind.LongRope,
        "llama3" => RotaryKind.Llama3,
        var name => throw new BeearException(
            $"config.json: {place} of type '{name}' is not known; known: default, linear, dynamic, yarn, longrope, llama3."),
    };

    /// <summary>
    /// The trained length: what stands beside <c>rope_scaling</c> goes before what stands in it, except for values of one layer type.
    /// </summary>
    private static int Original(ConfigKeys top, ConfigKeys keys, int maximumPositions, bool nested)
    {
        const string Key = "original_max_position_embeddings";
        int within = keys.Count(Key, maximumPositions);
        return nested ? within : top.Count(Key, within);
    }

    /// <summary>How much of a head is rotated: a family that rotates only a part has a default for it.</summary>
    private static int RotatedSize(JsonObject json, ConfigKeys keys, int headSize)
    {
        const string Key = "partial_rotary_factor";
        var top = new ConfigKeys(json);
        double share = keys.Number(Key, top.Number(Key, 1));
        if (share != 1 && !ModelFamilies.All[top.Text("model_type")].Reads(Key))
            throw new BeearException($"config.json: '{Key}' is not known for this family; this model cannot be computed faithfully.");
        int size = share is > 0 and <= 1 ? (int)(headSize * share) : 0;
        if (size < 2 || size % 2 != 0)
            throw new BeearException($"config.json: '{Key}' {share} rotates {size} of the {headSize} elements of a head; it must "
                + "be an even number of them.");
        return size;
    }

    private static void RefuseUnknown(JsonObject values, string place, string[] known)
    {
        foreach (var (key, value) in values)
        {
            if (value is not null && !known.Contains(key))
                throw new BeearException($"config.json: {place} has the key '{key}', which is not known; this model cannot "
                    + "be computed faithfully.");
        }
    }

    private static void Validate(RotaryConfig config, string place)
    {
        if (config.Base <= 1) throw new BeearException($"config.json: rope_theta must be greater than 1, it is {config.Base}.");
        if (config.Factor <= 0) throw new BeearException($"config.json: {place}: 'factor' must be positive, it is {config.Factor}.");
        if (config.Kind == RotaryKind.Llama3 && config.HighFrequencyFactor <= config.LowFrequencyFactor)
            throw new BeearException($"config.json: {place}: 'high_freq_factor' must be greater than 'low_freq_factor'.");
        if (config.Kind == RotaryKind.Yarn && (config.BetaFast <= 0 || config.BetaSlow <= 0))
            throw new BeearException($"config.json: {place}: 'beta_fast' and 'beta_slow' must be positive.");
        if (config is { Kind: RotaryKind.Dynamic, RotatedSize: 2 }) throw new BeearException(
            $"config.json: {place} of type 'dynamic' needs more than 2 rotated elements.");
        foreach (var factors in new[] { config.ShortFactors, config.LongFactors })
        {
            int wanted = config.RotatedSize / 2;
            if (factors is not null && (factors.Count != wanted || factors.Any(f => f <= 0)))
                throw new BeearException($"config.json: {place}: the factors of longrope must be {wanted} positive numbers, there are "
                    + $"{factors.Count}.");
        }
    }

    private static double AttentionFactor(ConfigKeys keys, RotaryConfig config)
    {
        if (config.Kind is not (RotaryKind.Yarn or RotaryKind.LongRope)) return 1;
        if (keys.Has("attention_factor")) return keys.Number("attention_factor");
        if (config.Kind == RotaryKind.LongRope)
            return config.Factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(config.Factor) / Math.Log(config.OriginalPositions));
        double Temperature(double scale) => config.Factor <= 1 ? 1 : 0.1 * scale * Math.Log(config.Factor) + 1;
        double scale = keys.Number("mscale", 0), scaleAll = keys.Number("mscale_all_dim", 0);
        return scale != 0 && scaleAll != 0 ? Temperature(scale) / Temperature(scaleAll) : Temperature(1);
    }
}
