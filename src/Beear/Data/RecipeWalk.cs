using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Beear.Data;

/// <summary>Matches a YAML tree with a schema and collects what was written for each key.</summary>
internal sealed class RecipeWalk(RecipeSchema schema, string source, OrderedDictionary<RecipeMember, WrittenValue> written)
{
    public void Visit(RecipeSection section, YamlNode node)
    {
        if (IsNull(node))
        {
            if (section.AcceptsNull) Write(section, null, node);
            return;                                             // a heading with nothing below it keeps the defaults
        }
        if (node is not YamlMappingNode mapping)
            throw Wrong(node, section.Path.Length == 0
                ? "a recipe is a mapping of keys to values." : $"'{section.Path}' is a section of keys, not a value.");
        // A recipe that changes another one keeps what stands in the section there.
        if (section.AcceptsNull && !(written.TryGetValue(section, out var before) && before.Texts is not null)) Write(section, [], node);
        foreach (var (keyNode, value) in mapping.Children)
        {
            if (keyNode is not YamlScalarNode { Value: { } name }) throw Wrong(keyNode, "a key is a plain name.");
            if (!section.Members.TryGetValue(name, out var member)) throw Unknown(section, name, keyNode);
            if (member is RecipeSection nested) Visit(nested, value);
            else if (member is RecipePart part) Visit(part, value);
            else Visit((RecipeKey)member, value);
        }
    }

    private void Visit(RecipePart part, YamlNode node)
    {
        if (IsNull(node)) return;
        object made;
        if (part.Type == typeof(RecipeFragment))
        {
            made = node is YamlMappingNode
                ? new RecipeFragment(node, source) : throw Wrong(node, $"'{part.Path}' is a section of keys, not a value.");
        }
        else
        {
            if (node is not YamlSequenceNode sequence) throw Wrong(node, $"'{part.Path}' is a list of sections; begin each with a dash.");
            var list = Array.CreateInstance(part.Type, sequence.Children.Count);
            for (int i = 0; i < list.Length; i++) list.SetValue(Recipe.Element(part.Type, sequence.Children[i], source), i);
            made = list;
        }
        Replace(part, new WrittenValue([], Recipe.At(source, node.Start), made));
    }

    private void Visit(RecipeKey key, YamlNode node)
    {
        if (IsNull(node))
        {
            if (!key.AcceptsNull) throw Wrong(node, $"'{key.Path}' needs a value ({RecipeValue.Kind(key.ElementType)}).");
            Write(key, null, node);
        }
        else if (key.IsList)
        {
            if (node is not YamlSequenceNode sequence) throw Wrong(node, $"'{key.Path}' is a list; write [a, b].");
            Write(key, [.. sequence.Children.Select(element => Scalar(key, element))], node);
        }
        else
        {
            Write(key, [Scalar(key, node)], node);
        }
    }

    private string Scalar(RecipeKey key, YamlNode node)
    {
        if (node is not YamlScalarNode { Value: { } text })
            throw Wrong(node, $"'{key.Path}' is one value ({RecipeValue.Kind(key.ElementType)}), not a "
                + $"{(node is YamlSequenceNode ? "list" : "section")}.");
        try
        {
            RecipeValue.Parse(key.ElementType, text);
            return text;
        }
        catch (BeearException failure)
        {
            throw Wrong(node, $"{key.Path}: {failure.Message}");
        }
    }

    private void Write(RecipeMember member, IReadOnlyList<string>? texts, YamlNode node) =>
        Replace(member, new WrittenValue(texts, Recipe.At(source, node.Start)));

    private void Replace(RecipeMember member, WrittenValue value)
    {
        written.Remove(member);
        written.Add(member, value);
    }

    private BeearException Unknown(RecipeSection section, string name, YamlNode node)
    {
        var here = section.Members.Keys.ToList();
        if (Spelling.Nearest(name, here) is null && schema.Keys.FirstOrDefault(key => key.Name == name) is { } elsewhere)
            return new BeearException($"{Recipe.At(source, node.Start)}: unknown key '{name}'; did you mean '{elsewhere.Path}'?");
        return new BeearException($"{Recipe.At(source, node.Start)}: unknown key '{name}'{Spelling.Advice(name, here)}");
    }

    private BeearException Wrong(YamlNode node, string message) =>
        new($"{Recipe.At(source, node.Start)} column {node.Start.Column}: {message}");

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" };
}
