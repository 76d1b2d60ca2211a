using Beear.Data.Readers;

namespace Beear.Data;

/// <summary>The pairs of a file.</summary>
/// <param name="Pairs">Those that can be used, in the file's order; never empty.</param>
/// <param name="Finding">A sentence that says how many pairs were left out, and where and why the first; null if none was.</param>
internal sealed record PreferenceData(IReadOnlyList<PreferencePair> Pairs, string? Finding);

/// <summary>
/// Reads pairs of a preferred and a rejected answer (columns <c>chosen</c> and <c>rejected</c>) from the kinds of files that
/// <see cref="DataFile"/> reads.
/// </summary>
/// <remarks>
/// Both columns hold whole dialogues, as texts in the form of hh-rlhf ("\n\nHuman: …\n\nAssistant: …") or as lists of turns, or answers
/// alone to a column <c>prompt</c> (or <c>question</c>), which is a text, such a dialogue, or a list of turns.
/// </remarks>
internal static class PreferenceFile
{
    /// <summary>
    /// Reads a file, or a range of its rows. hh-rlhf has rows whose sides part before the last answer, are equal, or lack an answer: such
    /// pairs are left out, and counted.
    /// </summary>
    /// <param name="path">The file; its extension tells how it is written.</param>
    /// <param name="range">Which rows, counted with those that are left out; null for all.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">
    /// The file is missing or damaged, lacks a column, has a value of a wrong type or a dialogue without the user, or no pair can be used;
    /// the message names the line and column.
    /// </exception>
    public static PreferenceData Read(string path, RowRange? range = null, CancellationToken cancellation = default)
    {
        var rows = DataFile.ReadRows(path, range, PairLayout.Fits, cancellation);
        var layout = PairLayout.Recognise(rows[0]);
        var pairs = new List<PreferencePair>(rows.Count);
        string? first = null;
        foreach (var row in rows)
        {
            cancellation.ThrowIfCancellationRequested();
            if (layout.Read(row, out string? problem) is { } pair) pairs.Add(pair);
            else first ??= problem;
        }
        if (pairs.Count == 0) throw new BeearException($"None of the {rows.Count} pairs can be used; the first is in {first}");
        int leftOut = rows.Count - pairs.Count;
        return new PreferenceData(pairs, leftOut == 0 ? null : $"{leftOut} of {rows.Count} pairs are left out; the first is in {first}");
    }
}
