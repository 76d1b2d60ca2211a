using System.Numerics;
using System.Text.Json.Nodes;
using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>What a template gets besides the conversation, and what comes back besides the text.</summary>
public sealed class TemplateOptionsTests
{
    private const string ChatMl =
        "{% for m in messages %}{{ '<' + m.role + '>' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</>{% endgeneration "
            + "%}{% else %}{{ m.content }}</>{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}";

    private static readonly ChatTurn[] s_dialogue =
        [ChatTurn.User("a"), ChatTurn.Assistant("été"), ChatTurn.User("b"), ChatTurn.Assistant("d")];

    [Fact]
    public void Generation_blocks_are_given_as_parts_of_the_text()
    {
        var chat = new ChatTemplate(ChatMl).Render(s_dialogue, new TemplateOptions());
        Assert.Equal("<user>a</><assistant>été</><user>b</><assistant>d</><assistant>", chat.Text);
        Assert.Equal(["été</>", "d</>"], chat.Generated.Select(part => chat.Text[part]));
        Assert.Empty(new ChatTemplate("{{ messages[0].content }}").Render(s_dialogue, new TemplateOptions()).Generated);
    }

    [Theory]
    [InlineData("{% macro f(m) %}<{% generation %}{{ m }}{% endgeneration %}>{% endmacro %}__{{ f('xy') }}", "xy")]
    [InlineData("__{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}-{% generation %}{{ m.content }}{% "
        + "endgeneration %}{% endfor %}", "été d")]
    [InlineData("{% generation %}{% for i in 'ab' %}{{ i }}{% endfor %}{% endgeneration %}\n", "ab")]
    public void Generation_blocks_may_stand_in_loops_and_macros(string source, string expected)
    {
        var chat = new ChatTemplate(source).Render(s_dialogue, new TemplateOptions());
        Assert.Equal(expected, string.Join(' ', chat.Generated.Select(part => chat.Text[part])));
    }

    [Theory]
    [InlineData(ChatMl, "d", "<user>a</><assistant>été</><user>b</><assistant>d")]
    [InlineData("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}", "  so \n", "[a][été][b][so")]
    [InlineData("{% for m in messages %}[{{ m.content }}]{% endfor %}", "  so \n", "[a][été][b][  so \n")]
    [InlineData("{% for m in messages %}[{{ m.content.split('</think>')[-1] }}]{% endfor %}", "<think></think>x", "[a][été][b][x")]
    public void A_last_message_that_is_continued_has_no_end(string source, string last, string expected)
    {
        var chat = new ChatTemplate(source)
            .Render([.. s_dialogue[..3], ChatTurn.Assistant(last)],
            new TemplateOptions { AddGenerationPrompt = false, ContinueFinalMessage = true });
        Assert.Equal(expected, chat.Text);
        Assert.All(chat.Generated, part => Assert.True(part.End.Value <= chat.Text.Length));
    }

    [Fact]
    public void A_last_message_in_parts_is_continued_at_its_last_text()
    {
        var parts = new ChatTurn("assistant", "") { Fields = FamilyTemplateTests.Fields("""{"content": [{"type": "text", "text": "so"}, {"type": "image"}]}""") };
        var options = new TemplateOptions { AddGenerationPrompt = false, ContinueFinalMessage = true };
        Assert.Equal("[so", new ChatTemplate("{% for p in messages[-1].content %}[{{ p.text }}]{% endfor %}")
            .Render([parts], options).Text);
    }

    [Fact]
    public void A_message_that_cannot_be_continued_is_an_error()
    {
        void Fails(string source, ChatTurn[] messages, string part, bool generationPrompt = false) => Assert.Contains(part,
            Assert.Throws<BeearException>(() =>
                new ChatTemplate(source).Render(messages,
                new TemplateOptions { AddGenerationPrompt = generationPrompt, ContinueFinalMessage = true })).Message,
                StringComparison.Ordinal);
        Fails(ChatMl, s_dialogue, "not both", generationPrompt: true);
        Fails(ChatMl, [], "no last message");
        Fails("{{ messages[0].content }}", s_dialogue, "does not write the last message");
        Fails(ChatMl, [new("assistant", "") { Fields = FamilyTemplateTests.Fields("""{"content": null}""") }], "no text to continue");
    }

