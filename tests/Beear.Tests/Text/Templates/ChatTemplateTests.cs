using Beear.Text;

namespace Beear.Tests.Text.Templates;

public sealed class ChatTemplateTests
{
    private static readonly Dictionary<string, object?> s_nothing = [];

    [Fact]
    public void Renders_messages_and_variables()
    {
        var template = new ChatTemplate(
            "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt "
                + "%}[assistant]{% endif %}");
        var variables = new Dictionary<string, object?> { ["bos_token"] = "<s>" };
        Assert.Equal("<s>[system] Be kind.\n[user] Hi\n[assistant]",
            template.Render([ChatTurn.System("Be kind."), ChatTurn.User("Hi")], addGenerationPrompt: true, variables));
        Assert.Equal("none", new ChatTemplate("{{ 'none' if tools is none and documents is none else 'some' }}").Render([], false));
    }

    [Theory]
    [InlineData("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc")]
    [InlineData("a\n   {% if true %}\nb\n   {%+ endif %}\nc", "a\nb\n   c")]
    [InlineData("a  {% if true %} b{% endif %}", "a   b")]
    [InlineData("a \n {%- if true -%} \n b \n {%- endif -%} \n c", "abc")]
    [InlineData("a \n {{- 'x' -}} \n b", "axb")]
    [InlineData("  {{ 'x' }}\n  y", "  x\n  y")]
    [InlineData("a\n  {# note #}\nb {#- gone -#} c", "a\nbc")]
    [InlineData("{% if true +%}\nb{% endif %}", "\nb")]
    [InlineData("{% raw %}{{ x }}{% endraw %}", "{{ x }}")]
    [InlineData("a\r\nb\r\n", "a\nb")]
    [InlineData("{# {{ broken #}{{ {'a': {'b': 1}}['a']['b'] }}", "1")]
    [InlineData("{ {{ '%}' ~ '}}' }} }", "{ %}}} }")]
    public void Controls_whitespace(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{% set x = 1 %}{% for i in [1, 2] %}{% set x = 5 %}{% endfor %}{{ x }}{{ i }}", "1")]
    [InlineData("{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "4")]
    [InlineData("{% if true %}{% set x = 5 %}{% endif %}{{ x }}", "5")]
    [InlineData("{% macro f(a, b='-', c=none) %}{{ a }}{{ b }}{{ c is not none }}{% set z = 1 %}{% endmacro %}{{ f(1) }}{{ f(1, c=2, "
        + "b='+') }}{{ z }}", "1-False1+True")]
    [InlineData("{% set x %}a{{ 1 }}{% endset %}{% set y | upper | trim %} {{ x }} {% endset %}{{ x ~ y }}", "a1A1")]
    [InlineData("{% for a, b in {'x': 1, 'y': 2}.items() %}{{ loop.index }}{{ a }}{{ b }}{% if not loop.last %},{% endif %}{% endfor %}", "1x1,2y2")]
    [InlineData("{% for x in range(6) if x is odd %}{{ x }}/{{ loop.length }} {% else %}no{% endfor %}", "1/3 3/3 5/3 ")]
    [InlineData("{% for x in [] %}a{% else %}none{% endfor %}", "none")]
    [InlineData("{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}", "023")]
    [InlineData("{% for x in 'abc' %}{{ loop.previtem }}{{ loop.revindex0 }}{{ loop.nextitem }} {% endfor %}", "2b a1c b0 ")]
    [InlineData("{% generation %}hi{% endgeneration %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "hi3")]
    [InlineData("{% filter upper %}abc{% endfilter %}", "ABC")]
    public void Keeps_scopes_apart(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{{ [1, 2.0, 'it\\'s', \"q\", none, true, {'k': [1e20, 1e-5]}] }}",
        "[1, 2.0, \"it's\", 'q', None, True, {'k': [1e+20, 1e-05]}]")]
    [InlineData("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 'a' ~ 2 * 3 + 'b' }}", "3 -4 2 3.5 1024 a6b")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 'a' in 'cat' }} {{ 2 not in [1] }} {{ not none }} {{ 0 or 'x' }} {{ 1 == 1.0 == true }}",
        "True True True True x True")]
    [InlineData("{{ 'abcdef'[1:-1:2] }} {{ [1, 2, 3][::-1] }} {{ [1, 2, 3][-1] }} {{ 'ab'[9] }}|", "bd [3, 2, 1] 3 |")]
    [InlineData("{{ 'h\\u00e9\\n'|tojson }} {{ {'a': [1, true, none], 'b': {}}|tojson }}", "\"hé\\n\" {\"a\": [1, true, null], \"b\": {}}")]
    [InlineData("{{ {'a': [1], 'b': []}|tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}")]
    [InlineData("{{ [{'r': 'a', 'n': 1}, {'r': 'b', 'n': 2}] | selectattr('r', '==', 'b') | map(attribute='n') | list }}", "[2]")]
    [InlineData("{{ [1, 2, 3] | reject('even') | join(', ') }} {{ ['b', 'A'] | sort | first }} {{ ['a', 'A'] | unique | list | length }}", "1, 3 A 1")]
    [InlineData("{{ x | default('d') }} {{ '' | d('e', true) }} {{ '4.7' | int }} {{ ' 5 ' | float }} {{ -3 | abs }}", "d e 4 5.0 3")]
    [InlineData("{{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ ' a b '.split(none, 1) }} {{ 'xxay'.lstrip('x') }} {{ 'a b'.title() "
        + "}} {{ 'aaa'.replace('a', 'b', 2) }}", "['a', 'b'] ['a', 'b,c'] ['a', 'b '] ay A B bba")]
    [InlineData("{{ 'abc'.startswith(('x', 'ab')) }} {{ 'banana'.count('an') }} {{ 'banana'.find('n') }} {{ '-'.join(['a', 'b']) }}",
        "True 2 2 a-b")]
    [InlineData("{{ {'b': 1, 'a': 2} | dictsort }} {{ {'a': 1}.get('z', 0) }} {{ 'a\nb' | indent(2) }} {{ '<a>' | e }}",
        "[('a', 2), ('b', 1)] 0 a\n  b &lt;a&gt;")]
    [InlineData("{{ '\U0001F600!' | length }} {{ '\U0001F600!'[0] }} {{ '\U0001F600!' | reverse }}", "2 \U0001F600 !\U0001F600")]
    [InlineData("{{ x is defined }} {{ 'a' is string }} {{ {} is mapping }} {{ 3 is divisibleby 3 }} {{ 'a' is not in ['b'] }} {{ 1 is "
        + "number and true is boolean }}", "False True True True True True")]
    [InlineData("{{ 9223372036854775807 + 1 }}{{ 'a' if false }}{{ nothing }}", "9223372036854775808")]
    public void Computes_as_Python_does(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{% if %}", "line 1")]
    [InlineData("\n\n{% for x in y %}", "line 3")]
    [InlineData("{{ x", "not closed")]
    [InlineData("{{ 'x }}", "not closed")]
    [InlineData("{% include 'secrets' %}", "'include'")]
    [InlineData("{{ x | unknown }}", "'unknown'")]
    [InlineData("{% break %}", "'break'")]
    [InlineData("{{ 1 2 }}", "'2'")]
    public void Says_what_is_wrong_in_a_template(string source, string part) =>
        Assert.Contains(part, Assert.Throws<BeearException>(() => new ChatTemplate(source)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{{ raise_exception('No ' ~ 'system.') }}", "No system.")]
    [InlineData("\n{{ x.y }}", "line 2, column 5: 'x' is undefined")]
    [InlineData("{{ 1 / 0 }}", "division by zero")]
    [InlineData("{{ 'a' + 1 }}", "'+' does not apply")]
    [InlineData("{{ x() }}", "'x' is undefined")]
    [InlineData("{{ 'a'.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe")]
    [InlineData("{% set l = [1] %}{{ l.append(2) }}", "access to attribute 'append' of 'list' object is unsafe")]
    [InlineData("{{ {'a': 1}.b.c }}", "'dict object' has no attribute 'b'")]
    [InlineData("{{ [1, 'a'] | sort }}", "no order")]
    [InlineData("{% set x = 1 %}{% set x.y = 2 %}", "not a namespace")]
    public void Says_why_a_rendering_fails(string source, string part) => AssertFails(source, part);

    [Fact]
    public void Formats_the_current_date()
    {
        var date = new ChatTemplate("{{ strftime_now('%d %b %Y %-d 100%%') }}").Render(s_nothing).Text;
        Assert.Matches("^[0-9]{2} [A-Z][a-z]{2} [0-9]{4} [1-9][0-9]? 100%$", date);
    }

    private static void AssertRenders(string source, string expected) =>
        Assert.Equal(expected, new ChatTemplate(source).Render(s_nothing).Text);

    private static void AssertFails(string source, string part)
    {
        var template = new ChatTemplate(source);
        Assert.Contains(part, Assert.Throws<BeearException>(() => template.Render(s_nothing)).Message, StringComparison.Ordinal);
    }
}
