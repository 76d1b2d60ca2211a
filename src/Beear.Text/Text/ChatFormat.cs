using System.Globalization;
using System.Text;
using Beear.Text.Files;

namespace Beear.Text;

/// <summary>Tokenizer and chat template together: the only way in which conversations become token ids.</summary>
public sealed class ChatFormat
{
    private static readonly ChatTurn Question = ChatTurn.User("Hello");

    /// <summary>Variables by which templates let a model think or not; the first that makes a difference is the model's.</summary>
    private static readonly string[] Switches = ["enable_thinking", "thinking", "reasoning"];

    private readonly ChatTemplateSet templates;
    private readonly IReadOnlyDictionary<string, object?> variables;
    private readonly IReadOnlyDictionary<string, object?> chosen;        // the variables of every conversation
    private readonly AnswerPlace place;
    private readonly MarkBreaker? breaker;  // null while the parts are put together, and where special tokens stay raw

    /// <summary>Puts the parts together.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template.</param>
    /// <param name="variables">Its variables, such as <c>bos_token</c>.</param>
    /// <param name="endOfTurn">Ids that end the assistant's turn; not empty.</param>
    public ChatFormat(Tokenizer tokenizer, ChatTemplate template, IReadOnlyDictionary<string, object?> variables,
        IReadOnlySet<int> endOfTurn) : this(tokenizer, new ChatTemplateSet(template), variables, endOfTurn) { }

    /// <summary>Puts the parts together.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="templates">The chat templates.</param>
    /// <param name="variables">Their variables, such as <c>bos_token</c>.</param>
    /// <param name="endOfTurn">Ids that are known to end the assistant's turn; not empty.</param>
    /// <param name="defaults">What every conversation has that does not say otherwise; null for nothing.</param>
    /// <exception cref="BeearException">The template leaves the defaults' system prompt out, or refuses it.</exception>
    public ChatFormat(Tokenizer tokenizer, ChatTemplateSet templates, IReadOnlyDictionary<string, object?> variables,
        IReadOnlySet<int> endOfTurn, ChatDefaults? defaults = null)
    {
        if (endOfTurn.Count == 0) throw new ArgumentException("At least one token must end a turn.", nameof(endOfTurn));
        (Tokenizer, this.templates, this.variables, Defaults) = (tokenizer, templates, variables, defaults ?? ChatDefaults.None);
        chosen = Defaults.Variables;
        Thoughts = ThoughtFinder.Find(templates.Choose(null, hasTools: false).Source, tokenizer.AddedTokens);
        ThinkingSwitch = Thoughts is null ? null : Switches.FirstOrDefault(MakesADifference);
        if (ThinkingSwitch is { } key && !chosen.ContainsKey(key))
            chosen = new Dictionary<string, object?>(chosen, StringComparer.Ordinal) { [key] = false };
        RequireSystem();
        place = FindAnswerPlace(endOfTurn);
        int preferred = variables.GetValueOrDefault("eos_token") is string eos && tokenizer.IdOf(eos) is { } id && endOfTurn.Contains(id)
            ? id : endOfTurn.First();
        EndOfTurnToken = place.End ?? preferred;
        EndOfTurn = endOfTurn.Contains(EndOfTurnToken) ? endOfTurn : endOfTurn.Append(EndOfTurnToken).ToHashSet();
        if (!Defaults.RawSpecialTokens) breaker =
            new MarkBreaker(tokenizer, templates.Choose(null, hasTools: false).Source, Thoughts, EndOfTurn);
    }

    /// <summary>Reads the files of a model's folder, its weights not among them.</summary>
    /// <param name="folder">
    /// A folder with a tokenizer (tokenizer.json, tokenizer.model, or vocab.json and merges.txt) and a chat template (chat_template.jinja,
    /// or in tokenizer_config.json); config.json and generation_config.json say what else ends a turn, and how many tokens the model was
    /// made for.
    /// </param>
    /// <param name="defaults">What every conversation has that does not say otherwise; null for nothing.</param>
    /// <exception cref="BeearException">
    /// One of them is missing, damaged, or asks for something that is not supported; or the template leaves the defaults' system prompt
    /// out.
    /// </exception>
    public static ChatFormat Load(string folder, ChatDefaults? defaults = null) => Directory.Exists(folder)
        ? ChatFormatFiles.Load(ModelFiles.In(folder, folder), defaults)
        : throw new BeearException($"There is no folder '{folder}'; name one with a model's tokenizer and chat template.");

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Ids that end the assistant's turn.</summary>
    public IReadOnlySet<int> EndOfTurn { get; }

