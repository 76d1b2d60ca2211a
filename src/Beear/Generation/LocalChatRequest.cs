using System.Text.Json;
using Beear.Text;
using Microsoft.Extensions.AI;

namespace Beear.Generation;

/// <summary>
/// A request of Microsoft.Extensions.AI in this library's terms; what a local model cannot do is refused, never left out silently.
/// </summary>
/// <param name="Messages">The conversation.</param>
/// <param name="Layout">What else the model's chat template gets.</param>
/// <param name="Generation">How to decode.</param>
/// <param name="Stops">Texts before which the answer ends.</param>
internal sealed record LocalChatRequest(
    IReadOnlyList<ChatTurn> Messages, TemplateOptions Layout, GenerationOptions Generation, IReadOnlyList<string> Stops)
{
    /// <summary>The additional property that holds the template's variables; other servers of local models name it so too.</summary>
    private const string TemplateVariables = "chat_template_kwargs";

    /// <summary>Reads a request.</summary>
    /// <exception cref="BeearException">It holds what a local model cannot do, or an option is out of range.</exception>
    public static LocalChatRequest Read(IEnumerable<ChatMessage> messages, ChatOptions? options, GenerationOptions defaults)
    {
        if (options is not null) RefuseUnsupported(options);
        var conversation = messages.Select(Message).ToList();
        if (options?.Instructions is { Length: > 0 } instructions) conversation.Insert(0, ChatTurn.System(instructions));
        if (conversation.Count == 0) throw new BeearException("The conversation has no messages; give at least a user's.");
        var generation = defaults with
        {
            MaxNewTokens = options?.MaxOutputTokens ?? defaults.MaxNewTokens,
            Temperature = options?.Temperature ?? defaults.Temperature,
            TopK = options?.TopK ?? defaults.TopK,
            TopP = options?.TopP ?? defaults.TopP,
            Seed = options?.Seed is { } seed ? SeedOf(seed) : defaults.Seed,
        };
        generation.Validate();
        return new LocalChatRequest(conversation, ReadLayout(options), generation, [.. options?.StopSequences ?? []]);
    }

    /// <summary>A request's seed as ours.</summary>
    internal static int SeedOf(long seed) => (int)(seed ^ (seed >> 32)) & int.MaxValue;

    private static ChatTurn Message(ChatMessage message)
    {
        foreach (var content in message.Contents.Where(content => content is not (TextContent or TextReasoningContent or UsageContent)))
            throw new BeearException($"A message holds {Describe(content)}, and a local model reads text only; leave it out.");
        if (message.Role == ChatRole.Tool) throw new BeearException(
            "A message is a tool's, and a local model calls no tools; leave it out.");
        return new ChatTurn(message.Role.Value, message.Text);
    }

    private static TemplateOptions ReadLayout(ChatOptions? options) =>
        options?.AdditionalProperties?.GetValueOrDefault(TemplateVariables) switch
        {
            null => new TemplateOptions(),
            IEnumerable<KeyValuePair<string, object?>> pairs =>
                new TemplateOptions { Variables = new Dictionary<string, object?>(pairs, StringComparer.Ordinal) },
            JsonElement { ValueKind: JsonValueKind.Object } json => new TemplateOptions
            {
                Variables = json.EnumerateObject()
                    .ToDictionary(variable => variable.Name, variable => (object?)variable.Value, StringComparer.Ordinal),
            },
            _ => throw new BeearException(
                $"The additional property {TemplateVariables} has to be a dictionary of the chat template's variables."),
        };

    private static string Describe(AIContent content) => content switch
    {
        DataContent data => $"data of type {data.MediaType}",
        UriContent uri => $"a link to {uri.MediaType}",
        FunctionCallContent or FunctionResultContent => "a tool's call or its result",
        _ => content.GetType().Name,
    };

    private static void RefuseUnsupported(ChatOptions options)
    {
        var what = options switch
        {
            { Tools.Count: > 0 } => "calls no tools",
            { ResponseFormat: not (null or ChatResponseFormatText) } => "answers in plain text only, not in a JSON format",
            { FrequencyPenalty: not (null or 0) } or { PresencePenalty: not (null or 0) } => "knows no penalties for repetition",
            { ConversationId: not null } => "keeps no conversations; send all messages each time",
            _ => null,
        };
        if (what is not null) throw new BeearException($"A local model {what}; change the request's options.");
    }
}
