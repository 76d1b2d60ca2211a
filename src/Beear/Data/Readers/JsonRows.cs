using System.Text.Json;
using Beear.Runtime;

namespace Beear.Data.Readers;

/// <summary>Rows of a JSON file: objects in an array, which an object may wrap, or one after another (JSON lines).</summary>
internal static class JsonRows
{
    private const string Wrapper = "data";

    private static readonly JsonReaderOptions Options = new() { AllowMultipleValues = true };

    /// <summary>Reads a file.</summary>
    /// <param name="bytes">The file, as UTF-8.</param>
    /// <param name="isRow">Whether an object with these columns is a row by itself, though it holds a list.</param>
    /// <param name="wanted">Receives the rows.</param>
    public static void Read(ReadOnlySpan<byte> bytes, Func<IReadOnlyList<string>, bool> isRow, WantedRows wanted)
    {
        var reader = new Utf8JsonReader(bytes, Options);
        var (line, counted) = (1, 0);       // line breaks up to byte `counted` are in `line`
        try
        {
            if (!reader.Read()) return;
            if (reader.TokenType == JsonTokenType.StartObject) Unwrap(ref reader, isRow, wanted.Source);
            if (reader.TokenType == JsonTokenType.StartArray) reader.Read();
            while (reader.TokenType != JsonTokenType.EndArray && !wanted.IsComplete)
            {
                var start = (int)reader.TokenStartIndex;
                line += bytes[counted..start].Count((byte)'\n');
                counted = start;
                if (wanted.Wants()) wanted.Add(Row(ref reader, bytes, wanted.Source, line));
                else reader.Skip();
                if (!reader.Read()) break;
            }
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{wanted.Source}', line {failure.LineNumber + 1}, column {failure.BytePositionInLine + 1}: "
                + $"this is not valid JSON ({StrictJson.Reason(failure)}).", failure);
        }
    }

    private static DataRow Row(ref Utf8JsonReader reader, ReadOnlySpan<byte> bytes, string path, int line)
    {
        var start = (int)reader.TokenStartIndex;
        var value = JsonElement.ParseValue(ref reader);
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new BeearException($"'{path}', line {line}, column {Utf8File.Position(bytes, start).Column}: "
                + $"there is {Describe(value.ValueKind)} where a row, an object in braces, is expected.");
        }
        return new DataRow(Names(value, path, line), name => value.GetProperty(name), path, $"line {line}");
    }

    /// <summary>Moves to the list of rows that the file's only object wraps: the one called "data", or the only one there is.</summary>
    private static void Unwrap(ref Utf8JsonReader reader, Func<IReadOnlyList<string>, bool> isRow, string path)
    {
        var ahead = reader;
        var whole = JsonElement.ParseValue(ref ahead);
        if (ahead.Read()) return;           // JSON lines
        string[] names = Names(whole, path, 1);
        string[] lists = [.. names.Where(name => whole.GetProperty(name).ValueKind == JsonValueKind.Array)];
        if (lists.Length > 1) lists = [.. lists.Where(name => name == Wrapper)];
        if (lists is not [var list] || !HoldsRows(whole.GetProperty(list)) || isRow([.. names.Where(name => name != Wrapper)])) return;
        while (reader.Read() && !reader.ValueTextEquals(list)) reader.Skip();
        reader.Read();
    }

    /// <summary>Objects, which are rows where they are no turns of a conversation.</summary>
    private static bool HoldsRows(JsonElement list)
    {
        try
        {
            return list.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } first && !Turn.IsTurn(first);
        }
        catch (InvalidOperationException)       // a name with half of a surrogate pair, of which reading the row will tell
        {
            return false;
        }
    }

    private static string[] Names(JsonElement row, string path, int line)
    {
        try
        {
            return [.. row.EnumerateObject().Select(property => property.Name)];
        }
        catch (InvalidOperationException failure)
        {
            throw new BeearException(
                $"'{path}', line {line}: a column's name holds half of a surrogate pair, which is no character; rename it.", failure);
        }
    }

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a truth value",
    };
}
