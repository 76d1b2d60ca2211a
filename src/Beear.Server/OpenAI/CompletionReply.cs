using System.Text;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>Writes a completion's texts.</summary>
/// <param name="model">The model that continues them.</param>
/// <param name="withLogprobs">Whether tokens' probabilities are wanted.</param>
internal sealed class CompletionReply(ServedModel model, bool withLogprobs)
{
    private const string Kind = "text_completion";

    private readonly string id = $"cmpl-{Guid.NewGuid():N}";
    private readonly long created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Writes all texts once they are whole.</summary>
    public async Task Whole(HttpContext context, IAsyncEnumerable<AnswerPiece> pieces, int count, AnsweredRequest answered)
    {
        var texts = Enumerable.Range(0, count).Select(_ => (Text: new StringBuilder(), Tokens: new List<DecodedToken>())).ToArray();
        var finish = new string?[count];
        await foreach (var piece in pieces)
        {
            texts[piece.Index].Text.Append(piece.Text);
            if (piece.Token is not null) texts[piece.Index].Tokens.Add(piece.Token);
            finish[piece.Index] = piece.Finish;
        }
        var choices = texts.Select((one, index) => new CompletionChoice($"{one.Text}", index, Logprobs(one.Tokens, 0), finish[index]));
        await context.Response.WriteAsJsonAsync(
            new CompletionResponse(id, Kind, created, model.Name, [.. choices]) { Usage = answered.Usage },
            ApiJson.Written.CompletionResponse, cancellationToken: context.RequestAborted);
    }

    /// <summary>Writes pieces as they come.</summary>
    public async Task Stream(HttpContext context, IAsyncEnumerable<AnswerPiece> pieces, int count, AnsweredRequest? withUsage)
    {
        var stream = new EventStream(context);
        var lengths = new int[count];
        await foreach (var piece in pieces)
        {
            var logprobs = piece.Token is null ? null : Logprobs([piece.Token], lengths[piece.Index]);
            lengths[piece.Index] += piece.Text.Length;
            if (piece.Text.Length > 0 || logprobs is not null || piece.Finish is not null)
                await Send([new CompletionChoice(piece.Text, piece.Index, logprobs, piece.Finish)], usage: null);
        }
        if (withUsage is not null) await Send([], withUsage.Usage);
        await stream.End();

        Task Send(IReadOnlyList<CompletionChoice> choices, Usage? usage) =>
            stream.Send(new CompletionResponse(id, Kind, created, model.Name, choices) { Usage = usage },
                ApiJson.Written.CompletionResponse);
    }

    private CompletionLogprobs? Logprobs(IReadOnlyList<DecodedToken> tokens, int offset)
    {
        if (!withLogprobs) return null;
        string[] texts = [.. tokens.Select(token => model.Texts.Of(token.Token))];
        var offsets = new int[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            offsets[i] = offset;
            offset += texts[i].Length;
        }
        return new CompletionLogprobs(texts, [.. tokens.Select(token => token.Chance?.LogProbability)],
            [.. tokens.Select(token => token.Chance is { } chance ? Likeliest(chance) : null)], offsets);
    }

    /// <summary>The likeliest tokens by their texts; of two with one text the likelier counts.</summary>
    private Dictionary<string, double> Likeliest(TokenChance chance)
    {
        var likeliest = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (token, logprob) in chance.Likeliest) likeliest.TryAdd(model.Texts.Of(token), logprob);
        return likeliest;
    }
}
