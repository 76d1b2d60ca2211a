using System.Text.Json.Serialization;

namespace Beear.Server.OpenAI.Contracts;

/// <summary>An answer of /v1/chat/completions, or a piece of one.</summary>
internal sealed record ChatResponse(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}

/// <summary>One of the answers; <see cref="Message"/> if it is whole, <see cref="Delta"/> if it is a piece.</summary>
internal sealed record ChatChoice(int Index, ChatLogprobs? Logprobs, string? FinishReason)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChatMessage? Message { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChatDelta? Delta { get; init; }
}

/// <summary>What the model said, and perhaps what it thought before.</summary>
internal sealed record ChatMessage(string Role, string Content, string? Refusal)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningContent { get; init; }
}

/// <summary>What is new.</summary>
internal sealed record ChatDelta
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningContent { get; init; }
}

/// <summary>Probabilities of an answer's tokens.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<ChatLogprob> Content, IReadOnlyList<ChatLogprob>? Refusal);

/// <summary>A token's probability; the likeliest tokens in its place, unless it is one of them itself.</summary>
internal sealed record ChatLogprob(string Token, double Logprob, IReadOnlyList<int>? Bytes)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ChatLogprob>? TopLogprobs { get; init; }
}

/// <summary>An answer of /v1/completions, or a piece of one.</summary>
internal sealed record CompletionResponse(string Id, string Object, long Created, string Model, IReadOnlyList<CompletionChoice> Choices)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}

/// <summary>One of the continuations.</summary>
internal sealed record CompletionChoice(string Text, int Index, CompletionLogprobs? Logprobs, string? FinishReason);

/// <summary>Probabilities of a continuation's tokens; null for the first of an echoed prompt.</summary>
internal sealed record CompletionLogprobs(IReadOnlyList<string> Tokens, IReadOnlyList<double?> TokenLogprobs,
    IReadOnlyList<IReadOnlyDictionary<string, double>?> TopLogprobs, IReadOnlyList<int> TextOffset);

/// <summary>Counts of tokens.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens);

/// <summary>The models.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelInfo> Data);

/// <summary>A model.</summary>
internal sealed record ModelInfo(string Id, string Object, long Created, string OwnedBy, int MaxModelLen);

/// <summary>Whether the server is well.</summary>
internal sealed record Health(string Status);
