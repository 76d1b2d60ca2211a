using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Beear.Data;

/// <summary>
/// The keys of an options record, read from its properties: the one place that recipes and command-line flags both come from.
/// </summary>
/// <remarks>
/// A settable property <c>LearningRate</c> is the recipe key <c>learning_rate</c> and the flag <c>--learning-rate</c>. A property
/// whose type is itself a record is a section: a nested mapping in a recipe (path <c>removal.learning_rate</c>), and its name joined
/// by a hyphen as a flag (<c>--removal-learning-rate</c>); <see cref="InlineAttribute"/> leaves the section's name out of both.
/// Lists of records and <see cref="RecipeFragment"/>s are written in recipes only.
/// </remarks>
internal sealed class RecipeSchema
{
    private static readonly ConcurrentDictionary<Type, RecipeSchema> Known = new();

    private RecipeSchema(Type type)
    {
        Type = type;
        Root = new RecipeSection("", "", [], type);
        Fill(Root, type, "", []);
        Keys = [.. Leaves(Root)];
        if (Keys.GroupBy(key => key.Flag).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidOperationException($"{type.Name} has two options for the flag --{twice.Key}.");
    }

    /// <summary>The options record.</summary>
    public Type Type { get; }

    /// <summary>Every option that holds a value, in the order of declaration.</summary>
    public IReadOnlyList<RecipeKey> Keys { get; }

    internal RecipeSection Root { get; }

    /// <summary>The keys of an options record.</summary>
    /// <param name="type">A record with init-only properties and a constructor without parameters.</param>
    /// <exception cref="InvalidOperationException">The record has a property that a recipe cannot express, or two of one name.</exception>
    public static RecipeSchema Of(Type type) => Known.GetOrAdd(type, static type => new RecipeSchema(type));

    private static IEnumerable<RecipeKey> Leaves(RecipeSection section) => section.Members.Values.SelectMany(member =>
        member switch
        {
            RecipeSection nested => Leaves(nested),
            RecipeKey key => [key],
            _ => [],
        });

    /// <summary>Adds the members of a record type; an inline section's members are added to the section around it.</summary>
    private static void Fill(RecipeSection section, Type type, string path, IReadOnlyList<PropertyInfo> chain)
    {
        foreach (var property in Properties(type))
        {
            PropertyInfo[] own = [.. chain, property];
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            var ownPath = path.Length == 0 ? name : $"{path}.{name}";
            if (RecipeValue.ElementType(property.PropertyType) is { } element)
            {
                section.Add(new RecipeKey(name, ownPath, own, element));
            }
            else if (PartType(property.PropertyType) is { } part)
            {
                section.Add(new RecipePart(name, ownPath, own, part));
            }
            else if (!IsRecord(property.PropertyType))
            {
                throw new InvalidOperationException($"{type.Name}.{property.Name}: a recipe cannot express {property.PropertyType.Name}.");
            }
            else if (property.IsDefined(typeof(InlineAttribute)))
            {
                Fill(section, property.PropertyType, path, own);
            }
            else
            {
                var nested = new RecipeSection(name, ownPath, own, property.PropertyType);
                section.Add(nested);
                Fill(nested, property.PropertyType, ownPath, own);
            }
        }
    }

    private static IEnumerable<PropertyInfo> Properties(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanRead && property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0)
        .OrderBy(property => property.MetadataToken);

    /// <summary>The type of what only a recipe can hold: a fragment, or one record of a list; null for anything else.</summary>
    private static Type? PartType(Type type) => type == typeof(RecipeFragment) ? type
        : RecipeValue.IsList(type) && type.IsGenericType && IsRecord(type.GetGenericArguments()[0]) ? type.GetGenericArguments()[0] : null;

    private static bool IsRecord(Type type) => type.IsClass && RecipeBinder.CloneMethod(type) is not null;
}

/// <summary>One name in a recipe: a key with a value, or a section.</summary>
/// <param name="Name">The name in snake_case.</param>
/// <param name="Path">The names from the top, with dots between them.</param>
/// <param name="Properties">The properties that lead to it from the options record.</param>
internal abstract record RecipeMember(string Name, string Path, IReadOnlyList<PropertyInfo> Properties)
{
    private readonly Lazy<bool> nullable = new(() => Properties.Count > 0 && IsNullable(Properties[^1]));

    /// <summary>Whether null is a value of it.</summary>
    public bool AcceptsNull => nullable.Value;

    private static bool IsNullable(PropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : new NullabilityInfoContext().Create(property).WriteState != NullabilityState.NotNull;
}

/// <summary>An option: a recipe key and a flag.</summary>
/// <param name="Name">The name in snake_case.</param>
/// <param name="Path">The names from the top, with dots between them.</param>
/// <param name="Properties">The properties that lead to it from the options record.</param>
/// <param name="ElementType">The type of its value, or of one element if it is a list; never a <see cref="Nullable{T}"/>.</param>
internal sealed record RecipeKey(string Name, string Path, IReadOnlyList<PropertyInfo> Properties, Type ElementType)
    : RecipeMember(Name, Path, Properties)
{
    /// <summary>The property that holds the value.</summary>
    public PropertyInfo Property => Properties[^1];

    /// <summary>The name of the flag in kebab-case, without the dashes before it.</summary>
    public string Flag => Path.Replace('.', '-').Replace('_', '-');

    /// <summary>Whether it holds a list.</summary>
    public bool IsList => RecipeValue.IsList(Property.PropertyType);

    /// <summary>Whether it must be given.</summary>
    public bool IsRequired => Property.IsDefined(typeof(RequiredMemberAttribute));

    /// <summary>Whether help leaves it out at first.</summary>
    public bool IsFolded => Properties.Any(property => property.IsDefined(typeof(FoldedAttribute)));

    /// <summary>What it means, from the property's documentation; empty if there is none.</summary>
    public string Description => RecipeDocumentation.Summary(Property);

    /// <summary>Its default in the form a recipe has; null when nothing is given by default.</summary>
    public string? Default => RecipeBinder.DefaultOf(this) is { } value ? RecipeValue.Format(value) : null;
}

/// <summary>A nested record of options.</summary>
internal sealed record RecipeSection(string Name, string Path, IReadOnlyList<PropertyInfo> Properties, Type Type)
    : RecipeMember(Name, Path, Properties)
{
    private readonly OrderedDictionary<string, RecipeMember> members = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, RecipeMember> Members => members;

    public void Add(RecipeMember member)
    {
        if (!members.TryAdd(member.Name, member))
            throw new InvalidOperationException($"{Type.Name} has two options named {member.Path}.");
    }
}

/// <summary>What a recipe can hold and a flag cannot: a list of records, or a <see cref="RecipeFragment"/>.</summary>
internal sealed record RecipePart(string Name, string Path, IReadOnlyList<PropertyInfo> Properties, Type Type)
    : RecipeMember(Name, Path, Properties);
