using Beear.Data.Readers;

namespace Beear.Data;

/// <summary>Names the columns of a data file that hold request and answer.</summary>
/// <param name="Request">The column of the requests.</param>
/// <param name="Answer">The column of the answers; null leaves every answer empty.</param>
public sealed record ColumnMapping(string Request, string? Answer = null);

/// <summary>
/// Reads requests and answers from CSV (.csv, .tsv), JSON (.json, an array), JSON lines (.jsonl, .ndjson) and Parquet (.parquet).
/// </summary>
/// <remarks>
/// Without a mapping, the columns tell the format: AdvBench (goal, target), Alpaca (instruction, input, output), Dolly (instruction,
/// context, response), prompt with response or completion, question with answer, and chats (messages with role and content, or
/// conversations with from and value), of which the first exchange is taken. An input or context that is not empty follows its
/// instruction after a blank line.
/// </remarks>
public static class DataFile
{
    /// <summary>Reads every row of a file.</summary>
    /// <param name="path">The file; its extension tells how it is written.</param>
    /// <param name="mapping">The columns to take; null recognises the known formats.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>One example for each row, in the file's order; never empty.</returns>
    /// <exception cref="BeearException">
    /// The file is missing, empty, damaged, or its columns do not fit; the message says which line and column.
    /// </exception>
    public static IReadOnlyList<Example> Read(string path, ColumnMapping? mapping = null, CancellationToken cancellationToken = default)
    {
        var rows = ReadRows(path, cancellationToken);
        if (rows.Count == 0) throw new BeearException($"'{path}' holds no rows; give a file with at least one example.");
        var layout = mapping is null ? RowLayout.Recognise(rows[0]) : RowLayout.Of(mapping);
        var examples = new Example[rows.Count];
        for (var i = 0; i < examples.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            examples[i] = layout.Read(rows[i]);
        }
        return examples;
    }

    /// <summary>Reads a range of a file's rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="mapping">The columns to take; null recognises the known formats.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="BeearException">As for all rows, or the file has fewer rows than the range names.</exception>
    public static IReadOnlyList<Example> Read(
        string path, RowRange rows, ColumnMapping? mapping = null, CancellationToken cancellationToken = default) =>
        rows.Of(Read(path, mapping, cancellationToken), path);

    private static IReadOnlyList<DataRow> ReadRows(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path)) throw new BeearException($"There is no file '{path}'; check the path.");
        try
        {
            return Path.GetExtension(path).ToLowerInvariant() switch
            {
                ".csv" => CsvRows.Read(path, ',', cancellationToken),
                ".tsv" => CsvRows.Read(path, '\t', cancellationToken),
                ".json" or ".jsonl" or ".ndjson" => JsonRows.Read(path, cancellationToken),
                ".parquet" => ParquetRows.Read(path, cancellationToken),
                var other => throw new BeearException(
                    $"'{path}' ends in '{other}', which is not read; give a .csv, .tsv, .json, .jsonl or .parquet file."),
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"'{path}' could not be read: {failure.Message.TrimEnd('.')}.", failure);
        }
    }
}
