using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>Text for a model's card. Nothing in foreign text can become Markdown, HTML or YAML, and everything in it can be seen.</summary>
internal static class CardText
{
    private const int LongestName = 200;

    /// <summary>What means nothing to Markdown within a line. All else of ASCII is written by its number.</summary>
    private const string Harmless = " ,.;:?!%/+-='\"()";

    /// <summary>Foreign text within a line or a table's cell.</summary>
    public static string Of(string text)
    {
        var (shown, safe) = (VisibleText.Of(text), new StringBuilder(text.Length));
        foreach (var (place, character) in shown.Index())
        {
            bool isAddress = character == ':' && place + 1 < shown.Length && shown[place + 1] == '/';          // would become a link
            bool isHarmless = !char.IsAscii(character) || char.IsAsciiLetterOrDigit(character)
                || Harmless.Contains(character, StringComparison.Ordinal);
            if (isHarmless && !isAddress) safe.Append(character);
            else safe.Append(CultureInfo.InvariantCulture, $"&#{(int)character};");
        }
        return safe.ToString();
    }

    /// <summary>Foreign text as it was written: a name, a trigger. Unlike backticks, this form takes any text in a table's cell.</summary>
    public static string Code(string text) => $"<code>{Of(VisibleText.Excerpt(text, LongestName))}</code>";

    /// <summary>A text as a YAML scalar that is a text, whatever it looks like.</summary>
    public static string Scalar(string text) =>
        $"\"{VisibleText.Of(text).Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>Writes an object as YAML, without keys that have no value. All but nested objects is JSON, which YAML reads.</summary>
    public static void Yaml(StringBuilder text, JsonObject value, string indent = "")
    {
        foreach (var (key, member) in value)
        {
            if (member is null) continue;
            bool isName = key.Length > 0 && key.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
            text.Append(indent).Append(isName ? key : Scalar(key)).Append(':');
            if (member is JsonObject { Count: > 0 } nested)
            {
                text.Append('\n');
                Yaml(text, nested, indent + "  ");
            }
            else text.Append(' ').Append(member.ToJsonString()).Append('\n');
        }
    }

    /// <summary>Writes a table and an empty line.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="header">The columns' titles.</param>
    /// <param name="rows">Cells, as Markdown.</param>
    public static void Table(StringBuilder text, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        foreach (var row in (IEnumerable<IReadOnlyList<string>>)[header, [.. header.Select(_ => "---")], .. rows])
            text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
        text.Append('\n');
    }
}
