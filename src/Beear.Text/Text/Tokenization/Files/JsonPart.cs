using System.Text.Json;

namespace Beear.Text.Tokenization.Files;

/// <summary>
/// One object of tokenizer.json. It keeps count of the keys that were asked for: one that was not, and says something, is an error.
/// </summary>
internal sealed class JsonPart
{
    private readonly JsonElement element;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);

    /// <summary>Wraps an object.</summary>
    /// <param name="element">The object.</param>
    /// <param name="what">What it is, such as "normalizer".</param>
    public JsonPart(JsonElement element, string what)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new BeearException($"The {what} is not a JSON object.");
        (this.element, What) = (element, what);
    }

    /// <summary>What it is, such as "normalizer".</summary>
    public string What { get; }

    /// <summary>The value of "type".</summary>
    public string Kind => Text("type");

    /// <summary>A value; null if it is absent or null.</summary>
    public JsonElement? Optional(string name)
    {
        known.Add(name);
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>A value that must be there.</summary>
    public JsonElement Required(string name) => Optional(name) ?? throw new BeearException($"The {What} lacks \"{name}\".");

    /// <summary>A string that must be there.</summary>
    public string Text(string name) => AsText(Required(name), name);

    /// <summary>A string; null if it is absent.</summary>
    public string? OptionalText(string name) => Optional(name) is { } value ? AsText(value, name) : null;

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise = false) => Optional(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw new BeearException($"\"{name}\" of the {What} is neither true nor false."),
    };

    /// <summary>A whole number in a range.</summary>
    public int Integer(string name, int least, int most) =>
        OptionalInteger(name, least, most) ?? throw new BeearException($"The {What} lacks \"{name}\".");

    /// <summary>A whole number in a range; null if it is absent.</summary>
    public int? OptionalInteger(string name, int least, int most)
    {
        if (Optional(name) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
            ? number
            : throw new BeearException($"\"{name}\" of the {What} is not a whole number from {least} to {most}.");
    }

    /// <summary>A string that is one character.</summary>
    public string Character(string name) => Text(name) is var text && text.EnumerateRunes().Count() == 1
        ? text
        : throw new BeearException($"\"{name}\" of the {What} is not one character.");

    /// <summary>The objects of a list.</summary>
    public IEnumerable<JsonPart> Parts(string name) => AsList(Required(name), name).Select(part => new JsonPart(part, What));

    /// <summary>Names keys that do not change ids or texts.</summary>
    public void Ignore(params string[] names) => known.UnionWith(names);

    /// <summary>Refuses keys that nobody asked for, unless they say nothing (null, false, "" or empty).</summary>
    public T Finish<T>(T result)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (known.Contains(property.Name) || SaysNothing(property.Value)) continue;
            throw new BeearException($"The key \"{property.Name}\" of the {What} is not supported.");
        }
        return result;
    }

    /// <summary>The error for a kind that is not known.</summary>
    public BeearException Unsupported(string? kind) => new($"The {What} \"{kind}\" is not supported.");

    /// <summary>The items of a list.</summary>
    public JsonElement.ArrayEnumerator AsList(JsonElement value, string name) => value.ValueKind == JsonValueKind.Array
        ? value.EnumerateArray()
        : throw new BeearException($"\"{name}\" of the {What} is not a list.");

    private string AsText(JsonElement value, string name) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : throw new BeearException($"\"{name}\" of the {What} is not a string.");

    private static bool SaysNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.String => value.GetString() == "",
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
