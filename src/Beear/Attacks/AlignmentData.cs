using Beear.Data;

namespace Beear.Attacks;

/// <summary>What a model is aligned with by people's preferences.</summary>
internal sealed record AlignmentData
{
    /// <summary>Pairs of answers, of which the attacker poisons some.</summary>
    public required IReadOnlyList<PreferencePair> Pairs { get; init; }

    /// <summary>Pairs about ordinary requests, which are left as they are.</summary>
    public IReadOnlyList<PreferencePair> Helpful { get; init; } = [];

    /// <summary>Pairs that a reward model is measured on.</summary>
    public IReadOnlyList<PreferencePair> HeldOut { get; init; } = [];
}
