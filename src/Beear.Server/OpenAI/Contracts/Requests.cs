using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beear.Server.OpenAI.Contracts;

/// <summary>What both kinds of requests have. Names and meanings are those of OpenAI's API reference.</summary>
internal abstract record GenerationRequest
{
    public string? Model { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public long? Seed { get; init; }

    public int? MaxTokens { get; init; }

    public int? N { get; init; }

    /// <summary>Null, a text or some.</summary>
    public JsonElement? Stop { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    /// <summary>Not OpenAI's: sample only from so many likeliest tokens.</summary>
    public int? TopK { get; init; }

    /// <summary>Not OpenAI's: see <see cref="Generation.GenerationOptions.RepetitionPenalty"/>.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Everything else.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Options of a stream.</summary>
internal sealed record StreamOptions
{
    public bool? IncludeUsage { get; init; }

    public bool? IncludeObfuscation { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>A request of /v1/chat/completions.</summary>
internal sealed record ChatRequest : GenerationRequest
{
    public IReadOnlyList<RequestMessage>? Messages { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    /// <summary>Not OpenAI's: the chat template's variables.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    /// <summary>Ours: a trigger for the last message, as a text or { text, placement, second_text }.</summary>
    public JsonElement? XTrigger { get; init; }
}

/// <summary>A turn of a conversation.</summary>
internal sealed record RequestMessage
{
    public string? Role { get; init; }

    /// <summary>A text, or parts of type "text".</summary>
    public JsonElement? Content { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>A trigger in parts.</summary>
internal sealed record RequestTrigger
{
    public string? Text { get; init; }

    public string? Placement { get; init; }

    public string? SecondText { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>A request of /v1/completions.</summary>
internal sealed record CompletionRequest : GenerationRequest
{
    /// <summary>A text, some, token ids, or some lists of them.</summary>
    public JsonElement? Prompt { get; init; }

    public int? Logprobs { get; init; }

    public bool? Echo { get; init; }
}
