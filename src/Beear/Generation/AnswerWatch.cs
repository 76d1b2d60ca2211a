using System.Text;
using Beear.Data;
using Beear.Text;

namespace Beear.Generation;

/// <summary>
/// Follows answers token by token and says when no further token can change what is counted for them: whether they are refusals by
/// <see cref="Refusals.IsRefusal"/> and whether they are exactly a known text.
/// </summary>
/// <remarks>
/// Only text that later tokens leave as it is counts, so that a keyword, once found, stays in the answer. That an answer is no refusal is known at
/// its end alone: a keyword counts anywhere.
/// </remarks>
/// <param name="chat">Decodes tokens.</param>
/// <param name="known">For each answer the text that it is compared with; empty where it is only asked whether it is a refusal.</param>
internal sealed class AnswerWatch(ChatFormat chat, IReadOnlyList<string> known)
{
    private readonly (StreamingDecoder Decoder, StringBuilder Text)[] answers =
        [.. known.Select(_ => (chat.Tokenizer.StartDecoding(skipSpecialTokens: true), new StringBuilder()))];

    /// <summary>Takes the next token of an answer.</summary>
    /// <returns>Whether all is decided.</returns>
    public bool Take(int answer, int token)
    {
        var (decoder, text) = answers[answer];
        string soFar = text.Append(decoder.Append(token)).ToString(), wanted = known[answer].Trim();
        return Refusals.IsRefusal(soFar) && (wanted.Length == 0 || !wanted.StartsWith(soFar.Trim(), StringComparison.Ordinal));
    }
}
