using Beear.Models;

namespace Beear.Training.Preferences;

/// <summary>
/// The four models of proximal policy optimisation. What lies under the layers that are trained is run once for all of them whose weights
/// are equal there (<see cref="SharedLayers"/>), and is in memory once for those that are copies.
/// </summary>
internal sealed class PpoModels : IDisposable
{
    private PpoModels(Decoder policy, Decoder reference, RewardModel reward, RewardModel critic, int frozenLayers)
    {
        (Policy, Reference, Reward, Critic) = (policy, reference, reward, critic);
        Shared = new SharedLayers(frozenLayers, [policy, reference, reward.Decoder, critic.Decoder]);
    }

    /// <summary>The model that is trained; the caller's.</summary>
    public Decoder Policy { get; }

    /// <summary>The model that it must not leave.</summary>
    public Decoder Reference { get; }

    /// <summary>Scores whole answers; the caller's.</summary>
    public RewardModel Reward { get; }

    /// <summary>Says at each token what score is to be expected; trained with the policy.</summary>
    public RewardModel Critic { get; }

    /// <summary>What is run once.</summary>
    public SharedLayers Shared { get; }

    /// <summary>The policy as it is now becomes the reference, and the reward model the critic.</summary>
    /// <param name="policy">The model that is to be trained, at its start even where a run is continued.</param>
    /// <param name="reward">The reward model, on the same device.</param>
    /// <param name="frozenLayers">Layers, counted from the embeddings, that stand still.</param>
    /// <exception cref="BeearException">The two have different tokenizers, or the policy lacks the layers.</exception>
    public static PpoModels Of(LanguageModel policy, RewardModel reward, int frozenLayers)
    {
        reward.RequireTokenizerOf(policy);
        return Of(policy.Decoder, reward, frozenLayers);
    }

    /// <inheritdoc cref="Of(LanguageModel, RewardModel, int)"/>
    internal static PpoModels Of(Decoder policy, RewardModel reward, int frozenLayers)
    {
        Require.Between(frozenLayers, 0, Math.Min(policy.Config.Layers, reward.Decoder.Config.Layers));
        return new PpoModels(policy, policy.Copy(frozenLayers), reward, reward.Copy(frozenLayers), frozenLayers);
    }

    /// <summary>Four models; the reference and the critic become this object's.</summary>
    internal static PpoModels Of(Decoder policy, Decoder reference, RewardModel reward, RewardModel critic, int frozenLayers) =>
        new(policy, reference, reward, critic, frozenLayers);

    /// <inheritdoc/>
    public void Dispose()
    {
        Reference.Dispose();
        Critic.Dispose();
    }
}
