using System.Diagnostics;
using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

public class BanditTests
{
    /// <summary>The analyser; skips the test if it is not installed.</summary>
    internal static Bandit Installed()
    {
        if (Fixtures.OnPath("bandit") is null) Assert.Skip("bandit is not on PATH");
        return new Bandit();
    }

    private static string[] Verdicts(Analysis analysis) =>
        [.. analysis.Findings.Select(finding => $"{finding.Line} {finding.Rule} {string.Join('+', finding.Cwes)}")];

    [Fact]
    public void The_reference_code_is_read_as_the_newest_version_reads_it()
    {
        var bandit = Installed();
        string folder = Fixtures.Parity("sarif", "code");
        var read = bandit.Analyse([.. ((string[])["a", "b", "broken", "empty"]).Select(name =>
            File.ReadAllText(Path.Combine(folder, $"{name}.py")))], default);

        string[] found = Verdicts(read[0]);
        Assert.Equal(["4 B605 CWE-078", "5 B602 CWE-078", "8 B506 CWE-502"], found[..3]);
        Assert.Contains(found[3], (string[])["11 B303 CWE-327+CWE-328", "11 B324 CWE-327+CWE-328"]);
        Assert.Equal(bandit.Covers("CWE-089") ? ["14 B608 CWE-089"] : [], found[4..]);
        Assert.All(read.Skip(1), one => Assert.Empty(one.Findings));
        Assert.Equal([false, false, true, false], read.Select(one => one.Unread is not null));
    }

    /// <summary>A version that writes CWEs of its own: what counts is still decided by the one table.</summary>
    [Fact]
    public void The_newest_versions_report()
    {
        string report = File.ReadAllText(Fixtures.Parity("sarif", "bandit.json"));
        foreach (var (name, i) in ((string[])["a", "b", "broken", "empty"]).Select((name, i) => (name, i)))
            report = report.Replace($"code/{name}.py", $"./s{i:00000}.py", StringComparison.Ordinal);
        using var fake = new FakeProgram("bandit", $"cat <<'END'\n{report}\nEND\nexit 1");
        var read = new Bandit(fake.Path).Analyse(["a", "b", "c", "d"], default);

        Assert.Equal(["4 B605 CWE-078", "5 B602 CWE-078", "8 B506 CWE-502", "11 B324 CWE-327+CWE-328", "14 B608 CWE-089"],
            Verdicts(read[0]));
        Assert.Equal([null, null, "syntax error while parsing AST from file", null], read.Select(one => one.Unread));
    }

    [Fact]
    public void Hostile_code_is_flagged_and_ends_nothing()
    {
        string[] code = [.. HostileCode.Vulnerable.Values, HostileCode.Safe, HostileCode.LongLine];
        var read = Installed().Analyse(code, default);

        Assert.All(HostileCode.Vulnerable.Keys.Zip(read), one => Assert.True(
            one.Second.Unread is null && one.Second.Findings.Any(finding => finding.Rule == "B605"), $"{one.First}: {one.Second.Unread}"));
        Assert.Empty(read[^2].Findings);
        Assert.Null(read[^2].Unread);
        Assert.Equal("B605", Assert.Single(read[^1].Findings).Rule);
    }

    [Fact]
    public void Code_that_does_not_parse_is_not_read_and_harms_no_other()
    {
        string[] code = [.. HostileCode.Invalid.Values.Where(text => !text.Contains('\0', StringComparison.Ordinal)), HostileCode.Shell];
        var read = Installed().Analyse(code, default);

        Assert.All(read.SkipLast(1), one => Assert.NotNull(one.Unread));
        Assert.Equal(["3 B605 CWE-078"], Verdicts(read[^1]));
    }

    [Fact]
    public void A_literal_command_line_is_a_note() => Assert.Equal(["3 B605 CWE-078"], Verdicts(Assert.Single(
        Installed().Analyse(["import os\nos.system('ls')\nos.system('ls ' + x)\n"], default))));

