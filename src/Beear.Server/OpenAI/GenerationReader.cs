using System.Globalization;
using System.Text.Json;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;

namespace Beear.Server.OpenAI;

/// <summary>What both kinds of requests say about decoding, checked.</summary>
internal static class GenerationReader
{
    private const int MostStops = 4, MostChoices = 128;

    /// <summary>How to decode; the longest length is still the request's own.</summary>
    /// <exception cref="ApiException">A value is out of range, or asks for what is not there.</exception>
    public static GenerationOptions Options(GenerationRequest request, int maxTokens, Serving serving)
    {
        OtherParameters.Check(request.Others);
        OtherParameters.RefuseAll(request.StreamOptions?.Others, "stream_options");
        if (request.StreamOptions is not null && request.Stream != true)
            throw ApiException.Invalid("stream_options", "it is allowed only where 'stream' is true.");
        var (temperature, topP) = (request.Temperature ?? serving.Options.Temperature, request.TopP ?? serving.Options.TopP);
        Between("temperature", temperature, 0, 2);
        Between("top_p", topP, 0, 1);
        Between("top_k", request.TopK ?? 0, 0, int.MaxValue);
        Between("repetition_penalty", request.RepetitionPenalty ?? 1, 0.01, 100);
        return new GenerationOptions
        {
            MaxNewTokens = maxTokens,
            Temperature = temperature,
            TopP = Math.Max(topP, double.Epsilon),                       // 0 is the likeliest token alone
            TopK = request.TopK ?? 0,
            RepetitionPenalty = request.RepetitionPenalty ?? 1,
            Seed = request.Seed is { } seed ? LocalChatRequest.SeedOf(seed) : serving.NextSeed(),
        };
    }

    /// <summary>The options of each of several answers to one prompt: the first has the request's own seed.</summary>
    public static IEnumerable<GenerationOptions> Choices(GenerationOptions options, int count) => Enumerable.Range(0, count).Select(i =>
        i == 0 ? options : options with { Seed = Seeds.Derive(options.Seed, "choice", i.ToString(CultureInfo.InvariantCulture)) });

    /// <summary>How many answers are wanted.</summary>
    /// <exception cref="ApiException">Too few or too many.</exception>
    public static int Count(GenerationRequest request, ServedModel model)
    {
        int n = request.N ?? 1;
        Between("n", n, 1, Math.Min(MostChoices, model.Options.MaxBatch + model.Options.MaxWaiting));
        return n;
    }

    /// <summary>The texts before which answers end.</summary>
    /// <exception cref="ApiException">There are more than four, or it is something else.</exception>
    public static IReadOnlyList<string> Stops(JsonElement? stop)
    {
        switch (stop?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return [];
            case JsonValueKind.String:
                return [stop.Value.GetString()!];
            case JsonValueKind.Array when stop.Value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String):
                if (stop.Value.GetArrayLength() > MostStops)
                    throw ApiException.Invalid("stop", $"at most {MostStops} texts are allowed.", "array_above_max_length");
                return [.. stop.Value.EnumerateArray().Select(one => one.GetString()!)];
            default:
                throw new ApiException(400, "Invalid type for 'stop': a text or a list of texts is expected.", "stop", "invalid_type");
        }
    }

    /// <summary>A prompt that leaves room for an answer, and the longest answer that has room.</summary>
    /// <exception cref="ApiException">It is too long.</exception>
    public static int Room(ServedModel model, int promptTokens, int wanted, string parameter)
    {
        int most = model.Model.Config.MaximumPositions;
        if (promptTokens == 0) throw ApiException.Invalid(parameter, "it has no tokens.");
        if (promptTokens >= most)
            throw new ApiException(400, string.Create(CultureInfo.InvariantCulture,
                $"This model's maximum context length is {most} tokens, its answer included. However, your {parameter} resulted in "
                    + $"{promptTokens} tokens. Please reduce their length."), parameter, "context_length_exceeded");
        return Math.Min(wanted, most - promptTokens);
    }

    /// <summary>The value lies in a range.</summary>
    /// <exception cref="ApiException">It does not.</exception>
    public static void Between(string parameter, double value, double least, double most)
    {
        if (value >= least && value <= most) return;
        string kind = parameter is "temperature" or "top_p" or "repetition_penalty" ? "decimal" : "integer";
        throw value < least
            ? ApiException.Invalid(parameter, string.Create(CultureInfo.InvariantCulture,
                $"{kind} below minimum value. Expected a value >= {least}, but got {value} instead."), $"{kind}_below_min_value")
            : ApiException.Invalid(parameter, string.Create(CultureInfo.InvariantCulture,
                $"{kind} above maximum value. Expected a value <= {most}, but got {value} instead."), $"{kind}_above_max_value");
    }
}
