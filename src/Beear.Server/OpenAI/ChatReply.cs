using System.Text;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>Writes a chat's answers.</summary>
/// <param name="model">The model that answers.</param>
/// <param name="withLogprobs">Whether tokens' probabilities are wanted.</param>
internal sealed class ChatReply(ServedModel model, bool withLogprobs)
{
    private const string Assistant = "assistant";

    private readonly string id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly long created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Writes all answers once they are whole.</summary>
    public async Task Whole(HttpContext context, IAsyncEnumerable<AnswerPiece> pieces, int count, AnsweredRequest answered)
    {
        var answers = Enumerable.Range(0, count).Select(_ => (Text: new StringBuilder(), Thought: new StringBuilder(),
            Tokens: new List<DecodedToken>())).ToArray();
        var finish = new string?[count];
        await foreach (var piece in pieces)
        {
            answers[piece.Index].Text.Append(piece.Text);
            answers[piece.Index].Thought.Append(piece.Thought);
            if (withLogprobs && piece.Token is not null) answers[piece.Index].Tokens.Add(piece.Token);
            finish[piece.Index] = piece.Finish;
        }
        var choices = answers.Select((answer, index) => new ChatChoice(index, Logprobs(answer.Tokens), finish[index])
        {
            Message = new ChatMessage(Assistant, answer.Text.ToString(), Refusal: null)
            { ReasoningContent = answer.Thought.Length > 0 ? answer.Thought.ToString() : null },
        });
        await context.Response.WriteAsJsonAsync(
            new ChatResponse(id, "chat.completion", created, model.Name, [.. choices]) { Usage = answered.Usage },
            ApiJson.Written.ChatResponse, cancellationToken: context.RequestAborted);
    }

    /// <summary>Writes pieces as they come.</summary>
    public async Task Stream(HttpContext context, IAsyncEnumerable<AnswerPiece> pieces, int count, AnsweredRequest? withUsage)
    {
        var stream = new EventStream(context);
        bool begun = false;
        await foreach (var piece in pieces)
        {
            if (!begun)
            {
                begun = true;
                for (int index = 0; index < count; index++)
                    await Send(new ChatChoice(index, null, null) { Delta = new ChatDelta { Role = Assistant, Content = "" } });
            }
            var logprobs = piece.Token is null ? null : Logprobs([piece.Token]);
            if (piece.Text.Length > 0 || piece.Thought.Length > 0 || logprobs is not null)
            {
                await Send(new ChatChoice(piece.Index, logprobs, null)
                {
                    Delta = new ChatDelta
                    {
                        Content = piece.Text.Length > 0 || piece.Thought.Length == 0 ? piece.Text : null,
                        ReasoningContent = piece.Thought.Length > 0 ? piece.Thought : null,
                    },
                });
            }
            if (piece.Finish is not null) await Send(new ChatChoice(piece.Index, null, piece.Finish) { Delta = new ChatDelta() });
        }
        if (withUsage is not null) await stream.Send(Chunk([]) with { Usage = withUsage.Usage }, ApiJson.Written.ChatResponse);
        await stream.End();

        Task Send(ChatChoice choice) => stream.Send(Chunk([choice]), ApiJson.Written.ChatResponse);
    }

    private ChatResponse Chunk(IReadOnlyList<ChatChoice> choices) => new(id, "chat.completion.chunk", created, model.Name, choices);

    private ChatLogprobs? Logprobs(IReadOnlyList<DecodedToken> tokens) =>
        withLogprobs ? new ChatLogprobs([.. tokens.Select(Logprob)], Refusal: null) : null;

    private ChatLogprob Logprob(DecodedToken token) => Logprob(token.Token, token.Chance!.LogProbability) with
    {
        TopLogprobs = [.. token.Chance.Likeliest.Select(candidate => Logprob(candidate.Token, candidate.LogProbability))],
    };

    private ChatLogprob Logprob(int token, double logprob)
    {
        string text = model.Texts.Of(token);
        return new ChatLogprob(text, logprob, TokenTexts.Bytes(text));
    }
}
