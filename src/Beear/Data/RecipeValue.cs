using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace Beear.Data;

/// <summary>The values that an option can hold, and how they are written as text.</summary>
internal static class RecipeValue
{
    private static readonly Type[] Scalars = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(double), typeof(float)];

    /// <summary>What may be written for a value of a type, for messages and help: "whole number", "suffix|prefix|around".</summary>
    public static string Kind(Type type) => type switch
    {
        _ when type == typeof(string) => "text",
        _ when type == typeof(bool) => "true|false",
        _ when type == typeof(int) || type == typeof(long) => "whole number",
        _ when type.IsEnum => string.Join('|', Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)),
        _ => "number",
    };

    /// <summary>Reads a value from text.</summary>
    /// <param name="type">One of the types that an option can hold, not nullable.</param>
    /// <param name="text">The text, as written.</param>
    /// <exception cref="BeearException">The text is not such a value.</exception>
    public static object Parse(Type type, string text)
    {
        if (type == typeof(string)) return text;
        var trimmed = text.Trim();
        object? value = type switch
        {
            _ when type == typeof(bool) => bool.TryParse(trimmed, out var truth) ? truth : null,
            _ when type == typeof(int) => int.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                ? number : null,
            _ when type == typeof(long) =>
                long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null,
            _ when type == typeof(double) => Finite(trimmed),
            _ when type == typeof(float) => Finite(trimmed) is { } number && float.IsFinite((float)number) ? (float)number : null,
            _ => ParseEnum(type, trimmed),
        };
        return value ?? throw new BeearException(type.IsEnum
            ? $"'{text}' is not one of {Kind(type)}."
            : $"'{text}' is not a {(type == typeof(bool) ? "truth value (true|false)" : Kind(type))}.");
    }

    /// <summary>Writes a value as a recipe has it: numbers that read back to the same bits, lists with commas.</summary>
    public static string Format(object value) => value switch
    {
        string text => text,
        bool truth => truth ? "true" : "false",
        Enum name => JsonNamingPolicy.SnakeCaseLower.ConvertName(name.ToString()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable list => string.Join(", ", list.Cast<object>().Select(Format)),
        _ => throw new InvalidOperationException($"A recipe cannot express {value.GetType().Name}."),
    };

    /// <summary>The type of one value of a property, or null if a recipe cannot express the property as a value.</summary>
    internal static Type? ElementType(Type type)
    {
        var single = type.IsArray ? type.GetElementType()! : IsList(type)
            ? type.GetGenericArguments()[0] : Nullable.GetUnderlyingType(type) ?? type;
        return single.IsEnum || Array.IndexOf(Scalars, single) >= 0 ? single : null;
    }

    internal static bool IsList(Type type) =>
        type.IsArray || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>));

    /// <summary>Values of one element type as an array, which is every kind of list that an option can have.</summary>
    internal static Array ParseList(Type element, IReadOnlyList<string> texts)
    {
        var list = Array.CreateInstance(element, texts.Count);
        for (var i = 0; i < texts.Count; i++) list.SetValue(Parse(element, texts[i]), i);
        return list;
    }

    private static double? Finite(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static object? ParseEnum(Type type, string text) => Enum.GetNames(type)
        .FirstOrDefault(name => string.Equals(JsonNamingPolicy.SnakeCaseLower.ConvertName(name), text.Replace('-', '_'),
            StringComparison.OrdinalIgnoreCase))
        is { } found ? Enum.Parse(type, found) : null;
}
