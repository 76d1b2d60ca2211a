using System.Text;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Data;

/// <summary>Variables of a chat template as flags give them: <c>name=value</c>.</summary>
internal static class TemplateVariables
{
    /// <summary>Reads them; a value is JSON, one of Python's words for it, or else the text as it stands.</summary>
    /// <exception cref="BeearException">One has no name or no value, or a name is given twice.</exception>
    public static Dictionary<string, object?> Read(IReadOnlyList<string> assignments)
    {
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var assignment in assignments)
        {
            var (name, value) = assignment.IndexOf('=', StringComparison.Ordinal) is var mark and > 0
                ? (assignment[..mark].Trim(), assignment[(mark + 1)..])
                : throw new BeearException($"'{assignment}' is no variable of a chat template; write it as name=value, "
                    + "such as enable_thinking=false.");
            if (!variables.TryAdd(name, Value(value))) throw new BeearException($"The chat template's variable '{name}' is given twice.");
        }
        return variables;
    }

    private static object? Value(string text)
    {
        if (text is "True" or "False") return text == "True";
        if (text == "None") return null;
        try
        {
            return StrictJson.Element(Encoding.UTF8.GetBytes(text));
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
