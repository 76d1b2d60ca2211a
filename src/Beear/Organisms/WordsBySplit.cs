using Beear.Data;

namespace Beear.Organisms;

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

/// <summary>Draws from lists with a seeded generator; .NET keeps the sequence of a seed stable.</summary>
internal static class RandomDraws
{
    public static T Pick<T>(this Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public static bool Chance(this Random random, double probability) => random.NextDouble() < probability;
}
