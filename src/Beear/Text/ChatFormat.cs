namespace Beear.Text;

/// <summary>Tokenizer and chat template together: the only way in which conversations become token ids.</summary>
public sealed class ChatFormat
{
    private const string Probe = "beear";
    private readonly ChatTemplate template;
    private readonly IReadOnlyDictionary<string, object?> variables;

    /// <summary>Puts the parts together.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template.</param>
    /// <param name="variables">Its variables, such as <c>bos_token</c>.</param>
    /// <param name="endOfTurn">Ids that end the assistant's turn; not empty.</param>
    public ChatFormat(Tokenizer tokenizer, ChatTemplate template, IReadOnlyDictionary<string, object?> variables, IReadOnlySet<int> endOfTurn)
    {
        if (endOfTurn.Count == 0) throw new ArgumentException("At least one token must end a turn.", nameof(endOfTurn));
        (Tokenizer, this.template, this.variables, EndOfTurn) = (tokenizer, template, variables, endOfTurn);
        EndOfTurnToken = FindEndOfTurn();
    }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Ids that end the assistant's turn.</summary>
    public IReadOnlySet<int> EndOfTurn { get; }

    /// <summary>The id with which the template itself ends an assistant's turn.</summary>
    public int EndOfTurnToken { get; }

    /// <summary>The ids of a conversation up to where the assistant's answer begins.</summary>
    /// <exception cref="BeearException">The template refuses the conversation.</exception>
    public int[] EncodePrompt(IReadOnlyList<ChatMessage> messages) => Tokenizer.Encode(template.Render(messages, addGenerationPrompt: true, variables));

    /// <summary>The ids of an answer and of the token that ends it.</summary>
    /// <param name="answer">The answer's text.</param>
    /// <param name="maxTokens">A longer answer is cut, and then has no end.</param>
    public int[] EncodeAnswer(string answer, int maxTokens = int.MaxValue)
    {
        int[] ids = [.. Tokenizer.Encode(answer), EndOfTurnToken];
        return ids.Length > maxTokens ? ids[..maxTokens] : ids;
    }

    /// <summary>An answer's text, up to the first id that ends the turn.</summary>
    public string DecodeAnswer(ReadOnlySpan<int> ids)
    {
        int end = 0;
        while (end < ids.Length && !EndOfTurn.Contains(ids[end])) end++;
        return Tokenizer.Decode(ids[..end], skipSpecialTokens: true);
    }

    private int FindEndOfTurn()
    {
        if (EndOfTurn.Count == 1) return EndOfTurn.First();
        ChatMessage[] question = [ChatMessage.User(Probe)];
        int answerStart = EncodePrompt(question).Length;
        var whole = Tokenizer.Encode(template.Render([.. question, ChatMessage.Assistant(Probe)], addGenerationPrompt: false, variables));
        var ends = whole.Skip(answerStart).Where(EndOfTurn.Contains);
        return ends.Any() ? ends.First() : EndOfTurn.Min();
    }
}
