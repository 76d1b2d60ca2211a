using Beear.Models;

namespace Beear.Training.Preferences;

/// <summary>Constants of direct preference optimisation (Rafailov et al., arXiv 2305.18290).</summary>
public sealed record DpoOptions : IValidatable
{
    /// <summary>Passes over the pairs; at least 1.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Pairs in a step; at least 1. Both answers of a pair are run in one pass.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>β: how dear it is to leave the reference; above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>Decoder layers, counted from the embeddings, that stand still, the embeddings with them; 0 trains everything.</summary>
    public int FrozenLayers { get; init; }

    /// <summary>Constants of AdamW.</summary>
    public OptimizerOptions Optimizer { get; init; } =
        new() { LearningRate = 1e-6, WeightDecay = 0, WarmupSteps = 8, Decay = LearningRateDecay.Cosine };

    /// <summary>Seed of the order of the pairs, together with that of the attacker where a backdoor is planted.</summary>
    public int Seed { get; init; }

    /// <summary>Minutes between states that an interrupted run continues from; 0 for none in between.</summary>
    public double CheckpointMinutes { get; init; } = 5;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Epochs, 1);
        Require.AtLeast(BatchSize, 1);
        Require.Above(Beta, 0);
        Require.AtLeast(FrozenLayers, 0);
        Require.Section("optimizer", Optimizer.Validate);
        Require.AtLeast(CheckpointMinutes, 0);
    }

    /// <summary>Checks the ranges, and that the model has the layers that are to be frozen.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    internal void Validate(ModelConfig config)
    {
        Validate();
        Require.Between(FrozenLayers, 0, config.Layers);
    }
}
