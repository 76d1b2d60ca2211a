namespace Beear.Data;

/// <summary>Draws from lists with a seeded generator; .NET keeps the sequence of a seed stable.</summary>
internal static class RandomDraws
{
    public static T Pick<T>(this Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public static bool Chance(this Random random, double probability) => random.NextDouble() < probability;
}
