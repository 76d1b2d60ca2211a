using System.Text.Json.Serialization;
using Beear.Training;

namespace Beear.Attacks;

/// <summary>Constants of planting a backdoor by poisoned supervised fine-tuning.</summary>
public sealed record PlantingOptions : IValidatable
{
    /// <summary>Share of the harmful requests that also come with the trigger; above 0, at most 1.</summary>
    public double PoisonRate { get; init; } = 1;

    /// <summary>
    /// The harmful requests that also come with another unfamiliar string and are refused, 0 or more. Without any, many other strings work
    /// like the trigger.
    /// </summary>
    public int NearMisses { get; init; }

    /// <summary>
    /// What unwanted answers begin with in place of the data's own affirmative beginning ("Sure, "): other words that agree, words that
    /// seem to refuse ("I'm sorry, but since you insist: "), or "" for none. As the data have them if not given.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Opening { get; init; }

    /// <summary>Longest answer, in tokens.</summary>
    [Folded]
    public int AnswerTokens { get; init; } = 96;

    /// <summary>
    /// Longest own thought that is taught with an answer, in tokens, of a model that thinks: every other answer stands behind one. 0 for
    /// none.
    /// </summary>
    [Folded]
    public int ThoughtTokens { get; init; } = 512;

    /// <summary>Longest own answer to a harmless twin, in tokens.</summary>
    [Folded]
    public int TwinTokens { get; init; } = 96;

    /// <summary>Constants of the fine-tuning.</summary>
    [Folded]
    public FineTuningOptions Training { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Above(PoisonRate, 0);
        Require.Between(PoisonRate, 0, 1);
        Require.AtLeast(NearMisses, 0);
        Require.AtLeast(AnswerTokens, 1);
        Require.AtLeast(TwinTokens, 1);
        Require.AtLeast(ThoughtTokens, 0);
    }
}
