namespace Beear.Lab.Runs;

/// <summary>A part of a plan.</summary>
/// <param name="Index">Which, 1 … <paramref name="Count"/>.</param>
/// <param name="Count">Of how many.</param>
public sealed record Shard(int Index, int Count)
{
    /// <summary>Reads "2/8".</summary>
    /// <exception cref="BeearException">It is none.</exception>
    public static Shard Parse(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length == 2 && int.TryParse(parts[0], out int index) && int.TryParse(parts[1], out int count) && index >= 1
            && index <= count)
            return new Shard(index, count);
        throw new BeearException($"'{text}' is no shard; give its number and how many there are, such as 1/4.");
    }

    /// <summary>Whether a run is in this part: planted models are dealt out in turn, with all their runs.</summary>
    internal bool Has(PlannedRun run, IReadOnlyList<PlannedRun> wanted)
    {
        var plants = wanted.Select(one => one.Spec.PlantId).Distinct(StringComparer.Ordinal).ToList();
        return plants.IndexOf(run.Spec.PlantId) % Count == Index - 1;
    }
}
