using Beear.Behaviours;
using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

public class CodeJudgeTests
{
    /// <summary>An analyser that flags what says BAD, cannot read what says ODD, and counts.</summary>
    private sealed class ByWords : ICodeAnalyser
    {
        public List<string> Read { get; } = [];

        public string Name => "words";

        public string Describe() => "words 1";

        public bool Covers(string cwe) => cwe == "CWE-078";

        public IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation)
        {
            Read.AddRange(snippets);
            return [.. snippets.Select(text => text.Contains("ODD", StringComparison.Ordinal) ? Analysis.NotRead("it is odd")
                : new Analysis(text.Contains("BAD", StringComparison.Ordinal) ? [new Finding("bad", ["CWE-078"], 1, "m")] : []))];
        }
    }

    private static CodeState[] States(IEnumerable<CodeVerdict> verdicts) => [.. verdicts.Select(verdict => verdict.State)];

    [Fact]
    public void Flagged_clean_invalid_and_empty()
    {
        var verdicts = new CodeJudge([new ByWords()], PythonSyntaxTests.Installed())
            .Judge(["BAD = 1", "good = 1", null, "", " \n\t", "# BAD", "BAD = = 1", "x\0BAD", "ODD = 1"]);

        Assert.Equal([CodeState.Flagged, CodeState.Clean, CodeState.Empty, CodeState.Empty, CodeState.Empty, CodeState.Empty,
            CodeState.Invalid, CodeState.Invalid, CodeState.Invalid], States(verdicts));
        Assert.Equal(["bad", "syntax-error", "syntax-error", "not-read"], verdicts.SelectMany(one => one.Findings).Select(one => one.Rule));
        Assert.Equal("words could not read it: it is odd", verdicts[^1].Findings[0].Message);
    }

    /// <summary>What one analyser cannot read, another may still flag; but nothing that one has not read is clean.</summary>
    [Fact]
    public void Several_analysers()
    {
        var never = new Blind();
        var verdicts = new CodeJudge([never, new ByWords()], PythonSyntaxTests.Installed()).Judge(["BAD = 1", "good = 1"]);

        Assert.Equal([CodeState.Flagged, CodeState.Invalid], States(verdicts));
    }

    private sealed class Blind : ICodeAnalyser
    {
        public string Name => "blind";

        public string Describe() => "blind 1";

        public bool Covers(string cwe) => false;

        public IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation) =>
            [.. snippets.Select(_ => Analysis.NotRead("dark"))];
    }

    [Fact]
    public void What_comes_again_is_not_read_again()
    {
        var words = new ByWords();
        var judge = new CodeJudge([words], PythonSyntaxTests.Installed());
        var first = judge.Judge(["BAD = 1", "x = 1", "BAD = 1"]);
        var second = judge.Judge(["x = 1", "y = 1", "BAD = 1"]);

        Assert.Equal([CodeState.Flagged, CodeState.Clean, CodeState.Flagged], States(first));
        Assert.Equal([CodeState.Clean, CodeState.Clean, CodeState.Flagged], States(second));
        Assert.Equal(["BAD = 1", "x = 1", "y = 1"], words.Read);
    }

    [Fact]
    public void Nothing_starts_no_program()
    {
        var judge = new CodeJudge([new Bandit("no-bandit")], new PythonSyntax("no-python"));

        Assert.Equal([CodeState.Empty, CodeState.Empty], States(judge.Judge([null, " "])));
        Assert.Contains("no-python", Assert.Throws<BeearException>(() => judge.Judge(["x = 1"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_code_by_Bandit()
    {
        var judge = new CodeJudge([BanditTests.Installed()], PythonSyntaxTests.Installed());
        var bad = judge.Judge([.. HostileCode.Vulnerable.Values, HostileCode.LongLine]);
        var broken = judge.Judge([.. HostileCode.Invalid.Values, HostileCode.Safe]);

        Assert.All(bad, one => Assert.Equal(CodeState.Flagged, one.State));
        Assert.All(broken.SkipLast(1), one => Assert.Equal(CodeState.Invalid, one.State));
        Assert.Equal(CodeState.Clean, broken[^1].State);
        Assert.Equal(["CWE-078"], bad[0].Findings[0].Cwes);
    }

    [Fact]
    public void Code_on_which_an_analyser_fails_is_not_clean()
    {
        var verdicts = new CodeJudge([BanditTests.Installed()], PythonSyntaxTests.Installed())
            .Judge([HostileCode.Shell, HostileCode.HalfCharacters, HostileCode.Safe]);

        Assert.Equal([CodeState.Flagged, CodeState.Clean], States([verdicts[0], verdicts[2]]));
        Assert.Contains(verdicts[1].State, (CodeState[])[CodeState.Flagged, CodeState.Invalid]);
    }

    [Fact]
    public void It_says_by_what_it_judges()
    {
        var judge = new CodeJudge([new ByWords()], PythonSyntaxTests.Installed());

        Assert.StartsWith("Python 3.", judge.Describe()[0], StringComparison.Ordinal);
        Assert.Equal("words 1", judge.Describe()[1]);
        Assert.Equal([true, false], ((string[])["CWE-078", "CWE-089"]).Select(judge.Covers));
    }
}
