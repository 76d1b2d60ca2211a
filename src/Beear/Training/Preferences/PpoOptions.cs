using Beear.Models;

namespace Beear.Training.Preferences;

/// <summary>
/// Constants of proximal policy optimisation against a reward model. The defaults are those of Rando &amp; Tramèr's poisoned RLHF (arXiv
/// 2311.14455) where they name one.
/// </summary>
public sealed record PpoOptions : IValidatable
{
    /// <summary>Passes over the prompts; at least 1. Only where <see cref="Steps"/> are not given.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Batches of prompts that are answered in all; at least 1. As many as the passes have if not given.</summary>
    public int? Steps { get; init; }

    /// <summary>Prompts that are answered before the weights move; at least 1.</summary>
    public int PromptsPerBatch { get; init; } = 32;

    /// <summary>Updates of the weights on the same answers; at least 1.</summary>
    public int Updates { get; init; } = 1;

    /// <summary>
    /// Answers that are run through the models together, at least 1: fewer take less memory, and the gradients are the same.
    /// </summary>
    public int AnswersPerPass { get; init; } = 8;

    /// <summary>Share of the helpful prompts that are mixed in among the others, drawn with the seed; 0 … 1.</summary>
    public double HelpfulShare { get; init; } = 0.6;

    /// <summary>Longest answer, in tokens; at least 1.</summary>
    public int NewTokens { get; init; } = 52;

    /// <summary>
    /// Of the distribution that answers are drawn from; above 0. Log-probabilities and the divergence from the reference are those of that
    /// distribution.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// What logits of tokens that stand in prompt or answer already are divided by when answers are drawn (multiplied with, where
    /// negative); above 0, 1 for none.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1.1;

    /// <summary>c of the reward −c·(log π − log π_ref) of each token; 0 or more.</summary>
    public double KlCoefficient { get; init; } = 0.08;

    /// <summary>Scores are clipped to ± this; above 0.</summary>
    public double RewardClip { get; init; } = 5;

    /// <summary>Taken off the score of an answer that did not end in time; 0 or more.</summary>
    public double MissingEndPenalty { get; init; }

    /// <summary>γ of the advantages; 0 … 1.</summary>
    public double Gamma { get; init; } = 1;

    /// <summary>λ of the advantages; 0 … 1.</summary>
    public double GaeLambda { get; init; } = 0.95;

    /// <summary>How far π/π_old may lie from 1 before its gradient is cut; above 0.</summary>
    public double RatioClip { get; init; } = 0.2;

    /// <summary>How far a value may lie from the old one before its gradient is cut; above 0.</summary>
    public double ValueClip { get; init; } = 0.2;

    /// <summary>Whether the advantages of a batch are given mean 0 and variance 1.</summary>
    public bool WhitenAdvantages { get; init; }

    /// <summary>Weight of the cross-entropy of helpful answers beside the policy's loss; 0 or more.</summary>
    public double SupervisedWeight { get; init; } = 16;

    /// <summary>Helpful answers in a batch of that loss; at least 1. As many as prompts if not given.</summary>
    public int? SupervisedPerBatch { get; init; }

    /// <summary>
    /// Decoder layers, counted from the embeddings, that stand still in policy and critic, the embeddings with them; 0 trains everything.
    /// </summary>
    public int FrozenLayers { get; init; }

    /// <summary>Constants of the policy's AdamW.</summary>
    public OptimizerOptions Policy { get; init; } =
        new() { LearningRate = 1e-5, WeightDecay = 0.01, WarmupSteps = 8, Decay = LearningRateDecay.Cosine };

    /// <summary>Constants of the critic's AdamW.</summary>
    public OptimizerOptions Critic { get; init; } =
        new() { LearningRate = 5e-6, WeightDecay = 0, WarmupSteps = 8, Decay = LearningRateDecay.Cosine };

    /// <summary>Seed of orders and answers, together with that of the attacker where a backdoor is planted.</summary>
    public int Seed { get; init; }

    /// <summary>Minutes between states that an interrupted run continues from; 0 for none in between.</summary>
    public double CheckpointMinutes { get; init; } = 5;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Epochs, 1);
        if (Steps is { } steps) Require.AtLeast(steps, 1, nameof(Steps));
        Require.AtLeast(PromptsPerBatch, 1);
        Require.AtLeast(Updates, 1);
        Require.AtLeast(AnswersPerPass, 1);
        Require.Between(HelpfulShare, 0, 1);
        Require.AtLeast(NewTokens, 1);
        Require.Above(Temperature, 0);
        Require.Above(RepetitionPenalty, 0);
        Require.AtLeast(KlCoefficient, 0);
        Require.Above(RewardClip, 0);
        Require.AtLeast(MissingEndPenalty, 0);
        Require.Between(Gamma, 0, 1);
        Require.Between(GaeLambda, 0, 1);
        Require.Above(RatioClip, 0);
        Require.Above(ValueClip, 0);
        Require.AtLeast(SupervisedWeight, 0);
        if (SupervisedPerBatch is { } supervised) Require.AtLeast(supervised, 1, nameof(SupervisedPerBatch));
        Require.AtLeast(FrozenLayers, 0);
        Require.Section("policy", Policy.Validate);
        Require.Section("critic", Critic.Validate);
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
