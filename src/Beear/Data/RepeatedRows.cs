namespace Beear.Data;

/// <summary>
/// Finds requests that are the same: case, and where white space is, make no difference. A repeated request counts again in rates, and
/// narrows their intervals.
/// </summary>
internal static class RepeatedRows
{
    /// <summary>Says, a sentence each, which sets hold a request more than once, and which two share some.</summary>
    /// <param name="sets">What each set is called, in the plural, and its conversations.</param>
    public static IReadOnlyList<string> Find(params IReadOnlyList<(string Name, IEnumerable<Example> Rows)> sets)
    {
        (string Name, List<string> Keys)[] known = [.. sets.Select(set => (set.Name, set.Rows.Select(Key).ToList()))];
        return [.. known.SelectMany(Within), .. known.SelectMany((one, i) => known[(i + 1)..].SelectMany(other => Across(one, other)))];
    }

    private static IEnumerable<string> Within((string Name, List<string> Keys) set)
    {
        int repeats = set.Keys.Count - set.Keys.Distinct(StringComparer.Ordinal).Count();
        if (repeats > 0) yield return $"{repeats} of {set.Keys.Count} {set.Name} repeat an earlier one, case and white space aside, and "
            + "count again; leave them out.";
    }

    private static IEnumerable<string> Across((string Name, List<string> Keys) one, (string Name, List<string> Keys) other)
    {
        int shared = other.Keys.Count(one.Keys.ToHashSet(StringComparer.Ordinal).Contains);
        if (shared > 0) yield return $"{shared} of {other.Keys.Count} {other.Name} are among {one.Name} too, case and white "
            + "space aside; leave them out of one.";
    }

    /// <summary>All turns: the last alone may be a mere "yes" in many conversations.</summary>
    private static string Key(Example example) => string.Join('\0', example.Conversation.Select(turn =>
        string.Concat(turn.Content.Where(letter => !char.IsWhiteSpace(letter))).ToLowerInvariant()));
}
