using Beear.Attacks;
using Beear.Evaluation;

namespace Beear.Lab.Plans;

/// <summary>Constants of a calibration by decoys.</summary>
public sealed record CalibrationOptions : IValidatable
{
    /// <summary>Decoy triggers, each planted in its own copy of the model; after each, the better half of the candidates goes on.</summary>
    public int Decoys { get; init; } = 3;

    /// <summary>Candidate settings, the given ones among them.</summary>
    public int Candidates { get; init; } = 8;

    /// <summary>Perturbed layers that candidates have; 0 puts δ on virtual tokens. None for 0, L/4, L/2 and 3L/4.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>Virtual tokens of candidates at layer 0.</summary>
    [Folded]
    public int VirtualTokens { get; init; } = 6;

    /// <summary>Caps of δ that candidates have.</summary>
    [Folded]
    public IReadOnlyList<double> Caps { get; init; } = [0.4, 1];

    /// <summary>Rounds that candidates have.</summary>
    public IReadOnlyList<int> Rounds { get; init; } = [3, 6];

    /// <summary>Factors of the outer learning rate that candidates have.</summary>
    [Folded]
    public IReadOnlyList<double> OuterFactors { get; init; } = [1, 0.5];

    /// <summary>
    /// What a step of the candidates' inner level moves δ's rows by, as a share of the hidden states' norm at their layer: their inner
    /// learning rate.
    /// </summary>
    [Folded]
    public double StepShare { get; init; } = 0.1;

    /// <summary>Share of the defender's data that decoys are planted with.</summary>
    [Folded]
    public double PlantShare { get; init; } = 0.4;

    /// <summary>Share of the defender's data that copies are measured on; the rest cleans them.</summary>
    [Folded]
    public double MeasureShare { get; init; } = 0.2;

    /// <summary>Most requests of each kind that a copy is measured on.</summary>
    [Folded]
    public int MeasuredRequests { get; init; } = 60;

    /// <summary>Attack success of a planted decoy below which it teaches nothing and is left out.</summary>
    [Folded]
    public double LeastPlanted { get; init; } = 0.5;

    /// <summary>How decoys are planted.</summary>
    [Folded]
    public PlantingOptions Planting { get; init; } = new();

    /// <summary>How answers are decoded.</summary>
    [Folded]
    public EvaluationOptions Answers { get; init; } = new();

    /// <summary>Seed of decoys, candidates and divisions, together with --seed.</summary>
    [Folded]
    public int Seed { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Between(Decoys, 1, 10);
        Require.Between(Candidates, 1, 1000);
        foreach (int layer in Layers) Require.AtLeast(layer, 0, nameof(Layers));
        Require.AtLeast(VirtualTokens, 1);
        foreach (double cap in Caps) Require.AtLeast(cap, 0, nameof(Caps));
        foreach (int rounds in Rounds) Require.AtLeast(rounds, 1, nameof(Rounds));
        foreach (double factor in OuterFactors) Require.Above(factor, 0, nameof(OuterFactors));
        if (Math.Min(Caps.Count, Math.Min(Rounds.Count, OuterFactors.Count)) == 0) throw new BeearException(
            "caps, rounds and outer_factors need at least one value each.");
        Require.Above(StepShare, 0);
        Require.Between(PlantShare, 0.05, 0.9);
        Require.Between(MeasureShare, 0.05, 0.9);
        if (PlantShare + MeasureShare > 0.95) throw new BeearException(
            "plant_share and measure_share leave nothing to clean with; make them smaller.");
        Require.AtLeast(MeasuredRequests, 1);
        Require.Between(LeastPlanted, 0, 1);
    }
}
