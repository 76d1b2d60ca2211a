using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Text.Templates;

/// <summary>Turns the caller's values into copies for templates.</summary>
internal static class TemplateValues
{
    private const int MaximumDepth = 64;

    /// <summary>
    /// Null, bool, long, <see cref="BigInteger"/>, double, string, <c>List&lt;object?&gt;</c> or <see cref="Mapping"/> (in the order in
    /// which keys came) from those, other numbers, sequences, dictionaries with string keys, and JSON.
    /// </summary>
    public static object? From(object? value, int depth = 0)
    {
        if (depth > MaximumDepth) throw new TemplateException($"a variable is nested more than {MaximumDepth} levels deep");
        return value switch
        {
            null or bool or long or double or string or Mapping => value,
            int or short or byte or sbyte or ushort or uint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
            ulong number => Numbers.Integer(number),
            BigInteger number => Numbers.Integer(number),
            float or decimal => Convert.ToDouble(value, CultureInfo.InvariantCulture),
            ChatTurn message => FromMessage(message, depth),
            JsonElement element => FromJson(element, depth),
            JsonNode node => From(JsonSerializer.SerializeToElement(node), depth),
            IEnumerable<KeyValuePair<string, object?>> pairs => FromPairs(pairs.Select(pair => (pair.Key, pair.Value)), depth),
            IDictionary dictionary => FromPairs(dictionary.Keys.Cast<object>()
                .Select(key => (key as string ?? throw Unknown(key), dictionary[key])), depth),
            IEnumerable items => items.Cast<object?>().Select(item => From(item, depth + 1)).ToList(),
            _ => throw Unknown(value),
        };
    }

    private static Mapping FromMessage(ChatTurn message, int depth)
    {
        var mapping = new Mapping { ["role"] = message.Role, ["content"] = message.Content };
        foreach (var (name, value) in message.Fields) mapping[name] = From(value, depth + 1);
        return mapping;
    }

    private static object? FromJson(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.Object => FromPairs(element.EnumerateObject().Select(property => (property.Name, (object?)property.Value)), depth),
        JsonValueKind.Array => element.EnumerateArray().Select(item => From(item, depth + 1)).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => FromNumber(element),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>A number without point and exponent is an integer, as in Python.</summary>
    private static object FromNumber(JsonElement element)
    {
        if (element.TryGetInt64(out var integer)) return integer;
        var text = element.GetRawText();
        if (text.AsSpan().IndexOfAny(".eE") >= 0) return element.GetDouble();
        return text.Length <= 400 ? Numbers.Integer(BigInteger.Parse(text, CultureInfo.InvariantCulture))
            : throw new TemplateException("a variable holds too large a number");
    }

    private static Mapping FromPairs(IEnumerable<(string Key, object? Value)> pairs, int depth)
    {
        var mapping = new Mapping();
        foreach (var (key, value) in pairs) mapping[key] = From(value, depth + 1);
        return mapping;
    }

    private static TemplateException Unknown(object value) =>
        new($"a variable holds the type {value.GetType().Name}, which templates do not know");
}
