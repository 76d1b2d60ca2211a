using Beear.Data;

namespace Beear.Lab.World;

/// <summary>A list of words in three disjoint parts of equal length: attacker's, defender's, evaluation's.</summary>
internal sealed class WordsBySplit<T>
{
    private readonly T[][] parts;

    public WordsBySplit(T[] attacker, T[] defender, T[] evaluation)
    {
        parts = [attacker, defender, evaluation];
        All = [.. attacker, .. defender, .. evaluation];
    }

    /// <summary>The three parts in the order of <see cref="DataSplit"/>.</summary>
    public IReadOnlyList<T> All { get; }

    /// <summary>One part.</summary>
    public IReadOnlyList<T> Of(DataSplit split) => parts[(int)split];
}
