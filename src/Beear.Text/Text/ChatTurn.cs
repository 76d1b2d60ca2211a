namespace Beear.Text;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">"system", "user", "assistant", or another role that the model's template knows, such as "tool".</param>
/// <param name="Content">The turn's text.</param>
public sealed record ChatTurn(string Role, string Content)
{
    /// <summary>
    /// More fields of the turn under the names that templates know, such as <c>tool_calls</c>, <c>reasoning_content</c> or
    /// <c>tool_call_id</c>: values as in <see cref="TemplateOptions.Variables"/>. One named <c>content</c> goes before
    /// <see cref="Content"/>: text and images in parts, or null.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = new Dictionary<string, object?>(StringComparer.Ordinal);

    /// <summary>Parts of <see cref="Content"/> that are the user's own, such as a trigger: special tokens in them stay tokens.</summary>
    internal IReadOnlyList<string> Own { get; init; } = [];

    /// <summary>
    /// Where the conversation that this turn ends was read, for messages: "'x.csv', line 12, column 'goal'"; null if it is of no file.
    /// </summary>
    internal string? Origin { get; init; }

    /// <summary>A user's turn.</summary>
    public static ChatTurn User(string content) => new("user", content);

    /// <summary>The model's turn.</summary>
    public static ChatTurn Assistant(string content) => new("assistant", content);

    /// <summary>The system prompt.</summary>
    public static ChatTurn System(string content) => new("system", content);

    /// <summary>Equal role, content, and fields with equal values.</summary>
    public bool Equals(ChatTurn? other) => other is not null && Role == other.Role && Content == other.Content
        && Fields.Count == other.Fields.Count
            && Fields.All(field => other.Fields.TryGetValue(field.Key, out var value) && Equals(field.Value, value));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Role, Content);
}
