namespace Beear.Text;

/// <summary>
/// Reads an answer that arrives token by token, thoughts apart from what is said to the user. For one answer and one thread.
/// </summary>
public sealed class AnswerReader
{
    private readonly ThoughtMarks? marks;
    private readonly StreamingDecoder decoder;
    private readonly Dictionary<int, string> specialMarks;
    private string held = "";
    private bool isBehindThought;

    internal AnswerReader(Tokenizer tokenizer, ThoughtMarks? marks, bool inThought)
    {
        (this.marks, IsInThought) = (marks, marks is not null && inThought);
        decoder = tokenizer.StartDecoding(skipSpecialTokens: true);
        specialMarks = SpecialMarks(tokenizer, marks);
    }

    /// <summary>Whether what has been read so far ends within a thought.</summary>
    public bool IsInThought { get; private set; }

    /// <summary>Takes the next token and returns the text that is certain now; of both parts often none.</summary>
    public AnswerParts Append(int id) => Take(specialMarks.GetValueOrDefault(id) ?? decoder.Append(id), isEnd: false);

    /// <summary>Ends the answer and returns what was held back.</summary>
    public AnswerParts Flush() => Take(decoder.Flush(), isEnd: true);

    /// <summary>The marks that are special tokens, which decoding would leave out.</summary>
    internal static Dictionary<int, string> SpecialMarks(Tokenizer tokenizer, ThoughtMarks? marks) =>
        (marks is null ? [] : new[] { marks.Open, marks.Close }).Select(mark => (Id: tokenizer.IdOf(mark), Mark: mark))
            .Where(mark => mark.Id is { } id && tokenizer.IsSpecial(id)).ToDictionary(mark => mark.Id!.Value, mark => mark.Mark);

    private AnswerParts Take(string text, bool isEnd)
    {
        if (marks is null) return new AnswerParts(text, "", IsThoughtOpen: false);
        var (answer, thought) = ("", "");
        held += text;
        while (true)
        {
            string mark = IsInThought ? marks.Close : marks.Open;
            int found = held.IndexOf(mark, StringComparison.Ordinal);
            int certain = found >= 0 ? found : isEnd ? held.Length : held.Length - Begun(held, mark);
            if (IsInThought) thought += held[..certain];
            else answer += Said(held[..certain]);
            held = held[(found < 0 ? certain : found + mark.Length)..];
            if (found < 0) return new AnswerParts(answer, thought, IsInThought);
            isBehindThought = IsInThought;
            IsInThought = !IsInThought;
        }
    }

    /// <summary>A text of the answer; the blanks between a thought and its first word are left out.</summary>
    private string Said(string text)
    {
        if (!isBehindThought) return text;
        text = text.TrimStart();
        isBehindThought = text.Length == 0;
        return text;
    }

    /// <summary>The length of the longest end of the text that is a beginning of the mark.</summary>
    private static int Begun(string text, string mark)
    {
        for (int length = Math.Min(mark.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(mark.AsSpan(0, length))) return length;
        }
        return 0;
    }
}
