using System.Diagnostics;
using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

public class PythonSyntaxTests
{
    /// <summary>The parser; skips the test if there is no Python.</summary>
    internal static PythonSyntax Installed()
    {
        if (Fixtures.OnPath("python3") is null) Assert.Skip("python3 is not on PATH");
        return new PythonSyntax();
    }

    [Fact]
    public void Hostile_code_that_is_valid()
    {
        var parsed = Installed().Parse([.. HostileCode.Vulnerable.Values, HostileCode.LongLine], default);

        Assert.All(HostileCode.Vulnerable.Keys.Append("long line").Zip(parsed), one =>
            Assert.True(one.Second is { Error: null, IsEmpty: false }, $"{one.First}: {one.Second.Error}"));
    }

    [Fact]
    public void Hostile_code_that_is_invalid_harms_no_other()
    {
        var watch = Stopwatch.StartNew();
        var parsed = Installed().Parse([.. HostileCode.Invalid.Values, "x = 1"], default);

        Assert.All(HostileCode.Invalid.Keys.Zip(parsed), one => Assert.True(one.Second.Error is not null, one.First));
        Assert.Equal(ParsedCode.Code, parsed[^1]);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
    }

    [Fact]
    public void An_error_has_its_line_and_words()
    {
        var error = Installed().Parse(["x = 1\n\ndef f(:\n    pass\n"], default)[0].Error!;

        Assert.Equal((PythonSyntax.Rule, 3), (error.Rule, error.Line));
        Assert.Contains("invalid syntax", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n\n   # and another")]
    [InlineData("\"\"\"Words.\"\"\"\n")]
    [InlineData("pass\n...\n")]
    public void Code_that_does_nothing_is_empty(string code) => Assert.Equal(ParsedCode.Empty, Installed().Parse([code], default)[0]);

    [Fact]
    public void It_parses_and_does_not_run()
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "made");

        Assert.Equal(ParsedCode.Code, Installed().Parse([$"open({Quoted(file)}, 'w').write('x')\n"], default)[0]);
        Assert.False(File.Exists(file));
    }

    private static string Quoted(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal)}'";

    [Fact]
    public void The_list_is_divided_where_the_process_dies()
    {
        using var fake = new FakeProgram("python3", """
            grep -lq EVIL *.py && kill -11 $$
            for f in *.py; do echo '{"state":"code"}'; done
            """);
        var parsed = new PythonSyntax(fake.Path).Parse(["x", "EVIL", "y", "z"], default);

        Assert.Equal([true, false, true, true], parsed.Select(one => one.Error is null));
        Assert.Equal("python3 was ended by signal 11 and does not say why.", parsed[1].Error!.Message);
    }

    [Theory]
    [InlineData("exit 0", "python3 speaks of 0 files and not of 1.")]
    [InlineData("echo '{}'", "python3's report cannot be read: there is no such state.")]
    [InlineData("echo '{'", "python3's report cannot be read: ")]
    public void What_it_does_not_say_is_not_guessed(string script, string sentence)
    {
        using var fake = new FakeProgram("python3", script);

        Assert.StartsWith(sentence, Assert.Throws<BeearException>(() => new PythonSyntax(fake.Path).Parse(["x"], default)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Its_version() => Assert.Matches(@"^Python 3\.\d+", Installed().Describe());
}
