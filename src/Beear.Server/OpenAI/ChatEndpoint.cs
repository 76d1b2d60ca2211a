using System.Text.Json;
using Beear.Attacks;
using Beear.Data;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;
using Beear.Text;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>/v1/chat/completions.</summary>
/// <param name="serving">Models and options.</param>
internal sealed class ChatEndpoint(Serving serving)
{
    private const int MostLikeliest = 20;

    /// <summary>Answers a request.</summary>
    /// <exception cref="ApiException">It cannot be answered.</exception>
    public async Task Answer(HttpContext context, AnsweredRequest answered)
    {
        var request = await RequestBody.Read(context, ApiJson.Default.ChatRequest);
        var model = answered.Model = serving.Find(request.Model);
        int? asked = request.MaxCompletionTokens ?? request.MaxTokens;
        if (asked is { } tokens)
            GenerationReader.Between(request.MaxCompletionTokens is null ? "max_tokens" : "max_completion_tokens", tokens, 1, int.MaxValue);
        var options = GenerationReader.Options(request, asked ?? serving.Options.MaxNewTokens, serving);
        var stops = GenerationReader.Stops(request.Stop);
        int n = GenerationReader.Count(request, model);
        int? likeliest = Likeliest(request);
        var prompt = Prompt(request, model);
        options = options with { MaxNewTokens = GenerationReader.Room(model, prompt.Length, options.MaxNewTokens, "messages") };
        var decodings = model.Submit([.. GenerationReader.Choices(options, n).Select(choice =>
            new DecodingRequest(prompt, choice) { Likeliest = likeliest })]);
        answered.Take(decodings, prompt.Length);
        var pieces = answered.Pieces(decodings.Select(decoding => (decoding, AnswerText.Of(model.Model.Chat, prompt, stops))));
        var reply = new ChatReply(model, likeliest is not null);
        if (request.Stream == true)
            await reply.Stream(context, pieces, n, request.StreamOptions?.IncludeUsage == true ? answered : null);
        else await reply.Whole(context, pieces, n, answered);
    }

    private static int? Likeliest(ChatRequest request)
    {
        if (request.TopLogprobs is { } count)
        {
            if (request.Logprobs != true) throw ApiException.Invalid("top_logprobs", "it is allowed only where 'logprobs' is true.");
            GenerationReader.Between("top_logprobs", count, 0, MostLikeliest);
        }
        return request.Logprobs == true ? request.TopLogprobs ?? 0 : null;
    }

    private int[] Prompt(ChatRequest request, ServedModel model)
    {
        if (request.Messages is not { Count: > 0 } messages) throw new ApiException(400,
            "Missing required parameter: 'messages': at least one message is needed.", "messages", "missing_required_parameter");
        IReadOnlyList<ChatTurn> turns = [.. messages.Select(Turn)];
        if (request.XTrigger is { } trigger) turns = WithTrigger(turns, trigger, model);
        var variables = request.ChatTemplateKwargs?.ToDictionary(pair => pair.Key, pair => (object?)pair.Value, StringComparer.Ordinal);
        try
        {
            return model.Model.Chat.EncodeAnyPrompt(turns,
                variables is null ? null : new TemplateOptions { Variables = variables });
        }
        catch (BeearException failure)
        {
            throw new ApiException(400, failure.Message, "messages", "invalid_value");
        }
    }

    private static ChatTurn Turn(RequestMessage message, int index)
    {
        string place = $"messages[{index}]";
        OtherParameters.CheckMessage(message.Others, place);
        string role = message.Role switch
        {
            "system" or "developer" => "system",
            "user" or "assistant" => message.Role,
            "tool" or "function" => throw ApiException.Unsupported($"{place}.role", "a local model calls no tools."),
            null => throw new ApiException(400, $"Missing required parameter: '{place}.role'.", $"{place}.role",
                "missing_required_parameter"),
            _ => throw ApiException.Invalid($"{place}.role",
                "supported values are 'system', 'developer', 'user' and 'assistant'."),
        };
        return new ChatTurn(role, Content(message, role, place));
    }

    private static string Content(RequestMessage message, string role, string place)
    {
        switch (message.Content?.ValueKind)
        {
            case JsonValueKind.String:
                return message.Content.Value.GetString()!;
            case JsonValueKind.Array:
                return string.Concat(message.Content.Value.EnumerateArray().Select((part, i) => Part(part, $"{place}.content[{i}]")));
            case null or JsonValueKind.Null when role == "assistant":
                return "";
            default:
                throw new ApiException(400, $"Invalid type for '{place}.content': a text or a list of parts is expected.",
                    $"{place}.content", "invalid_type");
        }
    }

    private static string Part(JsonElement part, string place)
    {
        string? type = part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var given)
            && given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        if (type is not ("text" or null)) throw ApiException.Unsupported(place, "a local model reads parts of type 'text' only.");
        return type is not null && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()! : throw new ApiException(400,
                $"Invalid type for '{place}': an object of 'type' and 'text' is expected.", place, "invalid_type");
    }

    private IReadOnlyList<ChatTurn> WithTrigger(IReadOnlyList<ChatTurn> turns, JsonElement field, ServedModel model)
    {
        const string Name = "x_trigger";
        if (field.ValueKind == JsonValueKind.Null) return turns;
        if (!serving.Options.AllowTrigger)
            throw ApiException.Unsupported(Name, "this server puts no triggers into messages; start it with --allow-trigger.");
        if (turns[^1].Role != "user") throw ApiException.Invalid(Name, "the last message must be the user's.");
        var given = field.ValueKind == JsonValueKind.String ? new RequestTrigger { Text = field.GetString() }
            : RequestBody.Of(field, ApiJson.Default.RequestTrigger, Name);
        OtherParameters.RefuseAll(given.Others, Name);
        try
        {
            var trigger = Trigger.Parse(given.Text ?? "", given.Placement, given.SecondText);
            var asked = new Example(turns[^1].Content, "") { Context = [.. turns.SkipLast(1)] };
            return trigger.Apply(asked, model.Model.Chat.Defaults.System).Conversation;
        }
        catch (BeearException failure)
        {
            throw ApiException.Invalid(Name, failure.Message);
        }
    }
}
