using System.Text.Json.Nodes;

namespace Beear.Checkpoints;

/// <summary>How a GGUF file scales the rotary frequencies, as Hugging Face's <c>rope_scaling</c>.</summary>
internal static class GgufRotaryScaling
{
    private const double DefaultBase = 10_000;

    // Llama 3.1 to 3.3 all use these; only the factor differs.
    private const double LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalPositions = 8192;

    /// <summary>The value of <c>rope_scaling</c>; null where nothing is scaled.</summary>
    /// <exception cref="BeearException">The scaling has no Hugging Face form that is known here.</exception>
    public static JsonObject? ToJson(GgufFile file, long headSize)
    {
        if (file.Tensors.ContainsKey(GgufNames.RotaryFactors)) return Llama3(file, headSize);
        var kind = file.Metadata.Text("llama.rope.scaling.type");
        var factor = file.Real("llama.rope.scaling.factor") ?? file.Real("llama.rope.scale_linear");
        if (kind == "none" || (kind is null && factor is null or 1)) return null;
        if (factor is null or <= 0) throw GgufFile.Error(file.Path, $"its rotary scaling '{kind}' has no positive factor");
        var scaling = new JsonObject { ["rope_type"] = kind ?? "linear", ["factor"] = factor };
        if (kind is null or "linear") return scaling;
        if (kind != "yarn")
        {
            throw new BeearException(
                $"'{file.Path}' scales its rotary frequencies by '{kind}', which cannot be read from GGUF; use the model's Hugging Face directory.");
        }
        if (file.Metadata.Integer("llama.rope.scaling.original_context_length") is { } positions)
            scaling["original_max_position_embeddings"] = positions;
        return scaling;
    }

    /// <summary>Llama 3.1 files hold only the finished factor of each frequency: the settings are those that give the same factors.</summary>
    private static JsonObject Llama3(GgufFile file, long headSize)
    {
        using var stored = file.Read(GgufNames.RotaryFactors);               // (D/2)
        var factors = stored.data<float>().ToArray();
        var theta = file.Real("llama.rope.freq_base") ?? DefaultBase;
        var factor = factors.Length == 0 ? 0 : Math.Round(factors.Max(), 3);
        for (var i = 0; i < factors.Length; i++)
        {
            var expected = Factor(Math.Pow(theta, -2.0 * i / headSize), factor);
            if (!(factors.Length == headSize / 2 && Math.Abs(factors[i] - expected) <= 1e-3 * expected))
            {
                throw new BeearException(
                    $"'{file.Path}' scales its rotary frequencies by factors that are not Llama 3's; use the model's Hugging Face directory.");
            }
        }
        return new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = factor,
            ["low_freq_factor"] = LowFrequencyFactor,
            ["high_freq_factor"] = HighFrequencyFactor,
            ["original_max_position_embeddings"] = (long)OriginalPositions,
        };
    }

    /// <summary>What Llama 3's scaling divides a frequency by: 1 for short waves, the factor for long ones, a blend between.</summary>
    internal static double Factor(double frequency, double factor)
    {
        var turns = OriginalPositions * frequency / (2 * Math.PI);           // of one pair over the original positions
        if (turns < LowFrequencyFactor) return factor;
        if (turns > HighFrequencyFactor) return 1;
        var blend = (turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return 1 / (((1 - blend) / factor) + blend);
    }
}
