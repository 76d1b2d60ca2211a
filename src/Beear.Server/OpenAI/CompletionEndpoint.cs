using System.Globalization;
using System.Text.Json;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>/v1/completions: texts are continued as they are, without a chat template.</summary>
/// <param name="serving">Models and options.</param>
internal sealed class CompletionEndpoint(Serving serving)
{
    private const int UsualLength = 16, MostLikeliest = 5;

    /// <summary>Answers a request.</summary>
    /// <exception cref="ApiException">It cannot be answered.</exception>
    public async Task Answer(HttpContext context, AnsweredRequest answered)
    {
        var request = await RequestBody.Read(context, ApiJson.Default.CompletionRequest);
        var model = answered.Model = serving.Find(request.Model);
        bool echo = request.Echo == true;
        int asked = request.MaxTokens ?? UsualLength;
        GenerationReader.Between("max_tokens", asked, echo ? 0 : 1, int.MaxValue);
        if (request.Logprobs is { } count) GenerationReader.Between("logprobs", count, 0, MostLikeliest);
        var options = GenerationReader.Options(request, Math.Max(1, asked), serving);
        var stops = GenerationReader.Stops(request.Stop);
        int n = GenerationReader.Count(request, model);
        var prompts = Prompts(request, model);
        GenerationReader.Between("prompt", prompts.Count * n, 1, model.Options.MaxBatch + model.Options.MaxWaiting);
        var decodings = model.Submit([.. prompts.SelectMany(prompt => GenerationReader.Choices(options, n).Select(choice =>
            new DecodingRequest(prompt,
                choice with { MaxNewTokens = GenerationReader.Room(model, prompt.Length, choice.MaxNewTokens, "prompt") })
            { Likeliest = request.Logprobs, Echo = echo, PromptOnly = asked == 0 }))]);
        answered.Take(decodings, prompts.Sum(prompt => prompt.Length));
        var pieces = answered.Pieces(decodings.Select(decoding => (decoding, AnswerText.Raw(model.Model.Chat.Tokenizer, stops))));
        var reply = new CompletionReply(model, request.Logprobs is not null);
        if (request.Stream == true)
            await reply.Stream(context, pieces, decodings.Count, request.StreamOptions?.IncludeUsage == true ? answered : null);
        else await reply.Whole(context, pieces, decodings.Count, answered);
    }

    private static List<int[]> Prompts(CompletionRequest request, ServedModel model)
    {
        var given = request.Prompt ?? throw new ApiException(400, "Missing required parameter: 'prompt'.", "prompt",
            "missing_required_parameter");
        bool several = given.ValueKind == JsonValueKind.Array && given.GetArrayLength() > 0
            && given[0].ValueKind is JsonValueKind.String or JsonValueKind.Array;
        List<int[]> prompts = several ? [.. given.EnumerateArray().Select(one => Prompt(one, model))] : [Prompt(given, model)];
        foreach (var prompt in prompts) GenerationReader.Room(model, prompt.Length, 1, "prompt");
        return prompts;
    }

    private static int[] Prompt(JsonElement given, ServedModel model)
    {
        var tokenizer = model.Model.Chat.Tokenizer;
        try
        {
            if (given.ValueKind == JsonValueKind.String) return tokenizer.Encode(given.GetString()!, addSpecialTokens: true);
        }
        catch (BeearException failure)
        {
            throw new ApiException(400, failure.Message, "prompt", "invalid_value");
        }
        if (given.ValueKind != JsonValueKind.Array || !given.EnumerateArray().All(IsId)) throw new ApiException(400,
            string.Create(CultureInfo.InvariantCulture,
                $"Invalid type for 'prompt': a text, ids below {model.Model.Config.VocabularySize}, or a list of either is expected."),
            "prompt", "invalid_type");
        return [.. given.EnumerateArray().Select(id => id.GetInt32())];

        bool IsId(JsonElement id) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int value) && value >= 0
            && value < model.Model.Config.VocabularySize;
    }
}
