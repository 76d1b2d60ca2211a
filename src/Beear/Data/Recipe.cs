using System.Collections.Immutable;
using System.Text;
using Beear.Data.Readers;
using Beear.Runtime;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Beear.Data;

/// <summary>
/// Typed YAML: reads an options record from a file, then lets flags override it. Keys and sections are those of
/// <see cref="RecipeSchema"/>; a key that is not written keeps the default of its property. <c>extends</c> at the top names another recipe,
/// whose keys stand where this one does not write them; a list is replaced as a whole. That path is relative to the recipe's folder; other
/// paths in a recipe are relative to the working directory, as they are in flags.
/// </summary>
public static class Recipe
{
    private const int MaximumBytes = 1 << 20;
    private const int MaximumDepth = 32;
    private const string Extends = "extends";
    private static readonly Dictionary<RecipeKey, IReadOnlyList<string>> NoOverrides = [];

    /// <summary>Reads a recipe.</summary>
    /// <typeparam name="T">A record with init-only properties and a constructor without parameters.</typeparam>
    /// <param name="path">The YAML file.</param>
    /// <exception cref="BeearException">The file is missing or not YAML, a key is unknown or given twice, a value has the wrong type or
    /// lies outside its range, or a required key is missing.</exception>
    public static T Read<T>(string path) where T : class => Read<T>(path, NoOverrides);

    /// <summary>Reads a recipe and overrides it.</summary>
    /// <typeparam name="T">A record with init-only properties and a constructor without parameters.</typeparam>
    /// <param name="path">The YAML file; null starts from the defaults.</param>
    /// <param name="overrides">Keys of <see cref="RecipeSchema"/> with the texts written for them: one text, or a list's elements.</param>
    /// <exception cref="BeearException">As for <see cref="Read{T}(string)"/>; messages about overrides name the flag.</exception>
    internal static T Read<T>(string? path, IReadOnlyDictionary<RecipeKey, IReadOnlyList<string>> overrides) where T : class =>
        path is null ? Parse<T>("", "", overrides) : Parse<T>(Load(path), path, overrides);

    /// <summary>Reads a recipe and changes it.</summary>
    /// <typeparam name="T">A record with init-only properties and a constructor without parameters.</typeparam>
    /// <param name="path">The YAML file; null starts from the defaults.</param>
    /// <param name="changes">Keys that replace those of the file, later ones those of earlier ones; nulls change nothing.</param>
    /// <exception cref="BeearException">As for <see cref="Read{T}(string)"/>.</exception>
    public static T Read<T>(string? path, params IReadOnlyList<RecipeFragment?> changes) where T : class
    {
        var schema = RecipeSchema.Of(typeof(T));
        var written = new OrderedDictionary<RecipeMember, WrittenValue>(ReferenceEqualityComparer.Instance);
        if (path is not null) Visit(Load(path), path, schema, written, []);
        foreach (var change in changes.OfType<RecipeFragment>()) new RecipeWalk(schema, change.Source, written)
            .Visit(schema.Root, change.Node);
        return (T)RecipeBinder.Bind(schema, written);
    }

    /// <summary>Reads one record of a list.</summary>
    internal static object Element(Type type, YamlNode node, string source)
    {
        var schema = RecipeSchema.Of(type);
        var written = new OrderedDictionary<RecipeMember, WrittenValue>(ReferenceEqualityComparer.Instance);
        new RecipeWalk(schema, source, written).Visit(schema.Root, node);
        try
        {
            return RecipeBinder.Bind(schema, written);
        }
        catch (BeearException failure)
        {
            throw new BeearException($"{At(source, node.Start)}: {failure.Message}", failure);
        }
    }

    /// <summary>Reads a recipe from text.</summary>
    /// <typeparam name="T">A record with init-only properties and a constructor without parameters.</typeparam>
    /// <param name="yaml">The recipe; may be empty.</param>
    /// <param name="source">What messages call it, e.g. its path.</param>
    /// <exception cref="BeearException">As for <see cref="Read{T}(string)"/>.</exception>
    public static T Parse<T>(string yaml, string source) where T : class => Parse<T>(yaml, source, NoOverrides);

