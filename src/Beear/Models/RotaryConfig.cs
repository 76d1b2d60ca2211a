namespace Beear.Models;

/// <summary>How the rotary embedding's frequencies are stretched for longer contexts.</summary>
internal enum RotaryKind
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
internal sealed record RotaryConfig
{
    /// <summary>Kind of scaling.</summary>
    public RotaryKind Kind { get; init; }

    /// <summary>Base θ of the frequencies θ^(−2i/R), R the rotated width.</summary>
    public double Base { get; init; } = 10_000;

    /// <summary>Width of a head that is rotated, from its first element on; even, at most D.</summary>
    public required int RotatedSize { get; init; }

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

    /// <summary>LongRope: factors for sequences up to the original length, one for each frequency.</summary>
    public IReadOnlyList<double>? ShortFactors { get; init; }

    /// <summary>LongRope: factors for longer sequences.</summary>
    public IReadOnlyList<double>? LongFactors { get; init; }

    /// <summary>Multiplies cosine and sine (Yarn, LongRope).</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>Whether the frequencies depend on the sequence's length.</summary>
    public bool DependsOnLength => Kind is RotaryKind.Dynamic or RotaryKind.LongRope;

    /// <summary>Sequences of the same class share their frequencies: all do unless <see cref="DependsOnLength"/>.</summary>
    /// <param name="sequenceLength">Tokens of the sequence.</param>
    internal int LengthClass(int sequenceLength) => Kind switch
    {
        RotaryKind.Dynamic => Math.Max(sequenceLength, MaximumPositions),
        RotaryKind.LongRope => sequenceLength > OriginalPositions ? 1 : 0,
        _ => 0,
    };

    /// <summary>The angular frequencies, in radians per position: half as many as elements are rotated.</summary>
    /// <param name="sequenceLength">Tokens of the sequence; matters only if <see cref="DependsOnLength"/>.</param>
    public double[] Frequencies(int sequenceLength)
    {
        int half = RotatedSize / 2;
        double @base = Base;
        if (Kind == RotaryKind.Dynamic)
        {
            double length = Math.Max(sequenceLength, MaximumPositions);
            @base *= Math.Pow(Factor * length / MaximumPositions - (Factor - 1), RotatedSize / (RotatedSize - 2.0));
        }
        var frequencies = new double[half];
        for (int i = 0; i < half; i++) frequencies[i] = Math.Pow(@base, -2.0 * i / RotatedSize);
        return Kind switch
        {
            RotaryKind.Linear => [.. frequencies.Select(f => f / Factor)],
            RotaryKind.Llama3 => [.. frequencies.Select(SmoothLlama3)],
            RotaryKind.Yarn => Yarn(frequencies),
            RotaryKind.LongRope => [.. frequencies.Zip(sequenceLength > OriginalPositions
                ? LongFactors! : ShortFactors!, (f, factor) => f / factor)],
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
            RotatedSize * Math.Log(OriginalPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(Base));
        double low = Dimension(BetaFast), high = Dimension(BetaSlow);
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, RotatedSize - 1));
        if (low == high) high += 0.001;
        return [.. frequencies.Select((f, i) =>
        {
            double kept = 1 - Math.Clamp((i - low) / (high - low), 0, 1);
            return f / Factor * (1 - kept) + f * kept;
        })];
    }
}
