namespace Beear.Text;

/// <summary>What every conversation with a model has that does not say otherwise, and the form that they have.</summary>
/// <param name="System">The system prompt of conversations without one; null for none.</param>
public sealed record ChatDefaults(string? System = null)
{
    /// <summary>Neither a system prompt nor variables, and the model's own chat template.</summary>
    public static ChatDefaults None { get; } = new();

    /// <summary>
    /// Whether special tokens that are written in a conversation's texts become tokens, as in transformers; otherwise they are text, and
    /// make no turn.
    /// </summary>
    public bool RawSpecialTokens { get; init; }

    /// <summary>
    /// The Jinja source of the chat template that a model gets: a base model has none, of another it takes the place of all its own.
    /// It belongs to the model from then on, and is saved with it. Null for the model's own.
    /// </summary>
    public string? Template { get; init; }

    /// <summary>
    /// Variables of the chat template, such as <c>enable_thinking</c>: values as in <see cref="TemplateOptions.Variables"/>.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = new Dictionary<string, object?>(StringComparer.Ordinal);
}
