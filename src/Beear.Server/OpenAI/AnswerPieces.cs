using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Beear.Generation;

namespace Beear.Server.OpenAI;

/// <summary>A piece of one of a request's answers.</summary>
/// <param name="Index">Which answer.</param>
/// <param name="Text">What is new of its text; often empty.</param>
/// <param name="Thought">What is new of its thought.</param>
/// <param name="Token">The token that was decoded; null in the last piece.</param>
/// <param name="Finish">Why it ended, in the last piece: "stop" or "length".</param>
internal sealed record AnswerPiece(int Index, string Text, string Thought, DecodedToken? Token, string? Finish);

/// <summary>A request's answers on their way: what is decoded becomes text.</summary>
/// <param name="serving">Measures.</param>
/// <param name="model">The model that answers.</param>
/// <param name="started">When the request came.</param>
internal sealed class AnswerPieces(Serving serving, ServedModel model, long started)
{
    private int output, hasBegun;

    /// <summary>Tokens that were decoded so far.</summary>
    public int OutputTokens => Volatile.Read(ref output);

    /// <summary>The pieces of all answers, in the order in which they come.</summary>
    public IAsyncEnumerable<AnswerPiece> Of(IReadOnlyList<(Decoding Decoding, AnswerText Text)> answers, CancellationToken cancellation)
    {
        var streams = answers.Select((answer, index) => Of(answer.Decoding, answer.Text, index, cancellation)).ToList();
        return streams is [var only] ? only : Merged(streams, cancellation);
    }

    private async IAsyncEnumerable<AnswerPiece> Of(Decoding decoding, AnswerText text, int index,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (echoed, tokens, first, last) = (decoding.Request.Echo ? decoding.Request.Prompt.Length : 0, 0, 0L, 0L);
        await foreach (var token in decoding.Tokens.ReadAllAsync(cancellation))
        {
            if (echoed > 0)
            {
                echoed--;
                yield return new AnswerPiece(index, text.Repeat(token.Token).Answer, "", token, Finish: null);
                continue;
            }
            last = Stopwatch.GetTimestamp();
            if (tokens++ == 0) first = last;
            if (Interlocked.Exchange(ref hasBegun, 1) == 0) serving.Metrics.FirstToken(model.Name, Stopwatch.GetElapsedTime(started));
            Interlocked.Increment(ref output);
            var parts = text.Append(token.Token);
            yield return new AnswerPiece(index, parts.Answer, parts.Thought, token, Finish: null);
            if (text.Stopped) break;
        }
        if (tokens > 1) serving.Metrics.FurtherTokens(model.Name, Stopwatch.GetElapsedTime(first, last) / (tokens - 1));
        model.Took(Stopwatch.GetElapsedTime(started));
        var rest = text.End();
        yield return new AnswerPiece(index, rest.Answer, rest.Thought, Token: null, text.Stopped || decoding.Ended ? "stop" : "length");
    }

    private static IAsyncEnumerable<AnswerPiece> Merged(List<IAsyncEnumerable<AnswerPiece>> streams, CancellationToken cancellation)
    {
        var channel = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true });
        int open = streams.Count;
        foreach (var stream in streams) _ = Task.Run(() => Pump(stream), CancellationToken.None);
        return channel.Reader.ReadAllAsync(cancellation);

        async Task Pump(IAsyncEnumerable<AnswerPiece> stream)
        {
            try
            {
                await foreach (var piece in stream) channel.Writer.TryWrite(piece);
                if (Interlocked.Decrement(ref open) == 0) channel.Writer.TryComplete();
            }
            catch (Exception failure)
            {
                channel.Writer.TryComplete(failure);
            }
        }
    }
}
