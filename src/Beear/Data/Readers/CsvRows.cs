using System.Text.Json;
using CsvHelper;

namespace Beear.Data.Readers;

/// <summary>Rows of a table of text with a header line.</summary>
internal static class CsvRows
{
    /// <summary>Reads a table.</summary>
    /// <param name="bytes">The table, as UTF-8.</param>
    /// <param name="separator">Stands between columns; null to take it from the header: a comma, or if there is none, ';' or a tab.</param>
    /// <param name="wanted">Receives the rows.</param>
    public static void Read(ReadOnlyMemory<byte> bytes, char? separator, WantedRows wanted)
    {
        if (bytes.IsEmpty) return;
        using var reader = CsvReader.Create(bytes, Options(bytes.Span, separator));
        try
        {
            var header = reader.Headers.ToArray();
            if (header.CountBy(name => name).FirstOrDefault(name => name.Value > 1).Key is { } twice)
                throw new BeearException($"'{wanted.Source}', line 1: two columns are called '{twice}'; give each its own name.");
            while (!wanted.IsComplete && reader.Read())
            {
                if (wanted.Wants()) wanted.Add(Row(reader, header, wanted.Source));
            }
        }
        catch (CsvFormatException failure)
        {
            throw new BeearException($"'{wanted.Source}', {Describe(failure, bytes.Span)}.", failure);
        }
    }

    private static CsvReaderOptions Options(ReadOnlySpan<byte> bytes, char? separator)
    {
        var options = new CsvReaderOptions { TrackLineNumbers = true, MalformedData = CsvMalformedDataHandling.Throw };
        var header = bytes.IndexOf((byte)'\n') is var end and >= 0 ? bytes[..end] : bytes;
        if (header.StartsWith("sep="u8)) return options;        // Excel's own first line, which the reader knows
        separator ??= header.Contains((byte)',') ? ',' : header.Contains((byte)';') ? ';' : header.Contains((byte)'\t') ? '\t' : ',';
        return options with { Separator = separator.Value };
    }

    private static DataRow Row(CsvReader reader, string[] header, string path)
    {
        if (reader.FieldCount != header.Length)
        {
            throw new BeearException($"'{path}', line {reader.LineNumber}: the row has {reader.FieldCount} columns where the header has "
                + $"{header.Length}; put texts that hold the separator into quotation marks.");
        }
        var line = reader.LineNumber;
        string[] texts = [.. header.Select((_, i) => reader.GetString(i))];
        return new DataRow(header, name => JsonSerializer.SerializeToElement(texts[Array.IndexOf(header, name)]), path, $"line {line}");
    }

    private static string Describe(CsvFormatException failure, ReadOnlySpan<byte> bytes)
    {
        if (failure.ByteOffset >= bytes.Length)
            return $"line {failure.LineNumber}: a quotation mark opens in this row and never closes; close the text it begins";
        var (line, column) = Utf8File.Position(bytes, (int)failure.ByteOffset);
        return $"line {line}, column {column}: a quotation mark is out of place; "
            + "put the whole text into quotation marks and double those inside";
    }
}
