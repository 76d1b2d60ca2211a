using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>How the rotary embedding's frequencies are stretched for longer contexts.</summary>
public enum RotaryKind
{
    /// <summary>Plain rotary embedding.</summary>
    Default,
    /// <summary>All positions divided by a factor.</summary>
    Linear,
    /// <summary>The base grows with the sequence beyond the trained length (NTK-aware).</summary>
    Dynamic,
    /// <summary>Interpolated low, kept high frequencies, with a temperature (arXiv 2309.00071).</summary>
    Yarn,
    /// <summary>One factor for each frequency, short and long (arXiv 2402.13753).</summary>
    LongRope,
    /// <summary>Llama 3.1's smooth interpolation between low and high frequencies.</summary>
    Llama3,
}

/// <summary>The rotary embedding's constants and the frequencies that follow from them.</summary>
public sealed record RotaryConfig
{
    /// <summary>Kind of scaling.</summary>
    public RotaryKind Kind { get; init; }

    /// <summary>Base θ of the frequencies θ^(−2i/D).</summary>
    public double Base { get; init; } = 10_000;

    /// <summary>D: width that is rotated.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Positions that the scaled model is made for.</summary>
    public required int MaximumPositions { get; init; }

    /// <summary>Stretching factor; at least 1 in practice.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Positions that the unscaled model was trained on.</summary>
    public required int OriginalPositions { get; init; }

    /// <summary>Llama 3: frequencies with fewer periods than this are divided by the factor.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: frequencies with more periods than this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>Yarn: rotations over the original length above which a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>Yarn: rotations under which a frequency is interpolated whole.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>Yarn: whether the ramp's ends are rounded to whole dimensions.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>LongRope: factors for sequences up to the original length, D/2 of them.</summary>
    public IReadOnlyList<double>? ShortFactors { get; init; }

    /// <summary>LongRope: factors for longer sequences, D/2 of them.</summary>
    public IReadOnlyList<double>? LongFactors { get; init; }

    /// <summary>Multiplies cosine and sine (Yarn, LongRope).</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>Whether the frequencies depend on the sequence's length.</summary>
    public bool DependsOnLength => Kind is RotaryKind.Dynamic or RotaryKind.LongRope;