    /// <summary>
    /// The id with which the template itself ends an assistant's turn; where it shows none, the tokenizer's <c>eos_token</c>.
    /// </summary>
    public int EndOfTurnToken { get; }

    /// <summary>A sentence that says with which token answers are taught to end.</summary>
    public string TaughtEnd => string.Create(CultureInfo.InvariantCulture,
        $"answers are taught to end with '{Tokenizer.TokenOf(EndOfTurnToken)}' (token {EndOfTurnToken})");

    /// <summary>What every conversation has that does not say otherwise.</summary>
    public ChatDefaults Defaults { get; }

    /// <summary>How many tokens the model was made for, prompt and answer together.</summary>
    public int MaximumTokens { get; internal set; } = int.MaxValue;

    /// <summary>
    /// The marks between which the model thinks before it answers; null if neither template nor tokenizer has such marks.
    /// </summary>
    public ThoughtMarks? Thoughts { get; }

    /// <summary>
    /// The template's variable that lets the model think or not, such as <c>enable_thinking</c>; null if there is none. Unless the defaults
    /// set it, it is false.
    /// </summary>
    public string? ThinkingSwitch { get; }

    /// <summary>
    /// Whether prompts leave the model room for a thought: it has marks, and the prompt does not end behind a thought that is closed.
    /// </summary>
    public bool MayThink => Thoughts is { } marks && !LaidOut([Question]).TrimEnd().EndsWith(marks.Close, StringComparison.Ordinal);

    /// <summary>The chat templates.</summary>
    public ChatTemplateSet Templates => templates;

    /// <summary>
    /// A conversation as the model's template lays it out, with the parts that the assistant writes if the template marks them.
    /// </summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="options">Tools, documents and variables; null for a prompt without any.</param>
    /// <exception cref="BeearException">The template refuses the conversation, or there is none of the name that is asked for.</exception>
    public RenderedChat Render(IReadOnlyList<ChatTurn> messages, TemplateOptions? options = null)
    {
        options ??= new TemplateOptions();
        var all = new Dictionary<string, object?>(variables, StringComparer.Ordinal);
        foreach (var (name, value) in options.Variables) all[name] = value;
        return templates.Choose(options.Template, options.Tools is not null).Render(messages, options with { Variables = all });
    }

    /// <summary>
    /// The ids of a conversation up to where the model takes over, with its thought if it thinks, unless the options say otherwise.
    /// </summary>
    /// <param name="messages">The turns, oldest first; without a system prompt they get that of <see cref="Defaults"/>.</param>
    /// <param name="options">Tools, documents and variables; null for a prompt with those of <see cref="Defaults"/> alone.</param>
    /// <exception cref="BeearException">The template refuses the conversation, or it leaves no room for an answer.</exception>
    public int[] EncodePrompt(IReadOnlyList<ChatTurn> messages, TemplateOptions? options = null) =>
        WithRoom(messages, () => EncodeAnyPrompt(messages, options));

    /// <summary>The same for who looks at the length himself.</summary>
    internal int[] EncodeAnyPrompt(IReadOnlyList<ChatTurn> messages, TemplateOptions? options = null) => Encode(LaidOut(messages, options));

    /// <summary>
    /// The ids of a conversation up to where an answer begins: of a model that thinks, behind an empty thought that is closed as its
    /// template writes finished turns. Training and what is measured with known answers look at these.
    /// </summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <exception cref="BeearException">The template refuses the conversation, or it leaves no room for an answer.</exception>
    public int[] EncodeContext(IReadOnlyList<ChatTurn> messages) =>
        WithRoom(messages, () => Encode(LaidOut(messages) + place.ClosedThought));

    /// <summary>A prompt's ids, which leave room for an answer. What is wrong with it is said with the row that it was read from.</summary>
    /// <param name="messages">Its turns.</param>
    /// <param name="encode">Makes its ids.</param>
    /// <exception cref="BeearException">It cannot be made, or is as long as the model allows, or longer.</exception>
    private int[] WithRoom(IReadOnlyList<ChatTurn> messages, Func<int[]> encode)
    {
        var last = messages.Count == 0 ? null : messages[^1];
        int[] ids;
        try
        {
            ids = encode();
        }
        catch (BeearException failure) when (last?.Origin is not null)
        {
            throw new BeearException($"{last.Origin}: {failure.Message}", failure);
        }
        if (ids.Length < MaximumTokens) return ids;
        string text = last?.Content ?? "", beginning = text.Length <= 40 ? text : $"{text[..40]}…";
        string what = last?.Origin is null ? $"The prompt '{beginning}'" : $"{last.Origin}: its prompt";
        throw new BeearException(string.Create(CultureInfo.InvariantCulture,
            $"{what} has {ids.Length:N0} tokens, and the model was made for {MaximumTokens:N0}, its answer included; shorten it, "
                + $"or leave its row out."));
    }

