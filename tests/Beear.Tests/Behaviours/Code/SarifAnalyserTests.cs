using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

/// <summary>Semgrep and CodeQL by scripts that check how they are called and write what the programs are documented to write.</summary>
public sealed class SarifAnalyserTests : IDisposable
{
    private const string Report = """
        {"version":"2.1.0","runs":[{"tool":{"driver":{"name":"T","rules":[{"id":"shell","properties":{"tags":["CWE-78: words"]}},{"id":"style"}]}},
        "invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"warning","message":{"text":"Timeout when running shell on s00002.py: "}}]}],
        "results":[{"ruleId":"shell","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"s00001.py","uriBaseId":"%SRCROOT%"},"region":{"startLine":4}}}]},
        {"ruleId":"style","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"s00000.py"},"region":{"startLine":1}}}]}]}]}
        """;

    private const string CleanReport =
        """{"version":"2.1.0","runs":[{"tool":{"driver":{"rules":[{"id":"shell","properties":{"tags":["CWE-78"]}}]}},"results":[]}]}""";

    private static readonly string[] Three = ["x = 1", "y = 1", "z = 1"];

    private readonly string rules = Path.Combine(Fixtures.TemporaryFolder(), "my rules.yaml");

    public SarifAnalyserTests() => File.WriteAllText(rules, "rules: []\n");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(rules)!, recursive: true);

    private static string Print(string report) => $"cat <<'END'\n{report}\nEND";

    [Fact]
    public void Semgrep_is_asked_and_its_report_read()
    {
        using var fake = new FakeProgram("semgrep", $$"""
            [ "$1" = --version ] && { echo 1.185.0; exit; }
            printf '%s\n' "$@" > "$HOME_OF_TEST/arguments"
            ls > "$HOME_OF_TEST/files"; stat -c %a .. > "$HOME_OF_TEST/mode"; pwd > "$HOME_OF_TEST/folder"
            [ -f s00001.py ] && {{Print(Report)}}
            """);
        var semgrep = new Semgrep(rules, fake.Path);
        var read = semgrep.Analyse(Three, default);

        Assert.Equal([0, 1, 0], read.Select(one => one.Findings.Count));                      // a rule without a CWE says nothing
        var finding = read[1].Findings[0];
        Assert.Equal(("shell", "CWE-078", 4), (finding.Rule, finding.Cwes[0], finding.Line));
        Assert.Equal([null, null, "Timeout when running shell on s00002.py: "], read.Select(one => one.Unread));
        string[] arguments = File.ReadAllLines(fake.Out("arguments"));
        Assert.Equal(["scan", "--sarif", "--metrics=off"], arguments[..3]);
        Assert.Contains("--disable-nosem", arguments);
        Assert.Equal(["--config", rules, "."], arguments[^3..]);
        Assert.Equal(["s00000.py", "s00001.py", "s00002.py"], File.ReadAllLines(fake.Out("files")));
        Assert.Equal("700", File.ReadAllText(fake.Out("mode")).Trim());
        Assert.False(Directory.Exists(File.ReadAllText(fake.Out("folder")).Trim()));
        Assert.Equal("semgrep 1.185.0", semgrep.Describe());
    }

    [Fact]
    public void CodeQl_is_asked_and_its_report_read()
    {
        using var fake = new FakeProgram("codeql", $$"""
            [ "$1" = version ] && { echo 'CodeQL command-line toolchain release 2.20.3.'; echo 'Copyright'; exit; }
            printf '%s\n' "$@" >> "$HOME_OF_TEST/arguments"
            for a in "$@"; do case "$a" in --source-root=*) root="${a#*=}";; --output=*) out="${a#*=}";; esac; database="$last"; last="$a"; done
            if [ "$2" = create ]; then [ -f "$root/s00001.py" ] && mkdir "$last"; exit; fi
            [ -d "$database" ] && [ "$last" = codeql/python-queries:codeql-suites/python-security-extended.qls ] || exit 32
            cat > "$out" <<'END'
            {{Report}}
            END
            """);
        var codeQl = new CodeQl(fake.Path);
        var read = codeQl.Analyse(Three, default);

        Assert.Equal([0, 1, 0], read.Select(one => one.Findings.Count));
        string[] arguments = File.ReadAllLines(fake.Out("arguments"));
        Assert.Equal(["database", "create", "--language=python"], arguments[..3]);
        Assert.Contains("--format=sarif-latest", arguments);
        Assert.Equal("CodeQL command-line toolchain release 2.20.3., Copyright", codeQl.Describe());
    }

    [Fact]
    public void It_covers_what_its_rules_name()
    {
        using var fake = new FakeProgram("semgrep", "echo run >> \"$HOME_OF_TEST/runs\"\n" + Print(CleanReport));
        var semgrep = new Semgrep(rules, fake.Path);

        Assert.Equal([true, false, true], ((string[])["CWE-078", "CWE-089", "CWE-078"]).Select(semgrep.Covers));
        Assert.Equal(1, fake.Runs);
    }

    [Theory]
    [InlineData("echo 'invalid rule schema' >&2; exit 7", "semgrep ended with code 7: invalid rule schema.")]
    [InlineData("exit 0", "'semgrep's report' is no SARIF 2.1.0 that can be read: ")]
    [InlineData("echo '{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"rules\":[{\"id\":\"style\"}]}}}]}'",
        "None of the rules that semgrep has been given names a CWE")]
    public void Failures_are_sentences_and_leave_no_folder(string script, string sentence)
    {
        using var fake = new FakeProgram("semgrep", $"pwd > \"$HOME_OF_TEST/folder\"\n{script}");

        Assert.StartsWith(sentence, Assert.Throws<BeearException>(() => new Semgrep(rules, fake.Path).Analyse(Three, default)).Message,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(File.ReadAllText(fake.Out("folder")).Trim()));
    }

    [Fact]
    public async Task A_cancelled_analysis_leaves_no_folder()
    {
        using var fake = new FakeProgram("semgrep",
            "pwd > \"$HOME_OF_TEST/new\"; mv \"$HOME_OF_TEST/new\" \"$HOME_OF_TEST/folder\"; sleep 60");
        using var cancellation = new CancellationTokenSource();
        var work = Task.Run(() => new Semgrep(rules, fake.Path).Analyse(Three, cancellation.Token));
        while (!File.Exists(fake.Out("folder"))) await Task.Delay(20);
        string folder = (await File.ReadAllTextAsync(fake.Out("folder"))).Trim();
        Assert.True(Directory.Exists(folder));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Where_they_are_missing_the_sentence_says_what_to_do()
    {
        Assert.Equal("no-semgrep is not on PATH; install it with 'pipx install semgrep' (https://semgrep.dev), or choose bandit.",
            Assert.Throws<BeearException>(() => new Semgrep(rules, "no-semgrep").Describe()).Message);
        Assert.Contains("codeql-action/releases",
            Assert.Throws<BeearException>(() => new CodeQl("no-codeql").Analyse(Three, default)).Message,
            StringComparison.Ordinal);
        Assert.Contains("'p/python'", Assert.Throws<BeearException>(() => new Semgrep("p/python")).Message, StringComparison.Ordinal);
    }
}
