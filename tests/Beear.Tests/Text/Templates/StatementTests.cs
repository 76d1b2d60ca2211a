using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>Statements, scopes and undefined values as jinja2 has them, with the block tags that transformers adds.</summary>
public sealed class StatementTests
{
    [Theory]
    [InlineData("{% macro f(a, b=a ~ '!') %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }} {{ f(b=2, a=3) }} {{ f.name }}", "11! 32 f")]
    [InlineData("{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}{{ f(*[4], **{'y': 5}) }}",
        "(1, 2){'x': 3}(4,){'y': 5}")]
    [InlineData("{% macro f(a) %}[{{ a }}]{% endmacro %}{{ f() }}", "[]")]
    [InlineData("{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}", "2")]
    [InlineData("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210")]
    [InlineData("{% macro f(t) %}<{{ caller(t, 2) }}>{% endmacro %}{% call(a, b=0) f('x') %}{{ a }}{{ b }}{% endcall %}", "<x2>")]
    [InlineData("{% macro f() %}{{ 'y' if caller else 'n' }}{% endmacro %}{{ f() }}{% call f() %}{% endcall %}", "ny")]
    public void Macros(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{% for x in 'ab' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last "
        + "}}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}",
        "1021TrueFalse210 2110FalseTrue210 ")]
    [InlineData("{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.cycle('a', 'b') }} {% endfor %}", "Truea Falseb Truea ")]
    [InlineData("{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ n.v }}@{{ loop.depth }}[{{ loop(n.c) }}]{% endfor %}", "1@1[2@2[]]")]
    [InlineData("{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123")]
    [InlineData("{% for x in [1, 2, 3] if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}", "1:2 2:3 ")]
    [InlineData("{% for x in [1] if x > 1 %}{% else %}none{% endfor %}", "none")]
    [InlineData("{% for x in [1, 2] %}{% for y in [1, 2, 3] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor "
        + "%}", "11 21 ")]
    [InlineData("{% for x in [1, 2] %}{% set y = x %}{% endfor %}{{ y }}|{% for x in [1, 2] %}{{ y }}{% set y = x %}{% endfor %}", "|")]
    [InlineData("{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for x in nothing %}{{ x }}{% endfor %}", "ab")]
    [InlineData("{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}{% for i in 1, 2 %}{{ i }}{% endfor %}", "32112")]
    public void Loops(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{% set a, b = 1, 2 %}{{ a + b }}{% set t = 1, %}{{ t }}", "3(1,)")]
    [InlineData("{% set ns = namespace({'a': 1}, b=2) %}{% set ns.c = 3 %}{{ ns.a + ns.b + ns.c }}{{ ns.nothing }}", "6")]
    [InlineData("{% set x %}a{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}", "a1")]
    [InlineData("{% set x | replace('a', 'b') | upper %}ab{% endset %}{{ x }}", "BB")]
    [InlineData("{% filter trim | title %} ab {% endfilter %}", "Ab")]
    [InlineData("{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "211")]
    [InlineData("{% if false %}{{ 1 | nothing }}{% elif 1 %}b{% else %}c{% endif %}", "b")]
    [InlineData("{% set j = joiner() %}{{ j() }}a{{ j() }}b{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ "
        + "c.next() }}{{ c.reset() }}{{ c.current }}", "a, b1221None1")]
    [InlineData("{{ dict(a=1, **{'b': 2}) }}{{ dict([('x', 1)]) }}", "{'a': 1, 'b': 2}{'x': 1}")]
    [InlineData("{%- raw -%} {{ a }} {% b %} {%- endraw -%} c", "{{ a }} {% b %}c")]
    public void Assignments_and_blocks(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("[{{ x }}{{ x ~ 'a' }}{{ x | length }}{{ x | list }}{{ x == y }}{{ x is none }}{{ not x }}{{ x or 'd' }}]",
        "[a0[]TrueFalseTrued]")]
    [InlineData("{{ {}.a }}{{ {}['a'] }}{{ [][0] }}{{ 'a'[3] }}{{ {'a': {}}.a.b is defined }}{{ none.a is defined }}{{ [1].first is "
        + "defined }}", "FalseFalseFalse")]
    [InlineData("{{ {'items': 1}.items is callable }}{{ {'items': 1}['items'] }}{{ {'keys': 1}.nothing is defined }}", "True1False")]
    [InlineData("{{ ('a' if false) is defined }}{{ 'x' if 0 else 'y' if 0 else 'z' }}", "Falsez")]
    public void Undefined_values(string source, string expected) => AssertRenders(source, expected);

    [Theory]
    [InlineData("{{ [] | first | tojson }}", "an undefined value cannot be written as JSON: No first item, sequence was empty.")]
    [InlineData("{{ ([] | last).x }}", ": No last item, sequence was empty.")]
    [InlineData("{{ x.y }}", ": 'x' is undefined.")]
    [InlineData("{{ raise_exception('No system') }}", ": No system.")]
    [InlineData("{{ raise_exception('No system.') }}", ": No system.")]
    [InlineData("{{ raise_exception('user/assistant/...') }}", ": user/assistant/...")]
    [InlineData("{{ raise_exception('No system!') }}", ": No system!")]
    public void Failures_end_in_one_full_stop(string source, string end)
    {
        string message = Assert.Throws<BeearException>(() => new ChatTemplate(source).Render([], false)).Message;

        Assert.EndsWith(end, message, StringComparison.Ordinal);
        Assert.DoesNotContain(". .", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ x.y }}", "'x' is undefined")]
    [InlineData("{{ x + 1 }}", "'x' is undefined")]
    [InlineData("{{ {}.a.b }}", "'dict object' has no attribute 'a'")]
    [InlineData("{{ [][0].b }}", "list object has no element 0")]
    [InlineData("{{ none.a.b }}", "'None' has no attribute 'a'")]
    [InlineData("{{ {'a': 1}.update({}) }}", "unsafe")]
    [InlineData("{{ ''.__class__ ~ ''['__class__'].x }}", "unsafe")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "takes at most 1 arguments, not 2")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", "no parameter 'b'")]
    [InlineData("{% macro f() %}{% endmacro %}{% call f() %}{% endcall %}", "no parameter 'caller'")]
    [InlineData("{% set a, b = 1, 2, 3 %}", "3 values cannot be assigned to 2 names")]
    [InlineData("{% for x in 5 %}{% endfor %}", "an integer cannot be iterated")]
    [InlineData("{% for x in [1] %}{{ loop([1]) }}{% endfor %}", "'recursive'")]
    [InlineData("a\n  {{ 'x' +\n 1 }}", "line 2, column 10")]
    [InlineData("{{ lipsum() }}", "'lipsum' is not supported")]
    public void Failures_say_what_and_where(string source, string part) =>
        Assert.Contains(part, Assert.Throws<BeearException>(() => new ChatTemplate(source).Render([], false)).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("{% extends 'a' %}", "stands alone")]
    [InlineData("{% block a %}{% endblock %}", "stands alone")]
    [InlineData("{% from 'a' import b %}", "stands alone")]
    [InlineData("{% for loop in x %}{% endfor %}", "cannot set 'loop'")]
    [InlineData("{% set none = 1 %}", "'none' cannot be set")]
    [InlineData("{% macro f(a, a) %}{% endmacro %}", "named twice")]
    [InlineData("{% macro f(a=1, b) %}{% endmacro %}", "without a default")]
    [InlineData("{% if x %}\n{% endfor %}", "line 2, column 4: 'endfor' is not understood here")]
    [InlineData("{{ f(a=1, 2) }}", "without a name")]
    [InlineData("{{ '\\xzz' }}", "hexadecimal")]
    [InlineData("{{ 012 }}", "leading zero")]
    [InlineData("{{ a ! b }}", "'!' is not understood")]
    [InlineData("{% for x in y %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "'break'")]
    [InlineData("{{ x is nothing }}", "the test 'nothing' does not exist")]
    public void Sources_that_are_wrong_are_refused(string source, string part)
    {
        var message = Assert.Throws<BeearException>(() => new ChatTemplate(source)).Message;
        Assert.Contains(part.Split(": ")[^1], message, StringComparison.Ordinal);
        Assert.Contains(part.Split(": ")[0], message, StringComparison.Ordinal);
    }

    private static void AssertRenders(string source, string expected) =>
        Assert.Equal(expected, new ChatTemplate(source).Render([], addGenerationPrompt: false));
}
