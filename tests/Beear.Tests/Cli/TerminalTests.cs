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
    [InlineData("a\u3164b\u115fc\u1160d\u2800e\ufe0ff\uffa0g", @"a\u{3164}b\u{115f}c\u{1160}d\u{2800}e\u{fe0f}f\u{ffa0}g")]
    [InlineData("a\u034fb\u17b4c\u17b5d\u180ee\u180bf", @"a\u{34f}b\u{17b4}c\u{17b5}d\u{180e}e\u{180b}f")]
    [InlineData("a\u200bb\u200cc\u200dd\u200ee\u200ff", @"a\u{200b}b\u{200c}c\u{200d}d\u{200e}e\u{200f}f")]
    [InlineData("a\u2060b\u2066c\u2069d\u061ce\ufffef\ufdd0g", @"a\u{2060}b\u{2066}c\u{2069}d\u{61c}e\u{fffe}f\u{fdd0}g")]
    [InlineData("\U000e0020\U000e0100\U0001ffff\U0001d173", @"\u{e0020}\u{e0100}\u{1ffff}\u{1d173}")]
    [InlineData("❤\ufe0f می\u200cخواهم क्\u200dष", "❤\ufe0f می\u200cخواهم क्\u200dष")]
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
    public void A_plain_table_keeps_its_columns()
    {
        using var written = new StringWriter();
        var output = new ConsoleOutput(written, TextWriter.Null, json: false, quiet: true);
        output.Result(0, _ => [output.Table("a|b", "c").Row("x|y\nz", "\\|\\\\|")]);
        Assert.All(written.ToString().Split('\n').Where(line => line.Contains('|', StringComparison.Ordinal)), line =>
            Assert.Equal(3, line.Replace("\\\\", "", StringComparison.Ordinal).Replace("\\|", "", StringComparison.Ordinal)
                .Count(letter => letter == '|')));
        Assert.Contains(@"x\|y\nz", written.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Joiners_hide_nothing_by_their_number()
    {
        Assert.Equal("❤\ufe0f\u200d\\u{200d}\\u{fe0f}", Terminal.Escape("❤\ufe0f\u200d\u200d\ufe0f"));
        Assert.Equal("❤\ufe0f\\u{fe0f}\\u{200d}", Terminal.Escape("❤\ufe0f\ufe0f\u200d"));
    }

    [Fact]
    public void An_emoji_may_come_in_pieces()
    {
        Assert.Equal("\u200d👧", Terminal.Escape("\u200d👧", behind: "👩"));
        Assert.Equal("\\u{200d}👧", Terminal.Escape("\u200d👧", behind: "a"));
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
