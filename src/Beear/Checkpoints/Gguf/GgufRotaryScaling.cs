using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Gguf;

/// <summary>How a GGUF file scales the rotary frequencies, as Hugging Face's <c>rope_scaling</c>.</summary>
internal static class GgufRotaryScaling
{
    /// <summary>The base θ where none is given.</summary>
    public const double DefaultBase = 10_000;

    /// <summary>The metadata key of the positions that a model was trained on before its frequencies were scaled.</summary>
    public const string OriginalContext = "rope.scaling.original_context_length";

    // Llama 3.1 to 3.3 all use these; only the factor differs.
    private const double LowFrequencyFactor = 1, HighFrequencyFactor = 4;
    private const long OriginalPositions = 8192;

    /// <summary>The value of <c>rope_scaling</c>; null where nothing is scaled.</summary>
    /// <exception cref="BeearException">The scaling has no Hugging Face form that is known here.</exception>
    public static JsonObject? ToJson(GgufConfig config)
    {
        var file = config.File;
        if (file.Tensors.ContainsKey(GgufTensorNames.RotaryFactors)) return Llama3(config);
        if (file.Tensors.ContainsKey(GgufTensorNames.LongFactors)) return LongRope(config);
        var kind = file.Metadata.Text(config.Key("rope.scaling.type"));
        var factor = config.Real("rope.scaling.factor") ?? config.Real("rope.scale_linear");
        if (kind == "none" || (kind is null && factor is null or 1)) return null;
        if (factor is null or <= 0) throw GgufFile.Error(file.Path, $"its rotary scaling '{kind}' has no positive factor");
        var scaling = new JsonObject { ["rope_type"] = kind ?? "linear", ["factor"] = factor };
        if (kind is null or "linear") return scaling;
        if (kind != "yarn")
        {
            throw new BeearException(
                $"'{file.Path}' scales its rotary frequencies by '{kind}', which cannot be read from GGUF; use the model's "
                    + "Hugging Face directory.");
        }
        if (config.Size(OriginalContext) is { } positions) scaling["original_max_position_embeddings"] = positions;
        foreach (var beta in new[] { "beta_fast", "beta_slow" })
        {
            if (config.Real($"rope.scaling.yarn_{beta}") is { } value) scaling[beta] = value;
        }
        return scaling;
    }

    /// <summary>
    /// Llama 3.1 files hold only the finished factor of each frequency: the settings are those that give the same factors.
    /// </summary>
    private static JsonObject Llama3(GgufConfig config)
    {
        var factors = Factors(config, GgufTensorNames.RotaryFactors);                // (D/2)
        var theta = config.Real("rope.freq_base") ?? DefaultBase;
        var original = config.Size(OriginalContext) ?? OriginalPositions;
        var factor = factors.Length == 0 ? 0 : Math.Round(factors.Max(), 3);
        for (var i = 0; i < factors.Length; i++)
        {
            var expected = Factor(Math.Pow(theta, -2.0 * i / config.RotatedSize), factor, original);
            if (!(factors.Length == config.RotatedSize / 2 && Math.Abs(factors[i] - expected) <= 1e-3 * expected))
            {
                throw new BeearException(
                    $"'{config.File.Path}' scales its rotary frequencies by factors that are not Llama 3's; use the model's "
                        + "Hugging Face directory.");
            }
        }
        return new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = factor,
            ["low_freq_factor"] = LowFrequencyFactor,
            ["high_freq_factor"] = HighFrequencyFactor,
            ["original_max_position_embeddings"] = original,
        };
    }

    private static JsonObject LongRope(GgufConfig config)
    {
        static JsonArray Numbers(float[] values) => [.. values.Select(value => JsonValue.Create(double.Parse(value.ToString("R"))))];
        var scaling = new JsonObject
        {
            ["rope_type"] = "longrope",
            ["long_factor"] = Numbers(Factors(config, GgufTensorNames.LongFactors)),
            ["short_factor"] = Numbers(Factors(config, GgufTensorNames.ShortFactors)),
        };
        if (config.Real("rope.scaling.attn_factor") is { } attention) scaling["attention_factor"] = attention;
        if (config.Size(OriginalContext) is { } positions) scaling["original_max_position_embeddings"] = positions;
        return scaling;
    }

    private static float[] Factors(GgufConfig config, string name)
    {
        using var stored = config.File.Read(name);
        var factors = stored.data<float>().ToArray();
        return factors.Length == config.RotatedSize / 2 && Array.TrueForAll(factors, factor => factor > 0 && float.IsFinite(factor))
            ? factors
            : throw GgufFile.Error(config.File.Path, $"'{name}' does not hold {config.RotatedSize / 2} positive factors");
    }

    /// <summary>What Llama 3's scaling divides a frequency by: 1 for short waves, the factor for long ones, a blend between.</summary>
    private static double Factor(double frequency, double factor, double originalPositions)
    {
        var turns = originalPositions * frequency / (2 * Math.PI);           // of one pair over the original positions
        if (turns < LowFrequencyFactor) return factor;
        if (turns > HighFrequencyFactor) return 1;
        var blend = (turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return 1 / (((1 - blend) / factor) + blend);
    }
}
