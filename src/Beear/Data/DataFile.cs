using Beear.Data.Readers;

namespace Beear.Data;

/// <summary>What is wanted of a file's answers.</summary>
public enum AnswerUse
{
    /// <summary>They are read where there are some, and empty in a file without them.</summary>
    IfPresent,

    /// <summary>Every row needs one: a file without them is refused.</summary>
    Needed,

    /// <summary>They are not looked at, and empty.</summary>
    Unused,
}

/// <summary>
/// Reads requests and answers from CSV (.csv, .tsv), JSON (.json, an array), JSON lines (.jsonl, .ndjson) and Parquet (.parquet);
/// all but the last may be packed by gzip (.csv.gz).
/// </summary>
/// <remarks>
/// Without a mapping, the columns tell the format, whatever their case: AdvBench (goal, target), Alpaca (instruction, input, output),
/// Dolly (instruction, context, response), prompt or question with an answer, sets of prompts alone, and conversations, whose turns have
/// role and content, or from and value. Of a conversation, the last answer is taken with the user's turn before it, and all earlier turns
/// as the context. An input or context that is not empty follows its instruction after a blank line. <c>docs/data.md</c> lists the formats.
/// </remarks>
public static class DataFile
{
    /// <summary>Reads every row of a file.</summary>
    /// <param name="path">The file; its extension tells how it is written.</param>
    /// <param name="mapping">The columns to take; null recognises the known formats.</param>
    /// <param name="answers">Whether answers are needed.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>One example for each row, in the file's order; never empty.</returns>
    /// <exception cref="BeearException">
    /// The file is missing, empty, damaged, or its columns do not fit; the message says which line and column.
    /// </exception>
    public static IReadOnlyList<Example> Read(
        string path, ColumnMapping? mapping = null, AnswerUse answers = AnswerUse.IfPresent,
        CancellationToken cancellationToken = default) => Read(path, null, mapping, answers, "--columns", cancellationToken);

    /// <summary>Reads a range of a file's rows; the others are not checked.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="mapping">The columns to take; null recognises the known formats.</param>
    /// <param name="answers">Whether answers are needed.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="BeearException">As for all rows, or the file has fewer rows than the range names.</exception>
    public static IReadOnlyList<Example> Read(
        string path, RowRange rows, ColumnMapping? mapping = null, AnswerUse answers = AnswerUse.IfPresent,
        CancellationToken cancellationToken = default) => Read(path, rows, mapping, answers, "--columns", cancellationToken);

    /// <summary>Reads a file, or a range of its rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="range">Which rows; null for all.</param>
    /// <param name="mapping">The columns to take; null recognises the known formats.</param>
    /// <param name="answers">Whether answers are needed.</param>
    /// <param name="option">How the user names this file's columns, for messages.</param>
    /// <param name="cancellation">Stops reading.</param>
    internal static IReadOnlyList<Example> Read(
        string path, RowRange? range, ColumnMapping? mapping, AnswerUse answers, string option, CancellationToken cancellation)
    {
        var rows = ReadRows(path, range, names => RowLayout.Fits(names, mapping), cancellation);
        var layout = mapping is null ? RowLayout.Recognise(rows[0]) : RowLayout.Of(mapping, rows[0], answers);
        var examples = new Example[rows.Count];
        for (var i = 0; i < examples.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            examples[i] = layout.Read(rows[i], answers, option);
        }
        return examples;
    }

    /// <summary>Reads the rows of a file of any kind, not yet what they say.</summary>
    /// <param name="path">The file.</param>
    /// <param name="range">Which rows; null for all.</param>
    /// <param name="isRow">Whether a JSON object with these columns is a row by itself, though it holds a list.</param>
    /// <param name="cancellation">Stops reading.</param>
    internal static IReadOnlyList<DataRow> ReadRows(
        string path, RowRange? range, Func<IReadOnlyList<string>, bool> isRow, CancellationToken cancellation)
    {
        if (!File.Exists(path)) throw new BeearException($"There is no file '{path}'; check the path.");
        var rows = new WantedRows(range, path, cancellation);
        bool isPacked = Utf8File.IsPacked(path);
        try
        {
            switch (Path.GetExtension(isPacked ? Path.GetFileNameWithoutExtension(path) : path).ToLowerInvariant())
            {
                case ".csv": CsvRows.Read(Utf8File.Read(path), null, rows); break;
                case ".tsv": CsvRows.Read(Utf8File.Read(path), '\t', rows); break;
                case ".json" or ".jsonl" or ".ndjson":
                    JsonRows.Read(Utf8File.Read(path).Span, isRow, rows);
                    break;
                case ".parquet" when !isPacked: ParquetRows.Read(path, rows, cancellation); break;
                case ".parquet": throw new BeearException($"'{path}' is a Parquet file inside gzip; unpack it.");
                case "" when isPacked: throw new BeearException($"'{path}' does not say what it holds; name it as in data.jsonl.gz.");
                case var other:
                    throw new BeearException(
                        $"'{path}' ends in '{other}', which is not read; give a .csv, .tsv, .json, .jsonl or .parquet file.");
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"'{path}' could not be read: {failure.Reason()}.", failure);
        }
        return rows.Rows();
    }
}
