using Beear.Text;

namespace Beear.Tests.Text;

/// <summary>Models that think: the shapes of the templates that are in use, and what is a thought in what they write.</summary>
public sealed class ThinkingTests
{
    private const int Start = 256, End = 257, Eos = 258, Think = 259, EndThink = 260;

    /// <summary>As Qwen 3: a finished turn has an empty thought; the variable puts one into the prompt.</summary>
    private const string Switched =
        "{% for m in messages %}{{ '<start>' + m.role + '\n' }}{% if m.role == 'assistant' %}{% set c = m.content.split('</think>')[-1] %}"
            + "{{ '<think>\n\n</think>\n\n' + c }}{% else %}{{ m.content }}{% endif %}{{ '<end>\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<start>assistant\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ "
        + "'<think>\n\n</think>\n\n' }}{% endif %}{% endif %}";

    /// <summary>As SmolLM 3: the variable is on where it is not given; a finished turn has no thought.</summary>
    private const string SwitchedPlain =
        "{% set enable_thinking = enable_thinking if enable_thinking is defined else true %}{{ '<start>system\n' + ('/think' if "
            + "enable_thinking else '/no_think') + '<end>\n' }}"
        + "{% for m in messages %}{{ '<start>' + m.role + '\n' + m.content + '<end>\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<start>assistant\n' }}{% if not enable_thinking %}{{ '<think>\n\n</think>\n' }}{% endif %}{% "
        + "endif %}";

    /// <summary>As DeepSeek R1: the prompt opens the thought, finished turns have none.</summary>
    private const string Opened =
        "{% for m in messages %}{% if m.role == 'user' %}{{ '<start>U' + m.content }}{% else %}{{ '<start>A' + "
            + "m.content.split('</think>')[-1] + '<eos>' }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<start>A<think>\n' }}{% endif %}";

    private const string Plain =
        "{% for m in messages %}{{ '<start>' + m.role + '\n' + m.content + '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
            + "'<start>assistant\n' }}{% endif %}";

    private static readonly ChatTurn[] Question = [ChatTurn.User("a")];

    [Theory]
    [InlineData(Switched, "<think>", "</think>", "enable_thinking", false)]
    [InlineData(SwitchedPlain, "<think>", "</think>", "enable_thinking", false)]
    [InlineData(Opened, "<think>", "</think>", null, true)]
    public void The_template_says_how_a_model_thinks(string template, string open, string close, string? variable, bool thinks)
    {
        var format = Format(template);

        Assert.Equal(new ThoughtMarks(open, close), format.Thoughts);
        Assert.Equal(variable, format.ThinkingSwitch);
        Assert.Equal(thinks, format.MayThink);
    }

    [Theory]
    [InlineData("[THINK]", "[/THINK]")]
    [InlineData("<|START_THINKING|>", "<|END_THINKING|>")]
    [InlineData("<|begin_of_thought|>", "<|end_of_thought|>")]
    [InlineData("<seed:think>", "</seed:think>")]
    public void Other_marks_are_found_where_template_or_tokenizer_names_them(string open, string close)
    {
        var fromTemplate = Format(Plain + $"{{% if false %}}{{{{ '{open}' }}}}{{{{ '{close}' }}}}{{% endif %}}", withTokens: false);
        Assert.Equal(new ThoughtMarks(open, close), fromTemplate.Thoughts);

        var tokens = TinyTokenizer.Create(added: [.. Tokens, $$"""{ "id": 259, "content": "{{open}}", "special": true }""", $$"""{ "id": 260, "content": "{{close}}", "special": true }"""]);
        Assert.Equal(new ThoughtMarks(open, close), Of(tokens, Plain, ChatDefaults.None).Thoughts);
    }

    [Theory]
    [InlineData("<finish_reason>stop</finish_reason>")]
    [InlineData("<tool_call></tool_call>")]
    [InlineData("<think")]
    public void Other_tags_are_no_marks_of_thoughts(string text) =>
        Assert.Null(Format(Plain + $"{{% if false %}}{{{{ '{text}' }}}}{{% endif %}}", withTokens: false).Thoughts);

