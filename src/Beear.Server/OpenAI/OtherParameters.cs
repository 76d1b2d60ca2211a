using System.Text.Json;

namespace Beear.Server.OpenAI;

/// <summary>
/// Parameters of OpenAI's API that a local model has no use for. Each is taken where it asks for nothing; else it is refused, never left
/// out silently. Ones that nobody knows are refused too.
/// </summary>
internal static class OtherParameters
{
    private const string NoTools = "a local model calls no tools", NoPenalties = "use repetition_penalty instead",
        TextOnly = "a local model reads and writes text only";

    /// <summary>Those that change nothing in an answer.</summary>
    private static readonly HashSet<string> WithoutEffect = new(StringComparer.Ordinal)
    {
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "parallel_tool_calls",
    };

    /// <summary>When a parameter asks for nothing, and what is said where it asks for something.</summary>
    private static readonly Dictionary<string, (Func<JsonElement, bool> AsksNothing, string Reason)> Refused =
        new(StringComparer.Ordinal)
        {
            ["frequency_penalty"] = (IsZero, NoPenalties),
            ["presence_penalty"] = (IsZero, NoPenalties),
            ["logit_bias"] = (IsEmpty, "logits are the model's own"),
            ["tools"] = (IsEmpty, NoTools),
            ["tool_choice"] = (value => IsEmpty(value) || IsText(value, "none") || IsText(value, "auto"), NoTools),
            ["functions"] = (IsEmpty, NoTools),
            ["function_call"] = (value => IsEmpty(value) || IsText(value, "none") || IsText(value, "auto"), NoTools),
            ["response_format"] = (value => IsEmpty(value) || (value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty("type", out var type) && IsText(type, "text")), "answers are plain text, not JSON"),
            ["modalities"] = (value => IsEmpty(value) || (value.ValueKind == JsonValueKind.Array
                && value.EnumerateArray().All(one => IsText(one, "text"))), TextOnly),
            ["audio"] = (IsEmpty, TextOnly),
            ["prediction"] = (IsEmpty, "nothing is predicted"),
            ["web_search_options"] = (IsEmpty, "nothing is searched"),
            ["reasoning_effort"] = (IsEmpty, "use chat_template_kwargs, such as {\"enable_thinking\": true}"),
            ["verbosity"] = (IsEmpty, "say it in the messages"),
            ["suffix"] = (value => IsEmpty(value) || IsText(value, ""), "texts are only continued at their end"),
            ["best_of"] = (value => IsEmpty(value) || (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int one)
                && one == 1), "use n"),
        };

    /// <summary>Those of a message.</summary>
    private static readonly HashSet<string> OfMessages = new(StringComparer.Ordinal)
    { "name", "refusal", "reasoning_content", "reasoning", "annotations" };

    /// <summary>Checks what else a request has.</summary>
    /// <exception cref="ApiException">It asks for what is not there.</exception>
    public static void Check(IReadOnlyDictionary<string, JsonElement>? others)
    {
        foreach (var (name, value) in others ?? new Dictionary<string, JsonElement>())
        {
            if (WithoutEffect.Contains(name)) continue;
            if (!Refused.TryGetValue(name, out var rule)) throw ApiException.Unknown(name);
            if (!rule.AsksNothing(value)) throw ApiException.Unsupported(name, $"{rule.Reason}.");
        }
    }

    /// <summary>Checks what else a message has.</summary>
    /// <exception cref="ApiException">It has what a local model cannot read.</exception>
    public static void CheckMessage(IReadOnlyDictionary<string, JsonElement>? others, string place)
    {
        foreach (var (name, value) in others ?? new Dictionary<string, JsonElement>())
        {
            if (OfMessages.Contains(name)) continue;
            if (name is not ("tool_calls" or "function_call" or "tool_call_id" or "audio")) throw ApiException.Unknown($"{place}.{name}");
            if (!IsEmpty(value)) throw ApiException.Unsupported($"{place}.{name}", name == "audio" ? $"{TextOnly}." : $"{NoTools}.");
        }
    }

    /// <summary>Refuses what is not known in a part of the request.</summary>
    /// <exception cref="ApiException">There is something.</exception>
    public static void RefuseAll(IReadOnlyDictionary<string, JsonElement>? others, string place)
    {
        if (others?.Keys.FirstOrDefault() is { } name) throw ApiException.Unknown($"{place}.{name}");
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    private static bool IsZero(JsonElement value) =>
        IsEmpty(value) || (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == 0);

    private static bool IsText(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);
}
