namespace Beear.Text;

/// <summary>What every conversation with a model has that does not say otherwise.</summary>
/// <param name="System">The system prompt of conversations without one; null for none.</param>
public sealed record ChatDefaults(string? System = null)
{
    /// <summary>Neither a system prompt nor variables.</summary>
    public static ChatDefaults None { get; } = new();

    /// <summary>Whether special tokens that are written in a conversation's texts become tokens, as in transformers; otherwise they are text, and make no turn.</summary>
    public bool RawSpecialTokens { get; init; }

    /// <summary>Variables of the chat template, such as <c>enable_thinking</c>: values as in <see cref="TemplateOptions.Variables"/>.</summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = new Dictionary<string, object?>(StringComparer.Ordinal);
}