    /// <summary>Reads both layouts: <c>rope_theta</c> with <c>rope_scaling</c>, and <c>rope_parameters</c>.</summary>
    /// <exception cref="BeearException">An unknown kind or key, or a value out of range.</exception>
    internal static RotaryConfig FromJson(JsonObject json, int headSize, int maximumPositions)
    {
        var top = new ConfigKeys(json);
        var (place, node) = json["rope_parameters"] is { } parameters ? ("rope_parameters", parameters) : ("rope_scaling", json["rope_scaling"]);
        if (node is not (null or JsonObject)) throw new BeearException($"config.json: '{place}' must be an object.");
        var scaling = node as JsonObject ?? [];
        var keys = new ConfigKeys(scaling, $"config.json: {place}");
        var name = keys.Text("rope_type", keys.Text("type", "default"));
        if (keys.Number("partial_rotary_factor", top.Number("partial_rotary_factor", 1)) != 1)
            throw new BeearException("config.json: 'partial_rotary_factor' is not known for this family; this model cannot be computed faithfully.");
        var kind = name switch
        {
            "default" => RotaryKind.Default,
            "linear" => RotaryKind.Linear,
            "dynamic" => RotaryKind.Dynamic,
            "yarn" => RotaryKind.Yarn,
            "longrope" or "su" => RotaryKind.LongRope,
            "llama3" => RotaryKind.Llama3,
            _ => throw new BeearException($"config.json: {place} of type '{name}' is not known; known: default, linear, dynamic, yarn, longrope, llama3."),
        };
        RefuseUnknownKeys(scaling, place);
        int original = keys.Has("original_max_position_embeddings") ? keys.Count("original_max_position_embeddings")
            : top.Count("original_max_position_embeddings", maximumPositions);
        var config = new RotaryConfig
        {
            Kind = kind,
            Base = keys.Number("rope_theta", top.Number("rope_theta", 10_000)),
            HeadSize = headSize,
            MaximumPositions = maximumPositions,
            OriginalPositions = original,
            Factor = kind switch
            {
                RotaryKind.Default => 1,
                RotaryKind.LongRope => keys.Number("factor", (double)maximumPositions / original),
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
        config.Validate(place);
        return config with { AttentionFactor = ReadAttentionFactor(kind, keys, config) };
    }

    private static void RefuseUnknownKeys(JsonObject scaling, string place)
    {
        string[] known =
        [
            "rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast",
            "beta_slow", "truncate", "short_factor", "long_factor", "attention_factor", "mscale", "mscale_all_dim", "partial_rotary_factor",
        ];
        foreach (var (key, value) in scaling)
        {
            if (value is not null && !known.Contains(key))
                throw new BeearException($"config.json: {place} has the key '{key}', which is not known; this model cannot be computed faithfully.");
        }
    }

    private void Validate(string place)
    {
        if (Base <= 1) throw new BeearException($"config.json: rope_theta must be greater than 1, it is {Base}.");
        if (Factor <= 0) throw new BeearException($"config.json: {place}: 'factor' must be positive, it is {Factor}.");
        if (Kind == RotaryKind.Llama3 && HighFrequencyFactor <= LowFrequencyFactor)
            throw new BeearException($"config.json: {place}: 'high_freq_factor' must be greater than 'low_freq_factor'.");
        foreach (var factors in new[] { ShortFactors, LongFactors })
        {
            if (factors is not null && (factors.Count != HeadSize / 2 || factors.Any(f => f <= 0)))
                throw new BeearException($"config.json: {place}: the factors of longrope must be {HeadSize / 2} positive numbers, there are {factors.Count}.");
        }
    }

    private static double ReadAttentionFactor(RotaryKind kind, ConfigKeys keys, RotaryConfig config)
    {
        if (kind is not (RotaryKind.Yarn or RotaryKind.LongRope)) return 1;
        if (keys.Has("attention_factor")) return keys.Number("attention_factor");
        if (kind == RotaryKind.LongRope)
            return config.Factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(config.Factor) / Math.Log(config.OriginalPositions));
        double Temperature(double scale) => config.Factor <= 1 ? 1 : 0.1 * scale * Math.Log(config.Factor) + 1;
        double scale = keys.Number("mscale", 0), scaleAll = keys.Number("mscale_all_dim", 0);
        return scale != 0 && scaleAll != 0 ? Temperature(scale) / Temperature(scaleAll) : Temperature(1);
    }

    /// <summary>The D/2 angular frequencies, in radians per position.</summary>
    /// <param name="sequenceLength">Tokens of the sequence; matters only if <see cref="DependsOnLength"/>.</param>
    public double[] Frequencies(int sequenceLength)
    {
        int half = HeadSize / 2;
        double @base = Base;
        if (Kind == RotaryKind.Dynamic)
        {
            double length = Math.Max(sequenceLength, MaximumPositions);
            @base *= Math.Pow(Factor * length / MaximumPositions - (Factor - 1), HeadSize / (HeadSize - 2.0));
        }
        var frequencies = new double[half];
        for (int i = 0; i < half; i++) frequencies[i] = Math.Pow(@base, -2.0 * i / HeadSize);
        return Kind switch
        {
            RotaryKind.Linear => [.. frequencies.Select(f => f / Factor)],
            RotaryKind.Llama3 => [.. frequencies.Select(SmoothLlama3)],
            RotaryKind.Yarn => Yarn(frequencies),
            RotaryKind.LongRope => [.. frequencies.Zip(sequenceLength > OriginalPositions ? LongFactors! : ShortFactors!, (f, factor) => f / factor)],
            _ => frequencies,
        };
    }

    private double SmoothLlama3(double frequency)
    {
        double periods = OriginalPositions * frequency / (2 * Math.PI);
        if (periods < LowFrequencyFactor) return frequency / Factor;
        if (periods > HighFrequencyFactor) return frequency;
        double smooth = (periods - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - smooth) * frequency / Factor + smooth * frequency;
    }

    private double[] Yarn(double[] frequencies)
    {
        // The dimension whose frequency makes the given number of rotations over the original length.
        double Dimension(double rotations) =>
            HeadSize * Math.Log(OriginalPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(Base));
        double low = Dimension(BetaFast), high = Dimension(BetaSlow);
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, HeadSize - 1));
        if (low == high) high += 0.001;
        return [.. frequencies.Select((f, i) =>
        {
            double kept = 1 - Math.Clamp((i - low) / (high - low), 0, 1);
            return f / Factor * (1 - kept) + f * kept;
        })];
    }
}
