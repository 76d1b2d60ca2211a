using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Cli.Output;
using Beear.Runtime;
using Microsoft.Extensions.AI;

namespace Beear.Cli;

/// <summary>What a chat-completions server sent. Servers differ in all but the text of a reply, so nothing else is asked of it.</summary>
/// <param name="Status">The status; null where nothing came.</param>
/// <param name="Body">The body, or what happened in its place.</param>
internal sealed record ServerReply(int? Status, string Body)
{
    private const int LongestWords = 300;

    private static readonly string[] TooLong = ["context_length", "context length", "exceed_context_size", "context size", "context window",
        "prompt is too long", "input is too long", "too many tokens"];

    private static readonly string[] Filter =
        ["content_filter", "content_policy", "content management policy", "ResponsibleAIPolicyViolation",
        "invalid_prompt", "data_inspection_failed", "content exists risk", "flagged_input", "moderation_blocked"];

    private static readonly string[] NoModel = ["model_not_found", "invalid_model", "model not exist"];

    private readonly JsonElement? root = Parse(Body);

    /// <summary>How long the server asks to wait; null if it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the connection broke before it was there.</summary>
    public bool IsBroken { get; init; }

    /// <summary>Whether it is an error; some servers send one with status 200.</summary>
    public bool IsError => Status is not (>= 200 and < 300) || Member(root, "choices") is null || Error is not null;

    /// <summary>Whether the conversation is longer than the model's context.</summary>
    public bool IsTooLong => Status == 413 || (Concern is 200 or 400 or 422 or >= 500 && Says(TooLong));

    /// <summary>Whether a filter stopped the conversation.</summary>
    public bool IsFiltered => Concern is 200 or 400 or 403 or 422 or >= 500 && Says(Filter);

    /// <summary>Whether any other conversation would be refused too.</summary>
    public bool ConcernsAll => !IsFiltered
        && (Concern is (> 0 and < 200) or (>= 300 and < 400) or (>= 401 and <= 405) or 410 or 429
            || (Concern is 400 or 422 && Says(NoModel)));

    /// <summary>Whether the same request may be answered a little later.</summary>
    public bool MayPass => IsBroken || (Concern is 408 or 425 or 429 or >= 500 && !IsTooLong && !IsFiltered && !Says("insufficient_quota"));

    /// <summary>Whether a parameter may be what it refuses.</summary>
    public bool MayRefuseParameter => IsError && Concern is 200 or 400 or 422 or 500 && !IsTooLong && !IsFiltered;

    /// <summary>The parameter that it names apart from its words; null if none.</summary>
    public string? Parameter => Member(Error, "param") is { ValueKind: JsonValueKind.String } name ? name.GetString() : null;

    /// <summary>The status that the error is about: its own code where a server sends errors with status 200.</summary>
    public int? Concern => Status is >= 200 and < 300 && int.TryParse(Member(Error, "code")?.ToString(), out int code)
        && code is >= 400 and < 600
        ? code : Status;

    /// <summary>The reply as one of a chat client.</summary>
    public ChatResponse ToResponse()
    {
        var message = Member(Choice, "message");
        string text = Text(Member(message, "content"));
        if (text.Length == 0) text = Text(Member(message, "refusal") ?? Member(Choice, "text"));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
        {
            FinishReason = Text(Member(Choice, "finish_reason")).ToLowerInvariant() switch
            {
                "length" or "max_tokens" or "model_length" => ChatFinishReason.Length,
                "content_filter" or "safety" or "prohibited_content" or "sensitive" => ChatFinishReason.ContentFilter,
                _ => ChatFinishReason.Stop,
            },
        };
    }

    /// <summary>The status and the server's own words, on one short line, without a key.</summary>
    public string Shown(string? key)
    {
        string words = Regex.Replace(root is { } json ? Words(json) : PlainText(Body), @"\s+", " ", RegexOptions.NonBacktracking).Trim();
        if (key is not null) words = words.Replace(key, "(key)", StringComparison.Ordinal);
        words = Terminal.Excerpt(words, LongestWords);
        return Status is null ? words : words.Length == 0 ? $"HTTP {Concern}" : $"HTTP {Concern}, \"{words}\"";
    }

    /// <summary>Whether one of some texts stands in the body.</summary>
    public bool Says(params string[] texts) => texts.Any(text => Body.Contains(text, StringComparison.OrdinalIgnoreCase));

    private JsonElement? Error => Member(root, "error") ?? Member(Choice, "error");

    private JsonElement? Choice =>
        Member(root, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() > 0 ? choices[0] : null;

    private static JsonElement? Parse(string body)
    {
        try
        {
            // Half a character, as a reply that was cut may end in one, is no text for JSON.
            return StrictJson.Element(Encoding.UTF8.GetBytes(StrictJson.WithWholeCharacters(body)));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A member that is there and is not null.</summary>
    private static JsonElement? Member(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } known && known.TryGetProperty(name, out var member)
            && member.ValueKind != JsonValueKind.Null
            ? member : null;

    /// <summary>A text, or the texts of a list of parts; parts that are thoughts are left out.</summary>
    private static string Text(JsonElement? element) => element switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!,
        { ValueKind: JsonValueKind.Array } parts => string.Concat(parts.EnumerateArray().Select(part => Text(part))),
        { ValueKind: JsonValueKind.Object } part when Member(part, "type")?.ToString()
            is not ("thinking" or "reasoning" or "redacted_thinking") =>
                Text(Member(part, "text") ?? Member(part, "content") ?? Member(part, "value") ?? Member(part, "refusal")),
        _ => "",
    };

    /// <summary>What an error says, whichever member says it.</summary>
    private static string Words(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String) return element.GetString()!;
        if (element.ValueKind == JsonValueKind.Array) return string.Join("; ", element.EnumerateArray().Select(Words));
        foreach (string name in (string[])["error", "message", "detail", "msg", "errors", "error_description", "title", "code"])
        {
            if (Member(element, name) is { } member && Words(member) is { Length: > 0 } words)
                return Member(element, "loc") is { } place ? $"{string.Join('.', Words(place).Split("; "))}: {words}" : words;
        }
        return element.GetRawText();
    }

    /// <summary>The title of a web page, or its text; other text as it is.</summary>
    private static string PlainText(string body) => !body.AsSpan().TrimStart().StartsWith("<") ? body
        : WebUtility.HtmlDecode(Title.Match(body) is { Success: true } title ? title.Groups["text"].Value : Tags.Replace(body, " "));

    private static readonly Regex Title = new("<title[^>]*>(?<text>[^<]+)",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static readonly Regex Tags = new("<[^>]*>", RegexOptions.NonBacktracking);
}
