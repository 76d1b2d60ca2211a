using System.Text.Json;

namespace Beear.Data.Readers;

/// <summary>One row of a data file of any format. A column's value is made when asked for: what nobody reads is not checked.</summary>
/// <param name="names">The columns, as the file writes them.</param>
/// <param name="value">The value of one of them.</param>
/// <param name="source">The file's path.</param>
/// <param name="place">Where in the file, for example "line 12".</param>
internal sealed class DataRow(IReadOnlyList<string> names, Func<string, JsonElement> value, string source, string place)
{
    public IReadOnlyList<string> Names => names;

    public string Source => source;

    /// <summary>The row's name for a column: the same, or one that differs by case or surrounding blanks; null if it has none.</summary>
    public string? Find(string column) => names.Contains(column) ? column
        : names.FirstOrDefault(name => string.Equals(name.Trim(), column.Trim(), StringComparison.OrdinalIgnoreCase));

    /// <summary>A column's value; null if the row has no such column, or JSON's null in it.</summary>
    public JsonElement? Value(string column) =>
        Find(column) is { } name && value(name) is { ValueKind: not JsonValueKind.Null } found ? found : null;

    public JsonElement this[string column] => value(Find(column) ?? throw NoColumn(column));

    /// <summary>Checks that the row has a column.</summary>
    /// <exception cref="BeearException">It has not.</exception>
    public void RequireColumn(string? column)
    {
        if (column is not null && Find(column) is null) throw NoColumn(column);
    }

    /// <summary>A column's text.</summary>
    public string Text(string column) => Text(this[column], What(column));

    /// <summary>How messages call a column: as the file does.</summary>
    public string What(string column) => $"column '{Find(column)}'";

    /// <summary>A value as text; numbers and truth values as they are written.</summary>
    public string Text(JsonElement text, string what)
    {
        try
        {
            return text.ValueKind switch
            {
                JsonValueKind.String => text.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => text.GetRawText(),
                _ => throw Error(what, $"{Describe(text)} where a text is expected"),
            };
        }
        catch (InvalidOperationException failure)
        {
            throw HalfCharacter(what, failure);
        }
    }

    /// <summary>How messages call a place in the row.</summary>
    public string Place(string what) => $"'{source}', {place}, {what}";

    public BeearException Error(string what, string problem, Exception? cause = null)
    {
        string message = $"{Place(what)}: it {problem}.";
        return cause is null ? new BeearException(message) : new BeearException(message, cause);
    }

    /// <summary>JSON can write half of a surrogate pair, which .NET then refuses to read.</summary>
    public BeearException HalfCharacter(string what, InvalidOperationException cause) =>
        Error(what, @"holds half of a surrogate pair (such as \ud800 alone), which is no character; remove it", cause);

    /// <summary>What a value is, for a message that begins with "it".</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "is null",
        JsonValueKind.Array => "holds a list",
        JsonValueKind.Object => "holds an object",
        JsonValueKind.String => "is a text",
        JsonValueKind.Number => "is a number",
        _ => "is a truth value",
    };

    public static string List(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"'{name}'"));

    private BeearException NoColumn(string column) => new(
        $"'{source}', {place}: there is no column '{column}'; the columns are {List(names)}"
        + (Spelling.Nearest(column, names) is { } nearest ? $" (did you mean '{nearest}'?)." : "."));
}
