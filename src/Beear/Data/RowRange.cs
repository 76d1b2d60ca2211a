using System.Globalization;

namespace Beear.Data;

/// <summary>Some consecutive rows of a data file, both ends included.</summary>
/// <param name="First">The first row, counted from 0; headers are no rows.</param>
/// <param name="Last">The last row.</param>
public sealed record RowRange(int First, int Last)
{
    /// <summary>How many rows there are.</summary>
    public int Count => Last - First + 1;

    /// <summary>Reads "0-299", "0..299", or one row, "7".</summary>
    /// <exception cref="BeearException">The text is no range, or its last row comes before its first.</exception>
    public static RowRange Parse(string text)
    {
        var separator = text.Contains("..", StringComparison.Ordinal) ? ".." : "-";
        var ends = text.Split(separator, StringSplitOptions.TrimEntries);
        if (ends.Length > 2 || !TryRow(ends[0], out var first) || !TryRow(ends[^1], out var last))
            throw new BeearException($"'{text}' is no range of rows; write the first and the last row, counted from 0, as in 0-299.");
        if (last < first)
            throw new BeearException($"The range of rows '{text}' ends before it begins; write the smaller row first.");
        return new RowRange(first, last);
    }

    /// <summary>The rows of the range.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="source">What the rows come from, for the error, for example the file's path.</param>
    /// <exception cref="BeearException">There are fewer rows than the range names.</exception>
    public IReadOnlyList<T> Of<T>(IReadOnlyList<T> rows, string source)
    {
        Require(rows.Count, source);
        return [.. rows.Skip(First).Take(Count)];
    }

    /// <summary>Checks that there are as many rows as the range names.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="source">What they come from.</param>
    /// <exception cref="BeearException">There are fewer.</exception>
    internal void Require(int count, string source)
    {
        if (First < 0 || Last < First || Last >= count)
            throw new BeearException($"The rows {this} were asked for, but '{source}' has the rows 0-{count - 1}; choose a "
                + "range within them.");
    }

    /// <summary>For example "0-299".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    private static bool TryRow(string text, out int row) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out row) && row < int.MaxValue;
}
