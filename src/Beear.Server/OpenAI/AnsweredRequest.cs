using System.Diagnostics;
using Beear.Generation;
using Beear.Server.OpenAI.Contracts;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>A request while it is answered: whoever ends it, however it ends, what it had is let go and it is counted.</summary>
/// <param name="serving">Measures.</param>
/// <param name="context">The request.</param>
internal sealed class AnsweredRequest(Serving serving, HttpContext context) : IDisposable
{
    private readonly long started = Stopwatch.GetTimestamp();
    private IReadOnlyList<Decoding> decodings = [];
    private int promptTokens;
    private AnswerPieces? pieces;

    /// <summary>The model that it asks for, once that is known.</summary>
    public ServedModel? Model { get; set; }

    /// <summary>How it ended, in a word.</summary>
    public string Outcome { get; set; } = "failed";

    /// <summary>Tokens so far.</summary>
    public Usage Usage => new(promptTokens, pieces?.OutputTokens ?? 0, promptTokens + (pieces?.OutputTokens ?? 0));

    /// <summary>Takes what is decoded for it.</summary>
    public void Take(IReadOnlyList<Decoding> taken, int tokens) => (decodings, promptTokens) = (taken, tokens);

    /// <summary>The pieces of its answers.</summary>
    public IAsyncEnumerable<AnswerPiece> Pieces(IEnumerable<(Decoding Decoding, AnswerText Text)> answers)
    {
        pieces = new AnswerPieces(serving, Model!, started);
        return pieces.Of([.. answers], context.RequestAborted);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var decoding in decodings) decoding.Dispose();
        serving.Metrics.Ended(Model?.Name, Outcome);
        if (Model is not null) serving.Metrics.Count(Model.Name, promptTokens, pieces?.OutputTokens ?? 0);
    }
}
