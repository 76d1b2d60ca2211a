using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>
/// Jinja's own filters and tests, where Python has no counterpart; expectations are worked out from jinja2's documentation and sources.
/// </summary>
public sealed class FilterTests
{
    [Theory]
    [InlineData("'hello wORLD-and (more) [x] <Y' | title", "Hello World-And (More) [X] <Y")]
    [InlineData("'éA B' | capitalize", "Éa b")]
    [InlineData("'foo bar' | wordcount ~ ('' | wordcount) ~ (\"it's\" | wordcount)", "202")]
    [InlineData("'a b c d' | truncate(3, true, '') ~ '|' ~ ('foo bar baz qux' | truncate(9)) ~ '|' ~ ('foo bar baz qux' "
        + "| truncate(9, true, '..', 0))", "a b c d|foo...|foo bar..")]
    [InlineData("'a\n\nb\n' | indent ~ '|'", "a\n\n    b\n|")]
    [InlineData("'a\n\nb' | indent('> ', true, true)", "> a\n> \n> b")]
    [InlineData("'' | indent(2, true) ~ '|'", "  |")]
    [InlineData("'a' | center(4) ~ '|' ~ ('ab' | center(5))", " a  |  ab ")]
    [InlineData("'<a href=\"x\">\\'&' | e", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;")]
    [InlineData("'<b>' | safe", "<b>")]
    [InlineData("'a b/é?' | urlencode ~ ' ' ~ ({'k': 'a b', 'x': 1} | urlencode)", "a%20b/%C3%A9%3F k=a+b&x=1")]
    [InlineData("'%s-%s' | format(1, 'a') ~ ('%(x)d' | format(x=3))", "1-a3")]
    [InlineData("'aXbX' | replace('X', 1) ~ ('aXbX' | replace('X', '', 1)) ~ (101 | replace(1, 2))", "a1b1abX202")]
    [InlineData("1000000 | filesizeformat ~ ', ' ~ (1 | filesizeformat) ~ ', ' ~ (2048 | filesizeformat(true)) ~ ', ' ~ "
        + "(999 | filesizeformat)", "1.0 MB, 1 Byte, 2.0 KiB, 999 Bytes")]
    public void Texts(string expression, string expected) => AssertValue(expression, expected);

    [Theory]
    [InlineData("[1, 2, 3, 4, 5] | batch(2) | list", "[[1, 2], [3, 4], [5]]")]
    [InlineData("[1, 2, 3] | batch(2, 'x') | list", "[[1, 2], [3, 'x']]")]
    [InlineData("[1, 2, 3, 4, 5] | slice(3) | list", "[[1, 2], [3, 4], [5]]")]
    [InlineData("[1, 2, 3, 4] | slice(3, 0) | list", "[[1, 2], [3, 0], [4, 0]]")]
    [InlineData("[{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'Y'}, {'a': 1, 'b': 'y'}] | groupby('a') | map('first') | list", "[1, 2]")]
    [InlineData("[{'b': 'x'}, {'b': 'Y'}, {'b': 'y'}] | groupby('b') | map(attribute='list') | map('length') | list", "[1, 2]")]
    [InlineData("[{'c': 1}, {}] | groupby('c', default=0) | map(attribute='grouper') | list", "[0, 1]")]
    [InlineData("['a', 'B', 'A', 'b'] | unique | list", "['a', 'B']")]
    [InlineData("['a', 'A'] | unique(true) | list", "['a', 'A']")]
    [InlineData("{'b': 1, 'A': 3, 'c': 2} | dictsort", "[('A', 3), ('b', 1), ('c', 2)]")]
    [InlineData("{'b': 1, 'A': 3, 'c': 2} | dictsort(by='value', reverse=true)", "[('A', 3), ('c', 2), ('b', 1)]")]
    [InlineData("{'b': 1, 'A': 3} | dictsort(true)", "[('A', 3), ('b', 1)]")]
    [InlineData("[{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') | map(attribute='b') | list", "[1, 2, 1]")]
    [InlineData("[{'f': {'n': 'x'}}, {'f': {}}] | map(attribute='f.n', default='-') | join(',')", "x,-")]
    [InlineData("[[1, 2], [3, 4]] | map(attribute=1) | list ~ ([[1, 2]] | map(attribute='0') | list)", "[2, 4][1]")]
    [InlineData("['a ', ' b'] | map('trim') | map('upper') | join", "AB")]
    [InlineData("['a-b', 'c'] | map('replace', '-', '+') | list", "['a+b', 'c']")]
    [InlineData("[0, 1, '', 'a', none] | select | list ~ ([0, 1] | reject | list)", "[1, 'a'][0]")]
    [InlineData("[1, 2, 3, 4] | select('gt', 2) | list ~ ([1, 2, 3] | reject('odd') | list)", "[3, 4][2]")]
    [InlineData("[{'a': 1}, {'a': none}, {}] | selectattr('a') | list | length ~ ([{'a': 1}, {}] | selectattr('a', 'defined') | "
        + "list | length)", "11")]
    [InlineData("[{'a': {'b': 1}}, {'a': {'b': 2}}] | rejectattr('a.b', 'eq', 1) | list", "[{'a': {'b': 2}}]")]
    [InlineData("[{'n': 2}, {'n': 3}] | sum('n') ~ ([{'n': 2}, {'n': 3}] | sum(attribute='n', start=1))", "56")]
    [InlineData("[{'n': 2}, {'n': 3}] | max(attribute='n') ~ ([] | min) ~ '|'", "{'n': 3}|")]
    [InlineData("[1, 2] | join(', ', attribute=none) ~ ([{'x': 1}, {'x': 2}] | join('+', 'x'))", "1, 21+2")]
    [InlineData("'abc' | list ~ ('abc' | first) ~ ('abc' | last) ~ ({'k': 1} | list)", "['a', 'b', 'c']ac['k']")]
    [InlineData("[3, 1] | reverse | list ~ ((1, 2) | reverse | list)", "[1, 3][2, 1]")]
    [InlineData("{'a': 1} | items | list ~ (nothing | items | list)", "[('a', 1)][]")]
    [InlineData("nothing | default ~ (none | default('x')) ~ (none | d('x', true)) ~ ('' | default('y', boolean=true))", "Nonexy")]
    [InlineData("{'a': 1} | attr('a') ~ '|' ~ ({'a': 1} | attr('items'))() | list", "|[('a', 1)]")]
    public void Sequences(string expression, string expected) => AssertValue(expression, expected);

    [Theory]
    [InlineData("nothing is undefined and nothing is not defined and none is defined and none is none")]
    [InlineData("'' is string and {} is mapping and [] is not mapping and namespace() is not mapping")]
    [InlineData("1 is number and 1.0 is float and 1 is integer and true is boolean and true is not integer and true is number and "
        + "1.0 is not integer")]
    [InlineData("true is true and false is false and 1 is not true and 0 is not false")]
    [InlineData("'a' is iterable and [] is iterable and {} is iterable and 1 is not iterable and nothing is iterable")]
    [InlineData("'a' is sequence and {} is sequence and (1,) is sequence and 1 is not sequence and ([1] | map('string')) is not sequence")]
    [InlineData("3 is odd and 4 is even and -3 is odd and 9 is divisibleby 3 and 9 is not divisibleby(2)")]
    [InlineData("1 is eq 1.0 and 1 is equalto(1) and 1 is ne 2 and 1 is lt 2 and 2 is le 2 and 2 is gt 1 and 2 is ge 2 and 1 is "
        + "lessthan 2 and 2 is greaterthan 1")]
    [InlineData("1 is in [1, 2] and 'a' is in 'cat' and 3 is not in [1]")]
    [InlineData("'AB' is upper and 'ab' is lower and 'Ab' is not upper and '1' is not lower")]
    [InlineData("none is sameas none and true is sameas(true) and [] is not sameas []")]
    [InlineData("range is callable and 1 is not callable and joiner() is callable")]
    [InlineData("'trim' is filter and 'nothing' is not filter and 'odd' is test and 'nothing' is not test")]
    [InlineData("not nothing is defined and (nothing is defined or true)")]
    [InlineData("not 1 is none and not (1 is none)")]
    public void Tests(string condition) => AssertValue($"{condition} and 'holds'", "holds");

    [Theory]
    [InlineData("[1, 2] | random", "'random' is not supported")]
    [InlineData("1 | length", "an integer has no length")]
    [InlineData("nothing | tojson", "'nothing' is undefined")]
    [InlineData("range(3) | tojson", "a range cannot be written as JSON")]
    [InlineData("['a', 1] | sort", "no order")]
    [InlineData("[[1], {}] | unique | list", "cannot be a key")]
    [InlineData("1 | items", "does not apply to an integer")]
    [InlineData("'a' | round", "does not apply to a string")]
    [InlineData("[1] | map | list", "needs a filter's name")]
    [InlineData("[1] | select('nothing') | list", "the test 'nothing' does not exist")]
    [InlineData("'a'.encode('utf-8')", "'encode' makes bytes")]
    [InlineData("'a' | truncate(1, end='....') ", "room for its ending")]
    public void Filters_say_what_they_do_not_take(string expression, string part) => Assert.Contains(part,
        Assert.Throws<BeearException>(() => new ChatTemplate($"{{{{ {expression} }}}}").Render([], false)).Message,
            StringComparison.Ordinal);

    private static void AssertValue(string expression, string expected) =>
        Assert.Equal(expected, new ChatTemplate($"{{{{ {expression} }}}}").Render([], addGenerationPrompt: false));
}
