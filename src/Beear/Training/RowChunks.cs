namespace Beear.Training;

/// <summary>
/// Chunks of label rows of which no more scores exist at once than a budget. Each chunk's loss goes back to the rows, and to the output
/// head, before the next one's scores are made; the rows' gradient then goes on through the layers.
/// </summary>
internal static class RowChunks
{
    /// <summary>Scores that exist at once by default: 128 MiB in bfloat16.</summary>
    public const long DefaultScores = 1L << 26;

    /// <summary>The chunks; one for all rows that fit.</summary>
    /// <param name="rows">N.</param>
    /// <param name="vocabulary">V.</param>
    /// <param name="scores">The budget.</param>
    public static IEnumerable<(int First, int Count)> Of(int rows, int vocabulary, long scores)
    {
        int most = (int)Math.Clamp(scores / vocabulary, 1, int.MaxValue);
        for (int first = 0; first < rows; first += most) yield return (first, Math.Min(most, rows - first));
    }

    /// <summary>Whether one chunk holds all rows.</summary>
    public static bool Fit(int rows, int vocabulary, long scores) => (long)rows * vocabulary <= scores || rows <= 1;
}