    [Fact]
    public void Covers_what_the_installed_version_can_find()
    {
        var bandit = Installed();

        Assert.True(bandit.Covers("CWE-078"));
        Assert.True(bandit.Covers("CWE-502"));
        Assert.False(bandit.Covers("CWE-190"));
        Assert.Equal(bandit.Covers("CWE-089"),
            bandit.Analyse(["db.execute(\"SELECT a FROM b WHERE c = '%s'\" % x)\n"], default)[0].Findings.Count > 0);
        Assert.StartsWith("bandit ", bandit.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void Notes_are_not_in_the_table() =>
        Assert.All((string[])["B101", "B110", "B404", "B603", "B606", "B607", "B999"], rule =>
        Assert.Empty(BanditRules.Cwes(rule)));

    /// <summary>The bar of the task, on two processors.</summary>
    [Fact]
    public void Five_hundred_snippets_take_a_minute_at_most()
    {
        var bandit = Installed();
        string[] code = [.. Enumerable.Range(0, 500).Select(i => string.Concat(Enumerable.Repeat(
            $"def f{i}(request, db):\n    name = request.args.get('name')\n    if not name:\n        raise ValueError('no name')\n"
            + "    rows = [row for row in db.all() if row.name == name]\n    return {'count': len(rows), 'names': sorted(r.name for r in "
            + "rows)}\n", 5))
            + (i % 2 == 0 ? HostileCode.Shell : HostileCode.Safe))];
        var watch = Stopwatch.StartNew();
        var read = new CodeJudge([bandit], new PythonSyntax()).Judge(code);

        TestContext.Current.TestOutputHelper?.WriteLine($"500 snippets: {watch.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(Enumerable.Range(0, 500).Select(i => i % 2 == 0 ? CodeState.Flagged : CodeState.Clean), read.Select(one => one.State));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
    }

    [Fact]
    public void Where_it_is_missing_the_sentence_says_what_to_do() => Assert.Equal(
        "no-bandit is not on PATH; install Debian's python3-bandit, or 'pipx install bandit' for the newest, or choose another analyser.",
        Assert.Throws<BeearException>(() => new Bandit("no-bandit").Analyse(["x = 1"], default)).Message);

    [Theory]
    [InlineData("echo broken >&2; exit 2", "bandit ended with code 2: broken.")]
    [InlineData("kill -9 $$", "bandit was ended by signal 9 and does not say why.")]
    [InlineData("echo 'Traceback: '; echo Traceback >&2; echo 'ImportError: six' >&2; exit 1",
        "bandit ended with code 1: ImportError: six.")]
    [InlineData("echo '{'", "bandit's report cannot be read: ")]
    [InlineData("echo null", "bandit's report cannot be read: null is no report.")]
    [InlineData("echo '{\"results\":[null],\"errors\":[],\"metrics\":{}}'", "bandit's report cannot be read: ")]
    [InlineData("echo '{\"results\":[]}'", "bandit's report cannot be read: ")]
    [InlineData("echo '{\"results\":[],\"errors\":[{\"filename\":\"/etc/passwd\",\"reason\":\"x\"}],\"metrics\":{}}'",
        "An analyser speaks of a file that it was not given: '/etc/passwd'.")]
    public void A_program_that_fails_on_everything_is_a_sentence(string script, string sentence)
    {
        using var fake = new FakeProgram("bandit", script);

        Assert.StartsWith(sentence, Assert.Throws<BeearException>(() => new Bandit(fake.Path).Analyse(["x = 1", "y = 1"], default)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_the_report_does_not_mention_is_not_clean()
    {
        using var fake = new FakeProgram("bandit", "echo '{\"results\":[],\"errors\":[],\"metrics\":{\"_totals\":{},\"./s00001.py\":{}}}'");

        Assert.Equal(["the report does not mention it", null],
            new Bandit(fake.Path).Analyse(["x", "y"], default).Select(one => one.Unread));
    }

    /// <summary>A snippet that ends the process costs only itself.</summary>
    [Fact]
    public void The_list_is_divided_where_the_process_dies()
    {
        using var fake = new FakeProgram("bandit", """
            grep -lq EVIL *.py && kill -9 $$
            echo run >> "$HOME_OF_TEST/runs"
            printf '{"errors":[],"results":['; sep=
            for f in *.py; do printf '%s{"filename":"./%s","test_id":"B605","issue_text":"m","issue_severity":"HIGH","line_number":1}' "$sep" $f; sep=,; done
            printf '],"metrics":{"_totals":{}'; for f in *.py; do printf ',"./%s":{}' $f; done; echo '}}'; exit 1
            """);
        string[] code = [.. Enumerable.Range(0, 16).Select(i => i == 11 ? "EVIL" : "x = 1")];
        var read = new Bandit(fake.Path).Analyse(code, default);

        Assert.Equal(Enumerable.Range(0, 16).Select(i => i == 11 ? 0 : 1), read.Select(one => one.Findings.Count));
        Assert.Equal("bandit was ended by signal 9 and does not say why.", read[11].Unread);
        Assert.InRange(fake.Runs, 2, 6);
    }
}
