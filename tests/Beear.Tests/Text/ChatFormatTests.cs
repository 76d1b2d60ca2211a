using Beear.Text;

namespace Beear.Tests.Text;

public class ChatFormatTests
{
    private const int Start = 256, End = 257, Eos = 258;

    private const string ChatMl =
        "{% for m in messages %}{{ '<start>' + m.role + '\n' + m.content + '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start>assistant\n' }}{% endif %}";

    private const string Instruct =
        "{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content | trim + eos_token }}{% endif %}{% endfor %}";

    private static readonly Tokenizer Tokenizer = TinyTokenizer.Create(added:
    [
        """{ "id": 256, "content": "<start>", "special": true }""",
        """{ "id": 257, "content": "<end>", "special": true }""",
        """{ "id": 258, "content": "<eos>", "special": true }""",
    ]);

    [Fact]
    public void A_prompt_ends_where_the_answer_begins()
    {
        var format = Format(ChatMl, End, Eos);
        Assert.Equal([Start, .. Bytes("user\na"), End, '\n', Start, .. Bytes("assistant\n")], format.EncodePrompt([ChatMessage.User("a")]));
    }

    [Fact]
    public void What_the_template_puts_around_a_request_is_counted()
    {
        Assert.Equal((1 + "user\n".Length, 3 + "assistant\n".Length), Format(ChatMl, End, Eos).TemplateLengths());
        Assert.Equal(("[INST] ".Length, " [/INST]".Length), Format(Instruct, End, Eos).TemplateLengths());
    }

    [Fact]
    public void The_template_says_which_token_ends_a_turn()
    {
        Assert.Equal(End, Format(ChatMl, Eos, End).EndOfTurnToken);
        Assert.Equal(Eos, Format(Instruct, Eos, End).EndOfTurnToken);
    }

    [Theory]
    [InlineData(ChatMl, " ok ", " ok ", End)]
    [InlineData(Instruct, " ok ", " ok", Eos)] // trimmed, a space before it
    [InlineData(ChatMl, "", "", End)]
    [InlineData(ChatMl, "a<end>b", "a", End)]
    [InlineData("{{ raise_exception('no') }}", "ok", "ok", Eos)]
    [InlineData("{{ messages[-1].content }}", "ok", "ok", Eos)]
    public void An_answer_is_written_as_in_a_conversation(string template, string answer, string written, int end) =>
        Assert.Equal([.. Bytes(written), end], Format(template, End, Eos).EncodeAnswer(answer));

    [Fact]
    public void A_long_answer_is_cut_and_has_no_end()
    {
        var format = Format(ChatMl, End);
        Assert.Equal([.. Bytes("abc"), End], format.EncodeAnswer("abc", 4));
        Assert.Equal(Bytes("abc"), format.EncodeAnswer("abc", 3));
        Assert.Empty(format.EncodeAnswer("abc", 0));
    }

    [Fact]
    public void Decoding_stops_at_the_end_of_the_turn_and_skips_special_tokens() =>
        Assert.Equal("ab", Format(ChatMl, End, Eos).DecodeAnswer(['a', Start, 'b', Eos, 'c']));

    [Fact]
    public void Options_give_the_template_variables_and_go_before_the_models()
    {
        var format = Format("{{ eos_token }}{{ 'no ' if enable_thinking is false }}{{ tools | length if tools }}", End);
        Assert.Equal("<eos>", format.Render([]).Text);
        var options = new ChatOptions { Variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["enable_thinking"] = false, ["eos_token"] = "E" }, Tools = ["add"] };
        Assert.Equal("Eno 1", format.Render([], options).Text);
        Assert.Equal(Bytes("Eno 1"), format.EncodePrompt([], options));
    }

    [Fact]
    public void A_refusing_template_is_quoted() =>
        Assert.Contains("only questions", Assert.Throws<BeearException>(
            () => Format("{{ raise_exception('only questions') }}", End).EncodePrompt([ChatMessage.User("a")])).Message, StringComparison.Ordinal);

    private static ChatFormat Format(string template, params int[] endOfTurn) =>
        new(Tokenizer, new ChatTemplate(template), new Dictionary<string, object?>(StringComparer.Ordinal) { ["eos_token"] = "<eos>" }, endOfTurn.ToHashSet());

    private static int[] Bytes(string text) => Tokenizer.Encode(text);
}
