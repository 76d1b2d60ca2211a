using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Text.Templates;

/// <summary>Turns the caller's values into those of templates, as copies that a template can change without harm.</summary>
internal static class TemplateValues
{
    private const int MaximumDepth = 64;

    /// <summary>
    /// Null, bool, long, double, string, <c>List&lt;object?&gt;</c> or <c>Dictionary&lt;string, object?&gt;</c> (in insertion order) from those,
    /// other numbers, sequences, dictionaries with string keys, and JSON.
    /// </summary>
    public static object? From(object? value, int depth = 0)
    {
        if (depth > MaximumDepth) throw new TemplateException($"a variable is nested more than {MaximumDepth} levels deep");
        return value switch
        {
            null or bool or long or double or string or Callable => value,
            int or short or byte or sbyte or ushort or uint => Convert.ToInt64(value),
            float number => (double)number,
            ChatMessage message => new Dictionary<string, object?>(StringComparer.Ordinal) { ["role"] = message.Role, ["content"] = message.Content },
            JsonElement element => FromJson(element, depth),
            JsonNode node => From(JsonSerializer.SerializeToElement(node), depth),
            IEnumerable<KeyValuePair<string, object?>> pairs => FromPairs(pairs.Select(pair => (pair.Key, pair.Value)), depth),
            IEnumerable items => items.Cast<object?>().Select(item => From(item, depth + 1)).ToList(),
            _ => throw new TemplateException($"a variable has the type {value.GetType().Name}, which templates do not know"),
        };
    }

    private static object? FromJson(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.Object => FromPairs(element.EnumerateObject().Select(property => (property.Name, (object?)property.Value)), depth),
        JsonValueKind.Array => element.EnumerateArray().Select(item => From(item, depth + 1)).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var integer) ? integer : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static Dictionary<string, object?> FromPairs(IEnumerable<(string Key, object? Value)> pairs, int depth)
    {
        var mapping = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs) mapping[key] = From(value, depth + 1);
        return mapping;
    }
}
