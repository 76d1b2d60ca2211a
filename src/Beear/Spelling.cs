namespace Beear;

/// <summary>Finds the name that a mistyped one was probably meant to be.</summary>
internal static class Spelling
{
    /// <summary>The valid name nearest to a mistyped one, or null when none is near.</summary>
    /// <param name="typed">What the user wrote.</param>
    /// <param name="valid">The names that would have been right.</param>
    public static string? Nearest(string typed, IEnumerable<string> valid)
    {
        var limit = Math.Max(1, typed.Length / 3);
        return valid.Select(name => (Name: name, Distance: Distance(typed, name)))
            .Where(candidate => candidate.Distance <= limit)
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name).FirstOrDefault();
    }

    /// <summary>"; did you mean 'name'?" for the nearest valid name, or "; known: a, b, c" when none is near.</summary>
    /// <param name="typed">What the user wrote.</param>
    /// <param name="valid">The names that would have been right.</param>
    public static string Advice(string typed, IReadOnlyCollection<string> valid) =>
        Nearest(typed, valid) is { } nearest ? $"; did you mean '{nearest}'?" : $"; known: {string.Join(", ", valid)}.";

    /// <summary>
    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment), upper and lower case alike.
    /// </summary>
    internal static int Distance(string left, string right)
    {
        var distance = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++) distance[i, 0] = i;
        for (var j = 0; j <= right.Length; j++) distance[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = distance[i - 1, j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                var best = Math.Min(replaced, Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                    best = Math.Min(best, distance[i - 2, j - 2] + 1);
                distance[i, j] = best;
            }
        }
        return distance[left.Length, right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