    /// <summary>How many of a one-turn context's ids the template puts before and after the user's text.</summary>
    public (int Head, int Tail) TemplateLengths()
    {
        int[] one = EncodeContext([ChatTurn.User("Hello.")]), other = EncodeContext([ChatTurn.User("7 trees?")]);
        int head = one.AsSpan().CommonPrefixLength(other);
        int tail = 0;
        while (tail < Math.Min(one.Length, other.Length) - head && one[^(tail + 1)] == other[^(tail + 1)]) tail++;
        return (head, tail);
    }

    /// <summary>
    /// The ids of an answer as the template writes it behind <see cref="EncodeContext"/> (some put a space before it), and of the token
    /// that ends it.
    /// </summary>
    /// <param name="answer">The answer's text; if it holds a token that ends a turn, it ends there. Thoughts in it are left out.</param>
    /// <param name="maxTokens">A longer answer is cut, and then has no end.</param>
    /// <exception cref="BeearException">The template refuses the answer.</exception>
    public int[] EncodeAnswer(string answer, int maxTokens = int.MaxValue)
    {
        answer = Thoughts?.Split(answer).Answer ?? answer;
        int[] written = Written(breaker?.BeforeEnd(answer) ?? answer);
        int length = Array.FindIndex(written, EndOfTurn.Contains);
        int[] ids = [.. length < 0 ? written : written[..length], EndOfTurnToken];
        return ids.Length > maxTokens ? ids[..maxTokens] : ids;
    }

    /// <summary>The ids of a text by itself, in which special tokens are text unless the defaults say otherwise.</summary>
    internal int[] EncodeText(string text) => Encode(breaker?.In(text) ?? text);

    /// <summary>
    /// The ids of a thought as the model writes it behind a prompt: opened, if the prompt does not, and closed, up to where the answer
    /// begins.
    /// </summary>
    internal int[] EncodeThought(int[] prompt, string thought)
    {
        var marks = Thoughts ?? throw new InvalidOperationException("The model does not think.");
        int close = place.ClosedThought.LastIndexOf(marks.Close, StringComparison.Ordinal);
        string behind = close < 0 ? "\n\n" : place.ClosedThought[(close + marks.Close.Length)..];
        return Tokenizer.Encode($"{(OpensThought(prompt) ? "" : marks.Open)}{thought}{marks.Close}{behind}");
    }

    /// <summary>Whether a prompt ends within a thought, so that what the model writes begins in it.</summary>
    public bool OpensThought(ReadOnlySpan<int> prompt) =>
        Thoughts is { } marks && marks.IsOpenedBy(Tokenizer.Decode(prompt[^Math.Min(prompt.Length, 32)..]));

