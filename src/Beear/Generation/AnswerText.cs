using Beear.Text;

namespace Beear.Generation;

/// <summary>
/// The text of an answer that arrives token by token: thoughts apart, and ended before a stop sequence. For one answer and one thread.
/// </summary>
internal sealed class AnswerText
{
    private readonly Func<int, AnswerParts> append;
    private readonly Func<AnswerParts> flush;
    private readonly StopSequences stops;

    private AnswerText(Func<int, AnswerParts> append, Func<AnswerParts> flush, IEnumerable<string> stops) =>
        (this.append, this.flush, this.stops) = (append, flush, new StopSequences(stops));

    /// <summary>The answer to a conversation.</summary>
    /// <param name="chat">Decodes tokens and knows the marks of thoughts.</param>
    /// <param name="prompt">What is answered: it may open a thought.</param>
    /// <param name="stops">Texts before which the answer ends; a thought is not searched for them.</param>
    public static AnswerText Of(ChatFormat chat, int[] prompt, IEnumerable<string> stops)
    {
        var reading = chat.StartReading(chat.OpensThought(prompt));
        return new AnswerText(reading.Append, reading.Flush, stops);
    }

    /// <summary>The continuation of a text, in which nothing is a thought.</summary>
    /// <param name="tokenizer">Decodes tokens.</param>
    /// <param name="stops">Texts before which it ends.</param>
    public static AnswerText Raw(Tokenizer tokenizer, IEnumerable<string> stops)
    {
        var decoding = tokenizer.StartDecoding();
        return new AnswerText(token => Said(decoding.Append(token)), () => Said(decoding.Flush()), stops);

        static AnswerParts Said(string text) => new(text, "", IsThoughtOpen: false);
    }

    /// <summary>Whether a stop sequence was found: nothing more is wanted.</summary>
    public bool Stopped => stops.Found;

    /// <summary>Takes the next token and returns the text that is certain now.</summary>
    public AnswerParts Append(int token) => Cut(append(token));

    /// <summary>The same for a token of the prompt, in which nothing is searched for.</summary>
    public AnswerParts Repeat(int token) => append(token);

    /// <summary>Ends the answer and returns what was held back.</summary>
    public AnswerParts End()
    {
        var last = Cut(flush());
        return last with { Answer = last.Answer + stops.Flush() };
    }

    private AnswerParts Cut(AnswerParts parts) => parts with { Answer = stops.Append(parts.Answer) };
}
