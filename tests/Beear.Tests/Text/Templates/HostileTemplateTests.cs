using System.Diagnostics;
using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>
/// Templates are data from strangers: whatever they say, rendering ends soon, takes little memory, and fails in one way only.
/// </summary>
public sealed class HostileTemplateTests
{
    private const long MostBytes = 1L << 30;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, object?> s_context = new(StringComparer.Ordinal)
    {
        ["messages"] = new[] { ChatTurn.User("Hi"), ChatTurn.Assistant("Hello, {0} %s!") },
    };

    [Theory]
    [InlineData("{{ 'a' * 9999999999 }}")]
    [InlineData("{{ range(10 ** 9) }}")]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")]
    [InlineData("{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l == [n.l[0], n.l[0] + "
        + "[]] }}")]
    [InlineData("{% set s = 'ab' * 999999 %}{% for i in range(99999) %}{% if s.find('zz') > 0 %}{% endif %}{% endfor %}")]
    [InlineData("{{ ('x' * 99999).replace('', 'y' * 99999) }}")]
    [InlineData("{{ 'a' | indent(999999999) }}")]
    [InlineData("{{ 2 ** 99999999999 }}")]
    [InlineData("{% set n = namespace(l=[0] * 9) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}")]
    [InlineData("{% set n = namespace(x=2) %}{% for i in range(99999) %}{% set n.x = n.x * n.x %}{% endfor %}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{{ ['x' * 9999] * 9999 | join }}{{ (['x' * 9999] * 9999) | join('y' * 9999) }}")]
    [InlineData("{{ 'x' | center(10 ** 12) }}")]
    [InlineData("{{ '{:>999999999}'.format(1) }}")]
    [InlineData("{{ '%999999999d' % 1 }}")]
    [InlineData("{{ '{:.999999999f}'.format(1.5) }}")]
    [InlineData("{{ 'x'.zfill(10 ** 12) }}")]
    [InlineData("{{ '\\t'.expandtabs(10 ** 12) }}")]
    [InlineData("{{ messages | tojson(indent=10 ** 9) }}{{ [1] | tojson(indent=10 ** 9) }}")]
    [InlineData("{{ [1] | batch(10 ** 9, 0) | list }}")]
    [InlineData("{{ [1] | slice(10 ** 9) | list }}")]
    [InlineData("{% macro f(n) %}{% for i in range(9999) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endfor %}{% endmacro %}{{ f(99) }}")]
    [InlineData("{% for i in range(9) recursive %}{{ loop(range(9)) }}{% endfor %}")]
    [InlineData("{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{% call f() %}{{ f(caller=f) }}{% endcall %}{% endcall %}")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l | tojson | length }}")]
    [InlineData("{% set n = namespace(l=[1]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}")]
    [InlineData("{% set s = 'a' * 999999 %}{% for i in range(9999) %}{% set t = s[1:] %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 99999 %}{% for i in range(9999) %}{% if s | upper == s | lower %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = ('a' * 9999 + 'b') * 9 %}{% for i in range(9999) %}{% set t = s.count('a' * 9999 + 'c') %}{% endfor %}")]
    [InlineData("{% set l = range(99999) | list %}{% for i in l %}{% if l | sort | last == -1 %}{% endif %}{% endfor %}")]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% continue %}{% endfor %}{% endfor %}")]
    [InlineData("{% set n = namespace(d={}) %}{% for i in range(99999) %}{% set n.d = dict(n.d, a=[n.d]) %}{% endfor %}{{ n.d }}")]
    public void A_hostile_template_is_stopped(string source)
    {
        var template = new ChatTemplate(source);
        Bounded(() => Assert.Throws<BeearException>(() => template.Render(s_context)), source);
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "", "]")]
    [InlineData("not ", "1", "")]
    [InlineData("-", "1", "")]
    [InlineData("1 if 1 else ", "1", "")]
    [InlineData("", "x", "|trim")]
    [InlineData("1+", "1", "")]
    [InlineData("{'a':", "1", "}")]
    [InlineData("x[", "0", "]")]
    public void A_template_that_is_nested_too_deeply_is_refused(string open, string middle, string close)
    {
        var expression = string.Concat(Enumerable.Repeat(open, 20_000)) + middle + string.Concat(Enumerable.Repeat(close, 20_000));
        Assert.Throws<BeearException>(() => new ChatTemplate("{{ " + expression + " }}").Render(s_context));
        Assert.Throws<BeearException>(() => new ChatTemplate(string.Concat(Enumerable.Repeat("{% if true %}", 20_000))));
    }

    [Theory]
    [InlineData("{{ '", "a", "")]
    [InlineData("", "{% raw %}", "")]
    [InlineData("", "{# ", "")]
    [InlineData("{% raw %}", "{% ", "")]
    [InlineData("", "{{ x }}", "{{")]
    [InlineData("", "{", "")]
    [InlineData("{{ ", "1 + ", "")]
    [InlineData("{{ ", "'a' ", "1 2 }}")]
    [InlineData("{{ x", "y", " }}")]
    [InlineData("{{ 1", "2", " }}")]
    [InlineData("{{ '", "\\n", "")]
    [InlineData("", " \n", "{%")]
    public void A_long_template_is_read_in_time_that_grows_with_its_length(string open, string repeated, string close)
    {
        var source = open + string.Concat(Enumerable.Repeat(repeated, 900_000 / repeated.Length)) + close;
        Bounded(() => Try(source), $"{open} and many {repeated}");
    }

    [Fact]
    public void Random_templates_are_rendered_or_refused()
    {
        var rendered = 0;
        for (var seed = 0; seed < 3000; seed++)
        {
            var template = new TemplateSoup(seed).Template(repeats: false);
            Bounded(() => rendered += Try(template), template);
        }
        Assert.True(rendered > 300, $"only {rendered} are rendered at all");
    }

    [Fact]
    public void Random_growth_is_stopped()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var template = new TemplateSoup(seed).Template(repeats: true);
            Bounded(() => Try(template), template);
        }
    }

    [Fact]
    public void Damaged_templates_are_rendered_or_refused()
    {
        for (var seed = 0; seed < 1500; seed++)
        {
            var template = new TemplateSoup(seed).Damage(new TemplateGrammar(seed).Template());
            Bounded(() => Try(template), template);
        }
    }

    [Fact]
    public void A_template_that_is_too_long_is_refused() =>
        Assert.Contains("1000001 characters", Assert.Throws<BeearException>(() => new ChatTemplate(new string('a', 1_000_001))).Message,
            StringComparison.Ordinal);

    /// <summary>1 if the template is rendered, 0 if it is refused; anything else fails the test.</summary>
    private static int Try(string source)
    {
        try
        {
            new ChatTemplate(source).Render(s_context);
            return 1;
        }
        catch (BeearException failure)
        {
            Assert.True(failure.Message.Length < 2_200, failure.Message);
            return 0;
        }
    }

    private static void Bounded(Action action, string what)
    {
        var (bytes, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        try
        {
            action();
        }
        catch (Exception failure) when (failure is not Xunit.Sdk.IAssertionException)
        {
            Assert.Fail($"{what}\n{failure}");
        }
        Assert.True(watch.Elapsed < s_longest, $"{watch.Elapsed.TotalSeconds:F1} s: {what}");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - bytes < MostBytes,
            $"{(GC.GetAllocatedBytesForCurrentThread() - bytes) >> 20} MiB: {what}");
    }
}
