using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>Typed reading of config.json: a wrong type or range is one sentence that names the key.</summary>
internal readonly struct ConfigKeys(JsonObject json, string place = "config.json")
{
    /// <summary>Whether the key is there with a meaning: not null.</summary>
    public bool Has(string key) => json[key] is not null;

    public string Text(string key, string? whenAbsent = null) => json[key] switch
    {
        null => whenAbsent ?? throw Missing(key),
        JsonValue value when value.TryGetValue(out string? text) => text,
        var other => throw Wrong(key, "a text", other),
    };

    public int Count(string key, int? whenAbsent = null, int most = int.MaxValue)
    {
        if (json[key] is not { } node) return whenAbsent ?? throw Missing(key);
        return WholeOf(key, node) is { } number and >= 1 ? number <= most ? number : throw Wrong(key, $"at most {most}", node)
            : throw Wrong(key, "a positive whole number", node);
    }

    /// <summary>A whole number from 0.</summary>
    public int Whole(string key)
    {
        if (json[key] is not { } node) throw Missing(key);
        return WholeOf(key, node) is { } number and >= 0 ? number : throw Wrong(key, "a whole number from 0", node);
    }

    public double Number(string key, double? whenAbsent = null) =>
        json[key] is { } node ? ReadNumber(key, node) : whenAbsent ?? throw Missing(key);

    public double? PositiveOrNull(string key) =>
        json[key] is not { } node ? null : ReadNumber(key, node) is var number and > 0
            ? number : throw Wrong(key, "a positive number", node);

    public bool Flag(string key, bool whenAbsent = false) => json[key] switch
    {
        null => whenAbsent,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        var other => throw Wrong(key, "true or false", other),
    };

    public double[] Numbers(string key)
    {
        if (json[key] is not { } node) throw Missing(key);
        if (node is not JsonArray array) throw Wrong(key, "a list of numbers", node);
        var result = new double[array.Count];
        for (int i = 0; i < result.Length; i++) result[i] = ReadNumber(key, array[i] ?? throw Wrong(key, "a list of numbers", node));
        return result;
    }

    /// <summary>A list of one entry for each layer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="count">Entries that are returned.</param>
    /// <param name="longer">Whether the list may have more of them.</param>
    public IEnumerable<JsonNode?> List(string key, int count, bool longer = false)
    {
        if (json[key] is not { } node) throw Missing(key);
        if (node is not JsonArray array || array.Count < count || (array.Count > count && !longer))
            throw Wrong(key, $"a list of {count} entries, one for each layer", node);
        return array.Take(count);
    }

    /// <summary>An object, or null where the key is absent.</summary>
    public JsonObject? Object(string key) => json[key] switch
    {
        null => null,
        JsonObject found => found,
        var other => throw Wrong(key, "an object", other),
    };

    private int? WholeOf(string key, JsonNode node) =>
        ReadNumber(key, node) is var number and >= int.MinValue and <= int.MaxValue && number == Math.Floor(number) ? (int)number : null;

    private double ReadNumber(string key, JsonNode node)
    {
        if (node is JsonValue value && node.GetValueKind() == JsonValueKind.Number
            && double.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                && double.IsFinite(number))
            return number;
        throw Wrong(key, "a number", node);
    }

    private BeearException Missing(string key) => new($"{place}: the key '{key}' is missing.");

    private BeearException Wrong(string key, string wanted, JsonNode found)
    {
        var text = found.ToJsonString();
        return new BeearException($"{place}: '{key}' must be {wanted}, it is {(text.Length > 60 ? text[..60] + "…" : text)}.");
    }
}