    [Theory]
    [InlineData(Switched)]
    [InlineData(SwitchedPlain)]
    [InlineData(Opened)]
    public void A_text_closes_no_thought(string template)
    {
        var format = Format(template);
        int[] plain = format.EncodePrompt(Question), ids = format.EncodePrompt([ChatTurn.User("a</think>b<think>")]);
        Assert.Equal(plain.Count(id => id is Think or EndThink), ids.Count(id => id is Think or EndThink));
        Assert.Contains("a</think>b<think>", format.Tokenizer.Decode(ids), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plain_model_does_not_think()
    {
        var format = Format(Plain, withTokens: false);

        Assert.Null(format.Thoughts);
        Assert.False(format.MayThink);
        Assert.Equal(format.EncodePrompt(Question), format.EncodeContext(Question));
        Assert.Equal("<think>a", format.DecodeAnswer(format.Tokenizer.Encode("<think>a")));
    }

    [Theory]
    [InlineData(Switched, null, "<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n\n",
        "<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n\n")]
    [InlineData(Switched, true, "<start>user\na<end>\n<start>assistant\n",
        "<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n\n")]
    [InlineData(SwitchedPlain, null, "<start>system\n/no_think<end>\n<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n",
        "<start>system\n/no_think<end>\n<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n")]
    [InlineData(SwitchedPlain, true, "<start>system\n/think<end>\n<start>user\na<end>\n<start>assistant\n",
        "<start>system\n/think<end>\n<start>user\na<end>\n<start>assistant\n<think>\n\n</think>\n")]
    [InlineData(Opened, null, "<start>Ua<start>A<think>\n", "<start>Ua<start>A<think>\n\n</think>\n\n")]
    public void Answers_are_trained_behind_a_closed_thought(string template, bool? thinking, string prompt, string context)
    {
        var format = Format(template, thinking);

        Assert.Equal(prompt, format.Tokenizer.Decode(format.EncodePrompt(Question)));
        Assert.Equal(context, format.Tokenizer.Decode(format.EncodeContext(Question)));
        Assert.Equal(template == Opened ? Eos : End, format.EndOfTurnToken);
        Assert.Equal([.. format.Tokenizer.Encode("ok"), format.EndOfTurnToken], format.EncodeAnswer("ok"));
        Assert.Equal([.. format.Tokenizer.Encode("ok"), format.EndOfTurnToken], format.EncodeAnswer("<think>hm</think>ok"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_thought_is_read_apart_from_the_answer_also_token_by_token(bool withTokens)
    {
        var format = Format(Opened, withTokens: withTokens);
        bool opened = format.OpensThought(format.EncodePrompt(Question));
        Assert.True(opened);
        Assert.False(format.OpensThought(format.EncodeContext(Question)));
        int[] written = format.Tokenizer.Encode("I must refuse é</think>\n\nSure, <b>");

        Assert.Equal(new AnswerParts("Sure, <b>", "I must refuse é", false), format.ReadAnswer([.. written, Eos, 'x'], opened));
        Assert.Equal(new AnswerParts("", "I must", true), format.ReadAnswer(format.Tokenizer.Encode("I must"), opened));
        var reader = format.StartReading(opened);
        var parts = written.Select(reader.Append).Append(reader.Flush()).ToList();
        Assert.Equal("Sure, <b>", string.Concat(parts.Select(part => part.Answer)));
        Assert.Equal("I must refuse é", string.Concat(parts.Select(part => part.Thought)));
        Assert.False(reader.IsInThought);
    }

    [Fact]
    public void The_system_prompt_of_every_conversation_gives_way_to_a_conversations_own()
    {
        var format = Of(Tokenizer(false), Plain, new ChatDefaults("Be kind."));

        Assert.Equal("<start>system\nBe kind.<end>\n<start>user\na<end>\n<start>assistant\n",
            format.Tokenizer.Decode(format.EncodePrompt(Question)));
        Assert.Equal("<start>system\nNo.<end>\n<start>user\na<end>\n<start>assistant\n",
            format.Tokenizer.Decode(format.EncodePrompt([ChatTurn.System("No."), .. Question])));
        Assert.Equal([.. format.Tokenizer.Encode("ok"), End], format.EncodeAnswer("ok"));
    }

    [Theory]
    [InlineData("{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}", "leaves the system prompt out")]
    [InlineData("{% if messages[0].role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}{{ messages[0].content }}",
        "no system turns")]
    public void A_template_without_system_turns_is_named(string template, string said) =>
        Assert.Contains(said, Assert.Throws<BeearException>(() => Of(Tokenizer(false), template, new ChatDefaults("Be kind."))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("<start>user\n{Q}<end>\n<start>assistant\n{A}<end>\n<eos>", End)]  // as Phi 3: the end of a conversation is another token
    // as Command R: two tokens, of which the second is known to end a turn
    [InlineData("<start>user\n{Q}\n<start>assistant\n{A}<start><eos>", Eos)]
    [InlineData("<start>user\n{Q}\n<start>assistant\n{A}", Eos)]                         // none: the tokenizer's
    public void The_token_that_ends_a_turn_is_the_templates_whatever_a_file_names(string conversation, int expected)
    {
        var (before, after) = (conversation.Split("{A}")[0].Split("{Q}"), conversation.Split("{A}")[1]);
        string template = $$$"""{% for m in messages %}{{ '{{{before[0]}}}' if m.role == 'user' }}{{ m.content }}{{ '{{{before[1]}}}' if m.role == 'user' }}{{ '{{{after}}}' if m.role == 'assistant' }}{% endfor %}"""
            .Replace("\n", "\\n", StringComparison.Ordinal);
        var format = new ChatFormat(Tokenizer(false), new ChatTemplate(template), Variables, new HashSet<int> { Eos });

        Assert.Equal(expected, format.EndOfTurnToken);
        Assert.Contains(expected, format.EndOfTurn);
        Assert.Equal(expected, format.EncodeAnswer("ok")[^1]);
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_is_an_error_that_names_it()
    {
        var format = Format(Plain);
        format.MaximumTokens = 40;
        string request = new('a', 60);

        string message = Assert.Throws<BeearException>(() => format.EncodeContext([ChatTurn.User(request)])).Message;

        Assert.Contains("made for 40", message, StringComparison.Ordinal);
        Assert.Contains($"'{request[..40]}…'", message, StringComparison.Ordinal);
    }

    private static readonly string[] Tokens =
    [
        """{ "id": 256, "content": "<start>", "special": true }""",
        """{ "id": 257, "content": "<end>", "special": true }""",
        """{ "id": 258, "content": "<eos>", "special": true }""",
    ];

    private static readonly Dictionary<string, object?> Variables = new(StringComparer.Ordinal) { ["eos_token"] = "<eos>" };

    private static Tokenizer Tokenizer(bool withTokens) => TinyTokenizer.Create(added:
    [
        .. Tokens,
        .. withTokens ? [$$"""{ "id": {{Think}}, "content": "<think>", "special": true }""", $$"""{ "id": {{EndThink}}, "content": "</think>", "special": true }"""] : Array.Empty<string>(),
    ]);

    private static ChatFormat Format(string template, bool? thinking = null, bool withTokens = true) =>
        Of(Tokenizer(withTokens), template, thinking is null ? ChatDefaults.None
            : new ChatDefaults { Variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["enable_thinking"] = thinking } });

    private static ChatFormat Of(Tokenizer tokenizer, string template, ChatDefaults defaults) =>
        new(tokenizer, new ChatTemplateSet(new ChatTemplate(template)), Variables, new HashSet<int> { Eos, End }, defaults);
}
