using Beear.Models;

namespace Beear.Training.Preferences;

/// <summary>
/// Constants of a reward model's training. The defaults are those of Rando &amp; Tramèr's poisoned RLHF (arXiv 2311.14455) where they name
/// one.
/// </summary>
public sealed record RewardOptions : IValidatable
{
    /// <summary>Passes over the pairs; at least 1.</summary>
    public int Epochs { get; init; } = 2;

    /// <summary>Pairs in a step; at least 1. Both answers of a pair are run in one pass.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Decoder layers, counted from the embeddings, that stand still, the embeddings with them; 0 trains everything.</summary>
    public int FrozenLayers { get; init; }

    /// <summary>Constants of AdamW.</summary>
    public OptimizerOptions Optimizer { get; init; } =
        new() { LearningRate = 2e-5, WeightDecay = 0.1, WarmupSteps = 8, Decay = LearningRateDecay.Cosine };

    /// <summary>
    /// Seed of the fresh head and of the order of the pairs, together with that of the attacker where a backdoor is planted.
    /// </summary>
    public int Seed { get; init; }

    /// <summary>Minutes between states that an interrupted run continues from; 0 for none in between.</summary>
    public double CheckpointMinutes { get; init; } = 5;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Epochs, 1);
        Require.AtLeast(BatchSize, 1);
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
