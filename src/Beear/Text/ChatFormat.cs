namespace Beear.Text;

/// <summary>Tokenizer and chat template together: the only way in which conversations become token ids.</summary>
public sealed class ChatFormat
{
    private static readonly ChatMessage Question = ChatMessage.User("Hello");

    private readonly ChatTemplateSet templates;
    private readonly IReadOnlyDictionary<string, object?> variables;

    /// <summary>The question as a prompt; null if the template does not show an answer as the continuation of its prompt.</summary>
    private readonly string? prompt;

    /// <summary>Puts the parts together.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template.</param>
    /// <param name="variables">Its variables, such as <c>bos_token</c>.</param>
    /// <param name="endOfTurn">Ids that end the assistant's turn; not empty.</param>
    public ChatFormat(Tokenizer tokenizer, ChatTemplate template, IReadOnlyDictionary<string, object?> variables, IReadOnlySet<int> endOfTurn)
        : this(tokenizer, new ChatTemplateSet(template), variables, endOfTurn) { }

    /// <summary>Puts the parts together.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="templates">The chat templates.</param>
    /// <param name="variables">Their variables, such as <c>bos_token</c>.</param>
    /// <param name="endOfTurn">Ids that end the assistant's turn; not empty.</param>
    public ChatFormat(Tokenizer tokenizer, ChatTemplateSet templates, IReadOnlyDictionary<string, object?> variables, IReadOnlySet<int> endOfTurn)
    {
        if (endOfTurn.Count == 0) throw new ArgumentException("At least one token must end a turn.", nameof(endOfTurn));
        (Tokenizer, this.templates, this.variables, EndOfTurn) = (tokenizer, templates, variables, endOfTurn);
        (prompt, EndOfTurnToken) = FindAnswerPlace();
    }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Ids that end the assistant's turn.</summary>
    public IReadOnlySet<int> EndOfTurn { get; }

    /// <summary>The id with which the template itself ends an assistant's turn.</summary>
    public int EndOfTurnToken { get; }

    /// <summary>The chat templates.</summary>
    public ChatTemplateSet Templates => templates;

    /// <summary>A conversation as the model's template lays it out, with the parts that the assistant writes if the template marks them.</summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="options">Tools, documents and variables; null for a prompt without any.</param>
    /// <exception cref="BeearException">The template refuses the conversation, or there is none of the name that is asked for.</exception>
    public RenderedChat Render(IReadOnlyList<ChatMessage> messages, ChatOptions? options = null)
    {
        options ??= new ChatOptions();
        var all = new Dictionary<string, object?>(variables, StringComparer.Ordinal);
        foreach (var (name, value) in options.Variables) all[name] = value;
        return templates.Choose(options.Template, options.Tools is not null).Render(messages, options with { Variables = all });
    }

    /// <summary>The ids of a conversation up to where the assistant's answer begins, unless the options say otherwise.</summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="options">Tools, documents and variables; null for a prompt without any.</param>
    /// <exception cref="BeearException">The template refuses the conversation.</exception>
    public int[] EncodePrompt(IReadOnlyList<ChatMessage> messages, ChatOptions? options = null) => Tokenizer.Encode(Render(messages, options).Text);

    /// <summary>How many of a one-turn prompt's ids the template puts before and after the user's text.</summary>
    public (int Head, int Tail) TemplateLengths()
    {
        int[] one = EncodePrompt([ChatMessage.User("Hello.")]), other = EncodePrompt([ChatMessage.User("7 trees?")]);
        int head = one.AsSpan().CommonPrefixLength(other);
        int tail = 0;
        while (tail < Math.Min(one.Length, other.Length) - head && one[^(tail + 1)] == other[^(tail + 1)]) tail++;
        return (head, tail);
    }

    /// <summary>The ids of an answer as the template writes it after the prompt (some put a space before it), and of the token that ends it.</summary>
    /// <param name="answer">The answer's text; if it holds a token that ends a turn, it ends there.</param>
    /// <param name="maxTokens">A longer answer is cut, and then has no end.</param>
    /// <exception cref="BeearException">The template refuses the answer.</exception>
    public int[] EncodeAnswer(string answer, int maxTokens = int.MaxValue)
    {
        var written = Tokenizer.Encode(prompt is null ? answer : Answered(answer)[prompt.Length..]);
        int length = Array.FindIndex(written, EndOfTurn.Contains);
        int[] ids = [.. length < 0 ? written : written[..length], EndOfTurnToken];
        return ids.Length > maxTokens ? ids[..maxTokens] : ids;
    }

    /// <summary>An answer's text, up to the first id that ends the turn.</summary>
    public string DecodeAnswer(ReadOnlySpan<int> ids)
    {
        int end = 0;
        while (end < ids.Length && !EndOfTurn.Contains(ids[end])) end++;
        return Tokenizer.Decode(ids[..end], skipSpecialTokens: true);
    }

    private string Answered(string answer) => Render([Question, ChatMessage.Assistant(answer)], new ChatOptions { AddGenerationPrompt = false }).Text;

    /// <summary>Lets the template write an answer, to see where it begins and which token ends it.</summary>
    private (string? Prompt, int EndOfTurnToken) FindAnswerPlace()
    {
        try
        {
            const string Answer = "Hi";
            string question = Render([Question]).Text;
            string whole = Answered(Answer);
            if (whole.StartsWith(question, StringComparison.Ordinal) && whole.IndexOf(Answer, question.Length, StringComparison.Ordinal) is var start and >= 0)
            {
                var ends = Tokenizer.Encode(whole[(start + Answer.Length)..]).Where(EndOfTurn.Contains).Take(1).ToList();
                if (ends.Count == 1) return (question, ends[0]);
            }
        }
        catch (BeearException)
        {
            // A template that refuses this conversation says so again when it is used, with a message about the user's own.
        }
        return (null, EndOfTurn.Min());
    }
}
