using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Data;

/// <summary>Writes an options record as a recipe that reads back to it.</summary>
internal static class RecipeText
{
    /// <summary>The recipe: every key that has a value.</summary>
    /// <param name="options">A record that <see cref="RecipeSchema"/> understands, without lists of records.</param>
    public static string Of(object options)
    {
        var text = new StringBuilder();
        Write(text, RecipeSchema.Of(options.GetType()).Root, options, "");
        return text.ToString();
    }

    /// <summary>The same as JSON: a section is an object, and every key that has a value is there.</summary>
    /// <param name="options">A record that <see cref="RecipeSchema"/> understands, without lists of records.</param>
    public static JsonObject Json(object options) => Json(RecipeSchema.Of(options.GetType()).Root, options);

    private static JsonObject Json(RecipeSection section, object options)
    {
        var json = new JsonObject();
        foreach (var (name, member) in section.Members)
        {
            if (ValueOf(member, options) is not { } value) continue;
            if (member is RecipeSection nested) json.Add(name, Json(nested, options));
            else if (member is RecipeKey) json.Add(name, JsonSerializer.SerializeToNode(value, value.GetType(), StrictJson.Line));
        }
        return json;
    }

    private static object? ValueOf(RecipeMember member, object options)
    {
        object? value = options;
        foreach (var property in member.Properties) value = value is null ? null : property.GetValue(value);
        return value;
    }

    private static void Write(StringBuilder text, RecipeSection section, object options, string indent)
    {
        foreach (var (name, member) in section.Members)
        {
            if (ValueOf(member, options) is not { } value) continue;
            if (member is RecipeSection nested)
            {
                text.Append(indent).Append(name).Append(":\n");
                Write(text, nested, options, indent + "  ");
            }
            else if (member is RecipeKey key)
            {
                text.Append(indent).Append(name).Append(": ").Append(Value(key, value)).Append('\n');
            }
        }
    }

    private static string Value(RecipeKey key, object value) => key.IsList
        ? $"[{string.Join(", ", ((System.Collections.IEnumerable)value).Cast<object>().Select(Scalar))}]" : Scalar(value);

    /// <summary>Texts are quoted as JSON quotes them, which YAML reads.</summary>
    private static string Scalar(object value) => value is string text ? JsonSerializer.Serialize(text) : RecipeValue.Format(value);
}
