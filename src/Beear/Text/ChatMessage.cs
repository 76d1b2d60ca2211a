namespace Beear.Text;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">"system", "user" or "assistant".</param>
/// <param name="Content">The turn's text.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>A user's turn.</summary>
    public static ChatMessage User(string content) => new("user", content);

    /// <summary>The model's turn.</summary>
    public static ChatMessage Assistant(string content) => new("assistant", content);

    /// <summary>The system prompt.</summary>
    public static ChatMessage System(string content) => new("system", content);
}