    /// <summary>What the model wrote, thoughts apart, up to the first id that ends the turn.</summary>
    /// <param name="ids">What it wrote.</param>
    /// <param name="inThought">Whether it began within a thought, see <see cref="OpensThought"/>.</param>
    public AnswerParts ReadAnswer(ReadOnlySpan<int> ids, bool inThought = false)
    {
        int end = 0;
        while (end < ids.Length && !EndOfTurn.Contains(ids[end])) end++;
        ids = ids[..end];
        if (Thoughts is null) return new AnswerParts(Tokenizer.Decode(ids, skipSpecialTokens: true), "", IsThoughtOpen: false);
        var special = AnswerReader.SpecialMarks(Tokenizer, Thoughts);
        var text = new StringBuilder();
        int first = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            if (special.GetValueOrDefault(ids[i]) is not { } mark) continue;
            text.Append(Tokenizer.Decode(ids[first..i], skipSpecialTokens: true)).Append(mark);
            first = i + 1;
        }
        return Thoughts.Split(text.Append(Tokenizer.Decode(ids[first..], skipSpecialTokens: true)).ToString(), inThought);
    }

    /// <summary>Whether what the model wrote is an answer alone.</summary>
    internal bool IsAnswer(ReadOnlySpan<int> ids) => Thoughts is null || ReadAnswer(ids) is { Thought: "", IsThoughtOpen: false };

    /// <summary>An answer's text without thoughts, up to the first id that ends the turn.</summary>
    public string DecodeAnswer(ReadOnlySpan<int> ids, bool inThought = false) => ReadAnswer(ids, inThought).Answer;

    /// <summary>Starts to read an answer that arrives token by token.</summary>
    /// <param name="inThought">Whether it begins within a thought, see <see cref="OpensThought"/>.</param>
    public AnswerReader StartReading(bool inThought = false) => new(Tokenizer, Thoughts, inThought);

    private int[] Encode(string laidOut) => breaker?.Encode(laidOut) ?? Tokenizer.Encode(laidOut);

    /// <summary>The text of a conversation with the defaults; marks in its turns are broken up.</summary>
    private string LaidOut(IReadOnlyList<ChatTurn> messages, TemplateOptions? options = null)
    {
        options ??= new TemplateOptions();
        if (chosen.Count > 0)
        {
            var all = new Dictionary<string, object?>(chosen, StringComparer.Ordinal);
            foreach (var (name, value) in options.Variables) all[name] = value;
            options = options with { Variables = all };
        }
        if (breaker is not null) messages = [.. messages.Select(breaker.In)];
        bool hasSystem = Defaults.System is null || messages is [{ Role: "system" or "developer" }, ..];
        return Render(hasSystem ? messages : [ChatTurn.System(Defaults.System!), .. messages], options).Text;
    }

    private string Finished(string answer) =>
        LaidOut([Question, ChatTurn.Assistant(answer)], new TemplateOptions { AddGenerationPrompt = false });

    /// <summary>
    /// The ids of an answer, and of what the template puts around it, as they stand in a finished conversation: Llama 2's tokenizer and
    /// others put a space before a text by itself.
    /// </summary>
    private int[] Written(string answer)
    {
        if (place.Head is not { } head) return EncodeText(answer);
        string finished = Finished(answer);
        if (!finished.StartsWith(head, StringComparison.Ordinal)) return EncodeText(answer);
        int[] before = Encode(head), whole = Encode(finished);
        return whole.AsSpan().StartsWith(before) ? whole[before.Length..] : Encode(finished[head.Length..]);
    }

    private bool MakesADifference(string variable)
    {
        if (chosen.ContainsKey(variable)) return true;
        var without = new TemplateOptions { Variables = new Dictionary<string, object?>(StringComparer.Ordinal) { [variable] = false } };
        return Try(() => LaidOut([Question], without) != LaidOut([Question])) ?? false;
    }

    private void RequireSystem()
    {
        if (Defaults.System is not { } system) return;
        if (!LaidOut([Question]).Contains(system.Trim(), StringComparison.Ordinal))
            throw new BeearException("The model's chat template leaves the system prompt out; leave it away, or put its text "
                + "before each request.");
    }

    /// <summary>
    /// Lets the template write an answer. One that refuses that conversation says so again when it is used, with a message about the user's
    /// own.
    /// </summary>
    private AnswerPlace FindAnswerPlace(IReadOnlySet<int> endOfTurn)
    {
        try
        {
            var found = AnswerPlace.Find(Finished, LaidOut([Question]), Tokenizer, Thoughts, endOfTurn);
            return found.ClosedThought.Length == 0 && MayThink && ThinkingSwitch is not null
                ? found with { ClosedThought = ThoughtOfNoThinking() } : found;
        }
        catch (BeearException)
        {
            return new AnswerPlace(null, "", null);
        }
    }

    /// <summary>The closed thought that the template puts into the prompt of a model that is not to think; empty if it puts none.</summary>
    private string ThoughtOfNoThinking()
    {
        string prompt = LaidOut([Question],
            new TemplateOptions { Variables = new Dictionary<string, object?>(StringComparer.Ordinal) { [ThinkingSwitch!] = false } });
        return prompt.TrimEnd().EndsWith(Thoughts!.Close, StringComparison.Ordinal)
            && prompt.LastIndexOf(Thoughts.Open, StringComparison.Ordinal) is var at and >= 0 ? prompt[at..] : "";
    }

    private static bool? Try(Func<bool> ask)
    {
        try
        {
            return ask();
        }
        catch (BeearException)
        {
            return null;
        }
    }
}
