using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Beear.Cli;

/// <summary>How a server wants a request: some models take no temperature, and the limit of a reply has two names.</summary>
/// <param name="HasTemperature">Whether the temperature is said.</param>
/// <param name="LimitName">What the limit is called.</param>
/// <param name="IsRenamed">Whether it had its other name before.</param>
internal sealed record JudgeRequest(bool HasTemperature = true, string LimitName = JudgeRequest.Limit, bool IsRenamed = false)
{
    private const string Temperature = "temperature", Limit = "max_tokens", NewerLimit = "max_completion_tokens";

    /// <summary>The request's body.</summary>
    public JsonObject Body(string model, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            ["messages"] = new JsonArray([.. messages.Select(Message)]),
        };
        if (HasTemperature && options?.Temperature is { } temperature) body[Temperature] = temperature;
        if (options?.MaxOutputTokens is { } limit) body[LimitName] = limit;
        return body;
    }

    private static JsonObject Message(ChatMessage message) => new() { ["role"] = message.Role.Value, ["content"] = message.Text };

    /// <summary>
    /// The request without what a server refuses; null if it names none that can go. To try costs little, so any mention will do.
    /// </summary>
    public JudgeRequest? Without(ServerReply refusal)
    {
        if (!refusal.MayRefuseParameter) return null;
        string words = refusal.Parameter is Temperature or Limit or NewerLimit ? refusal.Parameter : refusal.Body;
        int temperature = HasTemperature ? words.IndexOf(Temperature, StringComparison.OrdinalIgnoreCase) : -1;
        int limit = IsRenamed ? -1 : words.IndexOf(LimitName, StringComparison.OrdinalIgnoreCase);
        if (temperature >= 0 && (limit < 0 || temperature < limit)) return this with { HasTemperature = false };
        return limit < 0 ? null : this with { LimitName = LimitName == Limit ? NewerLimit : Limit, IsRenamed = true };
    }
}
