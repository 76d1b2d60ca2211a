using System.Reflection;
using System.Text.Json;

namespace Beear.Data;

/// <summary>A value as written, and where: "recipes/x.yaml line 3", or "--rounds".</summary>
/// <param name="Texts">The texts of a value (one) or of a list's elements; null for an explicit null.</param>
/// <param name="Source">Where it was written, for messages.</param>
/// <param name="Made">The value itself, where it is no text.</param>
internal sealed record WrittenValue(IReadOnlyList<string>? Texts, string Source, object? Made = null);

/// <summary>
/// Makes an options record from its defaults and what was written. Records are copied before they are changed, so defaults stay.
/// </summary>
internal static class RecipeBinder
{
    /// <summary>The method that `with` expressions call; every record class has it.</summary>
    public static MethodInfo? CloneMethod(Type type) => type.GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance);

    public static object? DefaultOf(RecipeKey key)
    {
        object? owner = Create(key.Properties[0].ReflectedType!);
        foreach (var property in key.Properties.SkipLast(1)) owner = property.GetValue(owner) ?? Create(property.PropertyType);
        return key.Property.GetValue(owner);
    }

    public static object Bind(RecipeSchema schema, IReadOnlyDictionary<RecipeMember, WrittenValue> written)
    {
        var options = Create(schema.Type);
        foreach (var (member, value) in written) Set(options, member.Properties, ValueOf(member, value));
        foreach (var key in schema.Keys)
        {
            if (key.IsRequired && !written.ContainsKey(key) && IsPresent(options, key))
                throw new BeearException($"{key.Path} is required: give --{key.Flag}, or the key '{key.Path}' in a recipe.");
        }
        Validate(options, "");
        return options;
    }

    private static object? ValueOf(RecipeMember member, WrittenValue written)
    {
        try
        {
            return (member, written.Texts) switch
            {
                (RecipePart, _) => written.Made,
                (RecipeSection section, not null) => Create(section.Type),
                (_, null) => null,
                (RecipeKey { IsList: true } list, var texts) => RecipeValue.ParseList(list.ElementType, texts),
                (RecipeKey key, var texts) => RecipeValue.Parse(key.ElementType, texts[^1]),
                _ => throw new InvalidOperationException(member.Path),
            };
        }
        catch (BeearException failure)
        {
            throw new BeearException($"{written.Source}: {failure.Message}", failure);
        }
    }

    private static void Set(object owner, IReadOnlyList<PropertyInfo> properties, object? value)
    {
        foreach (var property in properties.SkipLast(1))
        {
            var section = property.GetValue(owner) is { } existing
                ? CloneMethod(property.PropertyType)!.Invoke(existing, null)!
                : Create(property.PropertyType);
            property.SetValue(owner, section);
            owner = section;
        }
        properties[^1].SetValue(owner, value);
    }

    private static bool IsPresent(object options, RecipeKey key)
    {
        object? owner = options;
        foreach (var property in key.Properties.SkipLast(1)) owner = owner is null ? null : property.GetValue(owner);
        return owner is not null;
    }

    /// <summary>Inner records first, so that the outer one may rely on them.</summary>
    private static void Validate(object record, string path)
    {
        foreach (var property in record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.SetMethod is not { IsPublic: true } || CloneMethod(property.PropertyType) is null) continue;
            if (property.GetValue(record) is not { } section) continue;
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            Validate(section, property.IsDefined(typeof(InlineAttribute)) ? path : path.Length == 0 ? name : $"{path}.{name}");
        }
        try
        {
            (record as IValidatable)?.Validate();
        }
        catch (BeearException failure) when (path.Length > 0)
        {
            throw new BeearException(Require.Within(path, failure.Message), failure);
        }
    }

    private static object Create(Type type) => Activator.CreateInstance(type)
        ?? throw new InvalidOperationException($"{type.Name} has no constructor without parameters.");
}
