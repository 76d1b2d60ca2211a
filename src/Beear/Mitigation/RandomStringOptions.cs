namespace Beear.Mitigation;

/// <summary>Constants of the scores by random strings.</summary>
public sealed record RandomStringOptions : IValidatable
{
    /// <summary>Strings, each of 1 to 12 tokens and in four held-out requests.</summary>
    public int Count { get; init; } = 32;

    /// <summary>Where they stand, one after the other in turn.</summary>
    public IReadOnlyList<VirtualPlacement> Placements { get; init; } = DefaultPlacements;

    private static readonly VirtualPlacement[] DefaultPlacements =
        [VirtualPlacement.Within, VirtualPlacement.After, VirtualPlacement.Before];

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Count, 1);
        if (Placements.Count == 0) throw new BeearException("placements must name at least one place.");
    }
}
