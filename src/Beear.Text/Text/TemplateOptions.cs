namespace Beear.Text;

/// <summary>
/// What a chat template gets besides the conversation; the names in templates and in transformers' <c>apply_chat_template</c> are given.
/// </summary>
public sealed record TemplateOptions
{
    private static readonly Dictionary<string, object?> s_none = new(StringComparer.Ordinal);

    /// <summary><c>add_generation_prompt</c>: the text ends where the assistant's next answer begins.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// <c>continue_final_message</c>: the text ends with the last turn's content, so that the model continues it; not together with
    /// <see cref="AddGenerationPrompt"/>.
    /// </summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary><c>tools</c>: the tools' JSON schemas, as JSON or dictionaries; null without tools.</summary>
    public IReadOnlyList<object>? Tools { get; init; }

    /// <summary><c>documents</c>: what is to be quoted from, usually with "title" and "text", as JSON or dictionaries.</summary>
    public IReadOnlyList<object>? Documents { get; init; }

    /// <summary>
    /// More variables, such as <c>enable_thinking</c> or <c>date_string</c>: null, booleans, numbers, strings, sequences, dictionaries with
    /// string keys, or JSON.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = s_none;

    /// <summary>
    /// Which of a model's named templates is used; null for "tool_use" where there are <see cref="Tools"/> and such a template, else
    /// "default".
    /// </summary>
    public string? Template { get; init; }
}

/// <summary>A conversation as a template lays it out.</summary>
/// <param name="Text">The text.</param>
/// <param name="Generated">
/// The parts of <paramref name="Text"/> that the assistant writes, in UTF-16 units, if the template marks them by <c>{% generation %}</c>.
/// </param>
public sealed record RenderedChat(string Text, IReadOnlyList<Range> Generated);