    [Fact]
    public void Variables_may_be_values_of_many_kinds()
    {
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["n"] = null,
            ["i"] = 3,
            ["u"] = ulong.MaxValue,
            ["g"] = BigInteger.Pow(10, 30),
            ["f"] = 2.5f,
            ["m"] = 1.5m,
            ["b"] = true,
            ["l"] = new List<int> { 1, 2 },
            ["t"] = new[] { "x" },
            ["d"] = new Dictionary<string, int>(StringComparer.Ordinal) { ["k"] = 1 },
            ["j"] = JsonNode.Parse("""{"z": [1, 1.0, 1e2, null, 123456789012345678901234567890], "a": "\ud83d\ude00"}"""),
        };
        Assert.Equal("{'n': None, 'i': 3, 'u': 18446744073709551615, 'g': 1000000000000000000000000000000, 'f': 2.5, 'm': 1.5, 'b': True, "
            + "'l': [1, 2], 't': ['x'], 'd': {'k': 1}, "
            + "'j': {'z': [1, 1.0, 100.0, None, 123456789012345678901234567890], 'a': '\U0001F600'}}",
            new ChatTemplate("{{ v }}").Render([], false, new Dictionary<string, object?>(StringComparer.Ordinal) { ["v"] = variables }));
        Assert.Contains("Version", Assert.Throws<BeearException>(() => new ChatTemplate("").Render([], false,
            new Dictionary<string, object?>(StringComparer.Ordinal) { ["v"] = new Version(1, 0) })).Message, StringComparison.Ordinal);
        object nested = "x";
        for (var i = 0; i < 100; i++) nested = new[] { nested };
        Assert.Contains("nested", Assert.Throws<BeearException>(() => new ChatTemplate("").Render([], false,
            new Dictionary<string, object?>(StringComparer.Ordinal) { ["v"] = nested })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_changes_nothing_of_the_callers()
    {
        var list = new List<object?> { 1 };
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["l"] = list };
        new ChatTemplate("{% set l = l + [2] %}{% set messages = [] %}").Render(s_dialogue, false, variables);
        Assert.Throws<BeearException>(() => new ChatTemplate("{{ l.append(2) }}").Render([], false, variables));
        Assert.Equal([1], list);
        Assert.Equal(["l"], variables.Keys);
    }

    [Fact]
    public void A_message_has_the_fields_it_is_given()
    {
        var message = new ChatTurn("tool", "3") { Fields = FamilyTemplateTests.Fields("""{"name": "add", "content": [{"text": "three"}]}""") };
        Assert.Equal("add three ['role', 'content', 'name']",
            new ChatTemplate("{{ messages[0].name }} {{ messages[0].content[0].text }} {{ messages[0] | list }}").Render([message], false));
        ChatTurn One(int id) => new("tool", "3") { Fields = new Dictionary<string, object?>(StringComparer.Ordinal) { ["id"] = id } };
        Assert.Equal(One(1), One(1));
        Assert.NotEqual(One(1), One(2));
        Assert.NotEqual(One(1), new ChatTurn("tool", "3"));
    }

    [Fact]
    public void Named_templates_are_read_when_they_are_used()
    {
        var templates = new ChatTemplateSet(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["default"] = "plain", ["tool_use"] = "{% if %}", ["rag"] = "rag" });
        Assert.Equal(["default", "rag", "tool_use"], templates.Names);
        Assert.Equal("plain", templates.Choose(null, hasTools: false).Render([], false));
        Assert.Equal("rag", templates.Choose("rag", hasTools: true).Render([], false));
        Assert.Contains("cannot be read", Assert.Throws<BeearException>(() => templates.Choose(null, hasTools: true)).Message,
            StringComparison.Ordinal);
        Assert.Throws<BeearException>(() =>
            new ChatTemplateSet(new Dictionary<string, string>(StringComparer.Ordinal) { ["default"] = "{% if %}" }));
    }

    [Fact]
    public void One_template_serves_many_threads()
    {
        var template = new ChatTemplate(ChatMl);
        Parallel.For(0, 64, i => Assert.Equal($"<user>{i}</><assistant>",
            template.Render([ChatTurn.User($"{i}")], addGenerationPrompt: true)));
    }
}
