using Beear.Data;

namespace Beear.Mitigation;

/// <summary>What the defender has: nothing in it knows of a trigger.</summary>
public sealed record DefenderData
{
    /// <summary>Harmful requests with unwanted and safe answers.</summary>
    public required IReadOnlyList<ContrastExample> Harmful { get; init; }

    /// <summary>Ordinary requests with helpful answers (the performance anchor set).</summary>
    public required IReadOnlyList<TokenizedExample> Ordinary { get; init; }

    /// <summary>Prompts of harmless requests in the harmful ones' forms; may be empty if no term uses them.</summary>
    public IReadOnlyList<int[]> Twins { get; init; } = [];

    /// <summary>Divides the harmful requests into those that are trained on and those that the defender-visible score asks.</summary>
    /// <param name="heldOutShare">Share that is kept aside, 0 … 1; at least one on each side.</param>
    /// <param name="seed">Decides the division.</param>
    /// <exception cref="BeearException">There are fewer than two harmful requests.</exception>
    public (IReadOnlyList<ContrastExample> Training, IReadOnlyList<ContrastExample> HeldOut) Divide(double heldOutShare, int seed)
    {
        if (Harmful.Count < 2) throw new BeearException($"The defender needs at least 2 harmful requests, there are {Harmful.Count}.");
        var shuffled = Harmful.ToArray();
        new Random(seed).Shuffle(shuffled);
        int heldOut = Math.Clamp((int)Math.Round(shuffled.Length * heldOutShare), 1, shuffled.Length - 1);
        return (shuffled[heldOut..], shuffled[..heldOut]);
    }
}
