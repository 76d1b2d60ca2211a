using System.Text.Json;

namespace Beear.Data.Readers;

/// <summary>Rows of a JSON file: the objects of an array, or objects one after another (JSON lines).</summary>
internal static class JsonRows
{
    public static IReadOnlyList<DataRow> Read(string path, CancellationToken cancellationToken)
    {
        var bytes = Utf8File.Read(path).Span;
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true });
        var rows = new List<DataRow>();
        var (line, counted) = (1, 0);       // line breaks up to byte `counted` are in `line`
        try
        {
            if (!reader.Read()) return rows;
            var isArray = reader.TokenType == JsonTokenType.StartArray;
            if (isArray) reader.Read();
            while (reader.TokenType != JsonTokenType.EndArray)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var start = (int)reader.TokenStartIndex;
                line += bytes[counted..start].Count((byte)'\n');
                counted = start;
                var value = JsonElement.ParseValue(ref reader);
                if (value.ValueKind != JsonValueKind.Object)
                {
                    throw new BeearException($"'{path}', line {line}, column {Utf8File.Position(bytes, start).Column}: "
                        + $"there is {Describe(value.ValueKind)} where a row, an object in braces, is expected.");
                }
                rows.Add(new DataRow(value, path, $"line {line}"));
                if (!reader.Read()) break;
            }
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{path}', line {failure.LineNumber + 1}, column {failure.BytePositionInLine + 1}: "
                + $"this is not valid JSON ({Reason(failure)}).", failure);
        }
        return rows;
    }

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => "a single value",
    };

    /// <summary>The parser's reason without the position, which it counts from 0.</summary>
    private static string Reason(JsonException failure)
    {
        var message = failure.Message;
        var position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (position < 0 ? message : message[..position]).TrimEnd('.');
    }
}
