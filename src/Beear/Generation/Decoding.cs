using System.Threading.Channels;
using Beear.Models;

namespace Beear.Generation;

/// <summary>
/// A request on its way through a <see cref="ContinuousBatch"/>: what its reader sees, and what the batch knows of it. Disposing it takes
/// it out before the next token.
/// </summary>
internal sealed class Decoding : IDisposable
{
    private readonly Channel<DecodedToken> channel =
        Channel.CreateUnbounded<DecodedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly List<int> tokens;                                   // prompt and answer
    private TokenSampler? sampler;
    private volatile bool isLeft;

    public Decoding(DecodingRequest request) => (Request, tokens) = (request, [.. request.Prompt]);

    /// <summary>What was asked for.</summary>
    public DecodingRequest Request { get; }

    /// <summary>The tokens, as they are decoded; at their end the reader sees what went wrong, if anything did.</summary>
    public ChannelReader<DecodedToken> Tokens => channel.Reader;

    /// <summary>Whether the model ended its answer, once all tokens are read; it was cut at its longest length if not.</summary>
    public bool Ended { get; private set; }

    /// <summary>Whether nobody waits for it any more.</summary>
    public bool IsLeft => isLeft;

    /// <inheritdoc/>
    public void Dispose() => isLeft = true;

    /// <summary>Earlier tokens' keys and values; null while it waits.</summary>
    internal GrowingCache? Past { get; private set; }

    /// <summary>Tokens so far.</summary>
    internal int Length => tokens.Count;

    /// <summary>Tokens that no pass has seen yet: one while it is decoded.</summary>
    internal int Unseen => tokens.Count - (int)(Past?.Length ?? 0);

    /// <summary>Whether no more tokens can come.</summary>
    internal bool IsFinished { get; private set; }

    /// <summary>How many of its prompt's tokens were handed out.</summary>
    internal int Echoed { get; set; }

    /// <summary>How it chooses tokens.</summary>
    internal TokenSampler Sampler => sampler ??= new TokenSampler(Request.Options);

    /// <summary>Prompt and answer so far.</summary>
    internal IReadOnlyList<int> All => tokens;

    /// <summary>Gives it a place in the batch.</summary>
    internal void Enter(int layers) => Past = new GrowingCache(layers);

    /// <summary>Its next tokens for a pass.</summary>
    internal SequencePart Next(int most)
    {
        int seen = (int)Past!.Length;
        return new SequencePart(Past, [.. tokens[seen..Math.Min(tokens.Count, seen + most)]], tokens.Count);
    }

    /// <summary>Hands a token out.</summary>
    internal void Write(DecodedToken token) => channel.Writer.TryWrite(token);

    /// <summary>Takes the token that was chosen, and hands it out unless it ends the answer.</summary>
    internal void Take(DecodedToken next, IReadOnlySet<int> endOfTurn)
    {
        if (endOfTurn.Contains(next.Token))
        {
            Ended = true;
            Finish();
            return;
        }
        tokens.Add(next.Token);
        Write(next);
        if (tokens.Count - Request.Prompt.Length == Request.Options.MaxNewTokens) Finish();
    }

    /// <summary>Ends it, perhaps by a failure.</summary>
    internal void Finish(Exception? failure = null)
    {
        IsFinished = true;
        Forget();
        sampler?.Dispose();
        channel.Writer.TryComplete(failure);
    }

    /// <summary>Frees its keys and values; it can go on when they are made anew.</summary>
    internal void Forget()
    {
        Past?.Dispose();
        Past = null;
    }
}
