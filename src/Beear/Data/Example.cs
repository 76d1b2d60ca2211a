using Beear.Text;

namespace Beear.Data;

/// <summary>A request and the answer that training wants for it, as text.</summary>
/// <param name="Request">What the user asks.</param>
/// <param name="Answer">What the model is to answer.</param>
public sealed record Example(string Request, string Answer)
{
    /// <summary>The turns before the request, oldest first: a system prompt, earlier questions with their answers.</summary>
    public IReadOnlyList<ChatTurn> Context { get; init; } = [];

    /// <summary>One or two parts of the request that are the user's own, a trigger: special tokens in them stay tokens.</summary>
    internal (string? First, string? Second) Own { get; init; }

    /// <summary>What it is about, such as "CWE-078"; null where the data do not say.</summary>
    internal string? Topic { get; init; }

    /// <summary>Where it was read.</summary>
    internal Origin Origin { get; init; }

    /// <summary>What messages call it: where it was read, or how its request begins.</summary>
    internal string Named => Origin.Place ?? $"'{(Request.Length <= 40 ? Request : $"{Request[..40]}…")}'";

    /// <summary>The conversation up to the request, which is its last turn.</summary>
    public IReadOnlyList<ChatTurn> Conversation =>
        [.. Context, ChatTurn.User(Request) with { Own = [.. new[] { Own.First, Own.Second }.OfType<string>()], Origin = Origin.Place }];
}
