using Beear.Cli.Output;
using CsCheck;

namespace Beear.Tests.Cli;

public sealed class TerminalTests
{
    [Theory]
    [InlineData("plain text, ünïcödé, 漢字, 👩‍👩‍👧", "plain text, ünïcödé, 漢字, 👩‍👩‍👧")]
    [InlineData("\u001b[31mred\u001b[0m", @"\u{1b}[31mred\u{1b}[0m")]
    [InlineData("\u001b]0;title\u0007", @"\u{1b}]0;title\u{7}")]
    [InlineData("\u009b2J", @"\u{9b}2J")]
    [InlineData("a\rb\bc\u007f", @"a\u{d}b\u{8}c\u{7f}")]
    [InlineData("user\u202etxt.exe", @"user\u{202e}txt.exe")]
    [InlineData("zero\u200bwidth\ufeff", @"zero\u{200b}width\u{feff}")]
    [InlineData("a\u2028b", @"a\u{2028}b")]
    [InlineData("line\n\tnext", @"line\n\tnext")]
    [InlineData("[red]markup[/]", "[red]markup[/]")]
    public void Obeyed_characters_become_visible(string text, string shown) => Assert.Equal(shown, Terminal.Escape(text));

    [Fact]
    public void Lone_surrogates_and_tag_characters_become_visible()
    {
        Assert.Equal(@"a\u{d83d}b", Terminal.Escape("a\ud83db"));
        Assert.Equal(@"x\u{e0041}", Terminal.Escape("x" + char.ConvertFromUtf32(0xE0041)));
    }

    [Fact]
    public void Lines_are_kept_where_asked() => Assert.Equal("a\n\tb\\u{1b}", Terminal.Escape("a\n\tb\u001b", keepLines: true));

    [Fact]
    public void No_text_leaves_anything_to_obey() => Gen.String.Sample(text =>
    {
        var shown = Terminal.Escape(text);
        return !shown.Any(character => char.IsControl(character)) && Terminal.Escape(shown) == shown;
    });

    [Fact]
    public void An_excerpt_never_cuts_a_character()
    {
        Assert.Equal("abc…", Terminal.Excerpt("abcdef", 4));
        Assert.Equal("abcd", Terminal.Excerpt("abcd", 4));
        Assert.Equal("ab…", Terminal.Excerpt("ab👍cdef", 4));
    }
}