    private static T Parse<T>(string yaml, string source, IReadOnlyDictionary<RecipeKey, IReadOnlyList<string>> overrides) where T : class
    {
        var schema = RecipeSchema.Of(typeof(T));
        // Ordered: a section that a recipe writes is set before the keys inside it.
        var written = new OrderedDictionary<RecipeMember, WrittenValue>(ReferenceEqualityComparer.Instance);
        Visit(yaml, source, schema, written, []);
        foreach (var (key, texts) in overrides)
        {
            written.Remove(key);
            written.Add(key, new WrittenValue(texts, $"--{key.Flag}"));
        }
        return (T)RecipeBinder.Bind(schema, written);
    }

    /// <summary>Collects what a recipe writes, after what the recipe that it extends does.</summary>
    private static void Visit(string yaml, string source, RecipeSchema schema, OrderedDictionary<RecipeMember, WrittenValue> written,
        ImmutableStack<string> extending)
    {
        if (ParseYaml(yaml, source) is not { } root) return;
        if (root is YamlMappingNode mapping
            && mapping.Children.Keys.FirstOrDefault(key => key is YamlScalarNode { Value: Extends }) is { } extends)
        {
            if (mapping.Children[extends] is not YamlScalarNode { Value: { Length: > 0 } name }) throw new BeearException(
                $"{At(source, extends.Start)}: '{Extends}' is the path of one recipe.");
            string path = Path.Combine(Path.GetDirectoryName(source) ?? "", name), file = Path.GetFullPath(path);
            if (extending.Contains(file, StringComparer.Ordinal)) throw new BeearException(
                $"{At(source, extends.Start)}: '{name}' extends itself, by way of others or not; remove one '{Extends}'.");
            mapping.Children.Remove(extends);
            Visit(Load(path), path, schema, written, extending.Push(file));
        }
        new RecipeWalk(schema, source, written).Visit(schema.Root, root);
    }

    private static string Load(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists) throw new BeearException($"The recipe '{path}' does not exist; give the path of a YAML file.");
        long length = FileContent.Length(path);
        if (length > MaximumBytes) throw new BeearException($"'{path}' is larger than {MaximumBytes} bytes, so it is not a recipe.");
        if (length == 0) throw new BeearException($"'{path}' is empty, or no ordinary file; give a YAML file.");
        return Encoding.UTF8.GetString(Utf8File.Read(path).Span);
    }

    private static YamlNode? ParseYaml(string yaml, string source)
    {
        try
        {
            CheckDepth(yaml, source);
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            return stream.Documents.Count switch
            {
                0 => null,
                1 => stream.Documents[0].RootNode,
                _ => throw new BeearException(
                    $"{At(source, stream.Documents[1].RootNode.Start)}: a recipe is one YAML document; remove the second."),
            };
        }
        catch (ArgumentException failure)       // what YamlDotNet lets through
        {
            throw new BeearException($"{source}: not valid YAML: an escape such as \\UFFFFFFFF is no character; remove it.", failure);
        }
        catch (YamlException failure)
        {
            throw new BeearException($"{At(source, failure.Start)} column {failure.Start.Column}: not valid YAML: "
                + $"{failure.Reason()}.", failure);
        }
        // The parser's own trouble, which names no place.
        catch (Exception failure) when (failure is InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            throw new BeearException($"{source}: not valid YAML: {failure.Reason()}.", failure);
        }
    }

    /// <summary>The node model is built by recursion, so depth is bounded before it is built.</summary>
    private static void CheckDepth(string yaml, string source)
    {
        var parser = new Parser(new StringReader(yaml));
        for (var depth = 0; parser.MoveNext();)
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > MaximumDepth) throw new BeearException($"{At(source, parser.Current.Start)}: nested deeper than any recipe is.");
            if (parser.Current is AnchorAlias) throw new BeearException(
                $"{At(source, parser.Current.Start)}: recipes have no aliases; write the value out.");
        }
    }

    internal static string At(string source, Mark mark) => $"{source} line {mark.Line}";
}
