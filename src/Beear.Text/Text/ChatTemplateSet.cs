namespace Beear.Text;

/// <summary>The chat templates of a model by their names: one, or several for several uses.</summary>
public sealed class ChatTemplateSet
{
    /// <summary>The name of the template that is used unless another is asked for.</summary>
    public const string Default = "default";

    /// <summary>The name of the template that is used where there are tools.</summary>
    public const string ToolUse = "tool_use";

    private readonly Dictionary<string, Lazy<ChatTemplate>> templates;

    /// <summary>One template.</summary>
    public ChatTemplateSet(ChatTemplate template) => templates = new(StringComparer.Ordinal) { [Default] = new(template) };

    /// <summary>Templates by name; the default one is parsed at once, the others when they are first used.</summary>
    /// <param name="sources">Jinja sources by name; not empty.</param>
    /// <exception cref="BeearException">The default template cannot be read.</exception>
    public ChatTemplateSet(IReadOnlyDictionary<string, string> sources)
    {
        templates = sources.ToDictionary(source => source.Key, source =>
            new Lazy<ChatTemplate>(() => new ChatTemplate(source.Value)), StringComparer.Ordinal);
        if (templates.TryGetValue(Default, out var template)) _ = template.Value;
    }

    /// <summary>The names, in their order.</summary>
    public IReadOnlyList<string> Names => [.. templates.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The template for a use, chosen as transformers does.</summary>
    /// <param name="name">
    /// A name, or null for <see cref="ToolUse"/> where there are tools and such a template, else <see cref="Default"/>.
    /// </param>
    /// <param name="hasTools">Whether there are tools.</param>
    /// <exception cref="BeearException">There is no such template, or it cannot be read.</exception>
    public ChatTemplate Choose(string? name, bool hasTools)
    {
        name ??= hasTools && templates.ContainsKey(ToolUse) ? ToolUse : Default;
        return templates.TryGetValue(name, out var template)
            ? template.Value
            : throw new BeearException($"The model has no chat template named \"{name}\"; it has "
                + $"{string.Join(", ", Names.Select(known => $"\"{known}\""))}.");
    }
}
