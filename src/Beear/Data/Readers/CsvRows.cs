using System.Text.Json;
using CsvHelper;

namespace Beear.Data.Readers;

/// <summary>Rows of a table of text with a header line.</summary>
internal static class CsvRows
{
    public static IReadOnlyList<DataRow> Read(string path, char separator, CancellationToken cancellationToken)
    {
        var bytes = Utf8File.Read(path);
        if (bytes.IsEmpty) return [];
        using var reader = CsvReader.Create(bytes, new CsvReaderOptions
        {
            Separator = separator,
            TrackLineNumbers = true,
            MalformedData = CsvMalformedDataHandling.Throw,
        });
        try
        {
            var header = reader.Headers.ToArray();
            if (header.CountBy(name => name).FirstOrDefault(name => name.Value > 1).Key is { } twice)
                throw new BeearException($"'{path}', line 1: two columns are called '{twice}'; give each its own name.");
            var rows = new List<DataRow>();
            while (reader.Read())
            {
                cancellationToken.ThrowIfCancellationRequested();
                rows.Add(new DataRow(Columns(reader, header, path), path, $"line {reader.LineNumber}"));
            }
            return rows;
        }
        catch (CsvFormatException failure)
        {
            throw new BeearException($"'{path}', {Describe(failure, bytes.Span)}.", failure);
        }
    }

    private static JsonElement Columns(CsvReader reader, string[] header, string path)
    {
        if (reader.FieldCount != header.Length)
        {
            throw new BeearException($"'{path}', line {reader.LineNumber}: the row has {reader.FieldCount} columns where the header has "
                + $"{header.Length}; put texts that hold the separator into quotation marks.");
        }
        var columns = new Dictionary<string, string>(header.Length);
        for (var i = 0; i < header.Length; i++) columns[header[i]] = reader.GetString(i);
        return JsonSerializer.SerializeToElement(columns);
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
