namespace Beear.Data.Readers;

/// <summary>Collects the rows that were asked for, and only counts the others.</summary>
/// <param name="range">Which; null for all.</param>
/// <param name="source">The file's path.</param>
/// <param name="cancellation">Stops reading.</param>
internal sealed class WantedRows(RowRange? range, string source, CancellationToken cancellation)
{
    private readonly List<DataRow> rows = [];
    private int count;

    /// <summary>Whether nothing that follows is wanted.</summary>
    public bool IsComplete => count > range?.Last;

    /// <summary>The file's path.</summary>
    public string Source => source;

    /// <summary>Whether the next row, or some of the next ones, are wanted; passes over them if none is.</summary>
    public bool Wants(int next = 1)
    {
        if (!IsComplete && (range is null || count + next > range.First)) return true;
        count += next;
        return false;
    }

    /// <summary>Takes the next row, which is wanted.</summary>
    public void Add(DataRow row)
    {
        cancellation.ThrowIfCancellationRequested();
        rows.Add(row);
        count++;
    }

    /// <summary>All that were wanted.</summary>
    /// <exception cref="BeearException">The file has no rows, or fewer than were asked for.</exception>
    public IReadOnlyList<DataRow> Rows()
    {
        if (count == 0) throw new BeearException($"'{source}' holds no rows; give a file with at least one example.");
        range?.Require(count, source);
        return rows;
    }
}
