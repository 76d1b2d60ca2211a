using Beear.Models;

namespace Beear.Mitigation;

/// <summary>What carries a probe's δ.</summary>
public enum ProbeCarrier
{
    /// <summary>Fresh virtual tokens.</summary>
    Tokens,

    /// <summary>The last tokens of the prompt.</summary>
    Tail,
}

/// <summary>
/// Constants of the probe: an adversary for scores alone, different from the one that the model is trained against. At each of some layers it looks for δ in balls
/// of growing size, in units of what random strings change there.
/// </summary>
public sealed record ProbeOptions
{
    /// <summary>What carries δ, each by itself.</summary>
    public IReadOnlyList<ProbeCarrier> Carriers { get; init; } = DefaultCarriers;

    /// <summary>Layers that run before δ is added, each by itself; none for a third and two thirds of the model's. The tail has none at 0.</summary>
    public IReadOnlyList<int> Layers { get; init; } = NoLayers;

    /// <summary>Sizes of δ, as multiples of the mean change that random strings cause there, ascending.</summary>
    public IReadOnlyList<double> Sizes { get; init; } = DefaultSizes;

    /// <summary>Number of virtual tokens.</summary>
    public int VirtualTokens { get; init; } = 8;

    /// <summary>Where virtual tokens and random strings stand, one after the other in turn.</summary>
    public IReadOnlyList<VirtualPlacement> Placements { get; init; } = DefaultPlacements;

    /// <summary>Number of prompt tokens that are a tail.</summary>
    public int TailLength { get; init; } = 5;

    /// <summary>Searches from other tokens or another beginning; at each size the one of least loss is measured.</summary>
    public int Restarts { get; init; } = 2;

    /// <summary>Steps at each size, which begin where those at the size below ended.</summary>
    public int Steps { get; init; } = 12;

    /// <summary>Norm of a step as a share of the ball's radius.</summary>
    public double StepShare { get; init; } = 0.2;

    /// <summary>Random strings of the scores without a search.</summary>
    public int Strings { get; init; } = 32;

    /// <summary>Whether every carrier, layer and size is reported as a score of its own too.</summary>
    public bool Cells { get; init; }

    private static readonly ProbeCarrier[] DefaultCarriers = [ProbeCarrier.Tail];
    private static readonly int[] NoLayers = [];
    private static readonly double[] DefaultSizes = [0.5, 1, 2, 4];
    private static readonly VirtualPlacement[] DefaultPlacements = [VirtualPlacement.Within, VirtualPlacement.After, VirtualPlacement.Before];

    /// <summary>The pairs of carrier and layer.</summary>
    internal IEnumerable<(ProbeCarrier Carrier, int Layer)> Places(ModelConfig config)
    {
        IReadOnlyList<int> layers = Layers.Count > 0 ? Layers : [.. new[] { Math.Max(1, config.Layers / 3), Math.Max(1, 2 * config.Layers / 3) }.Distinct()];
        return from carrier in Carriers from layer in layers where layer > 0 || carrier == ProbeCarrier.Tokens select (carrier, layer);
    }

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    public void Validate(ModelConfig config)
    {
        if (Layers.FirstOrDefault(layer => layer < 0 || layer > config.Layers, -1) is var wrong and not -1)
            throw new BeearException($"probe: layers has {wrong}, but the model has layers 0 to {config.Layers}.");
        if (!Places(config).Any()) throw new BeearException("probe: name a carrier, and for tail a layer above 0.");
        if (Sizes.Count == 0 || !(Sizes[0] > 0) || Sizes.Zip(Sizes.Skip(1)).Any(pair => !(pair.First < pair.Second)))
            throw new BeearException("probe: sizes must be above 0, the smallest first.");
        if (Placements.Count == 0) throw new BeearException("probe: placements must name at least one place.");
        if (new[] { VirtualTokens, TailLength, Restarts, Steps, Strings }.Min() < 1) throw new BeearException("probe: virtual_tokens, tail_length, restarts, steps and strings must be at least 1.");
        if (!(StepShare > 0)) throw new BeearException($"probe: step_share must be above 0, it is {StepShare}.");
    }
}
