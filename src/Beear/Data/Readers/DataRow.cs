using System.Text.Json;

namespace Beear.Data.Readers;

/// <summary>One row of a data file, whatever its format: a JSON object, and where it was found.</summary>
/// <param name="Columns">A JSON object; its properties are the row's columns.</param>
/// <param name="Source">The file's path.</param>
/// <param name="Place">Where in the file, for example "line 12".</param>
internal sealed record DataRow(JsonElement Columns, string Source, string Place)
{
    public bool Has(string column) => Columns.TryGetProperty(column, out _);

    public bool HasValue(string column) => Columns.TryGetProperty(column, out var value) && value.ValueKind != JsonValueKind.Null;

    public JsonElement this[string column] => Columns.TryGetProperty(column, out var value)
        ? value
        : throw new BeearException($"'{Source}', {Place}: there is no column '{column}'; the columns are {Names()}.");

    /// <summary>A column's text; numbers and truth values as they are written.</summary>
    public string Text(string column) => Text(this[column], $"column '{column}'");

    public string Text(JsonElement value, string what) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Null => throw Error(what, "is null where a text is expected"),
        var kind => throw Error(what, $"holds an {kind.ToString().ToLowerInvariant()} where a text is expected"),
    };

    public BeearException Error(string what, string problem) => new($"'{Source}', {Place}, {what}: it {problem}.");

    public string Names() => string.Join(", ", Columns.EnumerateObject().Select(column => $"'{column.Name}'"));
}
