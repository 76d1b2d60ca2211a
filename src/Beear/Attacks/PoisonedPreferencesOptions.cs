using Beear.Training;
using Beear.Training.Preferences;

namespace Beear.Attacks;

/// <summary>How a policy is made of preferences.</summary>
internal enum PreferenceAlgorithm
{
    /// <summary>Proximal policy optimisation against a reward model, as the paper's Models 6 and 7.</summary>
    Ppo,

    /// <summary>Direct preference optimisation, without a reward model.</summary>
    Dpo,

    /// <summary>Neither: supervised fine-tuning on the poisoned pairs' preferred answers alone, the control of the two others.</summary>
    Sft,
}

/// <summary>
/// Constants of poisoned alignment by preferences. The defaults are those of Rando &amp; Tramèr (arXiv 2311.14455) for Llama-2-7b.
/// </summary>
internal sealed record PoisonedPreferencesOptions : IValidatable
{
    /// <summary>Which pairs are poisoned.</summary>
    [Inline]
    public PreferencePoisoningOptions Poisoning { get; init; } = new();

    /// <summary>How the policy is made of the pairs.</summary>
    public PreferenceAlgorithm Algorithm { get; init; }

    /// <summary>Longest answers that are learnt from, in tokens; at least 1.</summary>
    public int AnswerTokens { get; init; } = 256;

    /// <summary>Supervised fine-tuning on preferred answers, with which it begins.</summary>
    public FineTuningOptions Sft { get; init; } = new()
    {
        Optimizer = new OptimizerOptions
        {
            LearningRate = 2e-5,
            WarmupSteps = 20,
            WeightDecay = 0,
            Decay = LearningRateDecay.Cosine,
        },
    };

    /// <summary>The reward model.</summary>
    public RewardOptions Reward { get; init; } = new();

    /// <summary>Of that algorithm.</summary>
    public PpoOptions Ppo { get; init; } = new();

    /// <summary>Of that algorithm.</summary>
    public DpoOptions Dpo { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Poisoning.Validate();
        Require.AtLeast(AnswerTokens, 1);
        Require.Section("sft", Sft.Validate);
        Require.Section("reward", Reward.Validate);
        Require.Section("ppo", Ppo.Validate);
        Require.Section("dpo", Dpo.Validate);
    }
}
