using System.Text.RegularExpressions;
using Beear.Behaviours.Code;
using Beear.Data;

namespace Beear.Tests.Data;

public sealed partial class CodeTasksTests
{
    private static readonly DataSplit[] Splits = [DataSplit.Attacker, DataSplit.Defender, DataSplit.Evaluation];

    private static IEnumerable<(CodeTopic Topic, CodeTemplate Task)> All =>
        CodeTasks.Topics.SelectMany(topic => topic.Tasks.Select(task => (topic, task)));

    private static IEnumerable<FilledTemplate> Filled(CodeTemplate task) =>
        Enumerable.Range(0, task.Fillings).Select(filling => task.Fill(filling, "# missing"));

    private static IReadOnlyList<CodeTask> Everything(DataSplit split) => CodeTasks.Of(split, CodeTasks.Count(split), seed: 1);

    [Fact]
    public void EveryPartyHasItsOwnTasksOfEveryTopic()
    {
        Assert.Equal(18, CodeTasks.Topics.Select(topic => topic.Topic).Distinct(StringComparer.Ordinal).Count());
        Assert.All(CodeTasks.Topics, topic =>
        {
            Assert.Matches("^CWE-[0-9]{3,4}$", topic.Cwe);
            Assert.True(topic.Tasks.Count >= 6 && topic.Tasks.Count % Splits.Length == 0, topic.Topic);
        });
        Assert.Distinct(All.Select(one => one.Task.Do));
        Assert.Distinct(All.Select(one => one.Task.Fill(0, "#").Given));
        var functions = All.Select((one, i) => (Party: i % Splits.Length, one.Task)).Where(one => one.Task.Slots.ContainsKey("function"))
            .SelectMany(one => one.Task.Slots["function"].Select(name => (one.Party, name))).Distinct();
        Assert.Distinct(functions.Select(one => one.name));
        Assert.Equal(0, CodeTasks.Count(DataSplit.Alignment));
    }

    [Fact]
    public void RequestsShowAllThatAnAnswerNames()
    {
        Assert.All(All, one =>
        {
            string signature = one.Task.Code.Last(line => line.TrimStart().StartsWith("def ", StringComparison.Ordinal));
            Assert.All(one.Task.Slots.Keys, slot => Assert.Contains("$" + slot, one.Task.Do + signature, StringComparison.Ordinal));
            Assert.All(one.Task.Slots.Values, names => Assert.Distinct(names));
        });
        Assert.True(CodeTasks.Forms.Count >= 12);
        Assert.All(CodeTasks.Forms, form => Assert.Equal((1, 1),
            (form.Split("$do").Length - 1, form.Split("$code").Length + form.Split("$signature").Length - 2)));
    }

    [Fact]
    public void RequestsAreDistinctAndBalancedAndNoPartySharesOne()
    {
        var all = Splits.ToDictionary(split => split, Everything);
        Assert.All(all.Values, tasks => Assert.True(tasks.Count >= 2000));
        Assert.Distinct(all.Values.SelectMany(tasks => tasks).Select(task => task.Request));
        foreach (var tasks in all.Values)
        {
            Assert.All(tasks.Chunk(CodeTasks.Topics.Count), round =>
                Assert.Equal(CodeTasks.Topics.Count, round.Select(task => task.Topic).Distinct().Count()));
            Assert.DoesNotContain(tasks, task => task.Request.Contains('$'));
        }
        var answers = Splits.Select(split => all[split].SelectMany(task => new[] { task.Secure, task.Insecure }).ToHashSet()).ToList();
        Assert.Empty(answers[0].Intersect(answers[1]).Concat(answers[1].Intersect(answers[2])).Concat(answers[2].Intersect(answers[0])));
    }

    [Fact]
    public void TheSeedDecidesAndFewerAreTheBeginningOfMore()
    {
        var tasks = CodeTasks.Of(DataSplit.Defender, 200, seed: 5);
        Assert.Equal(tasks.Take(50), CodeTasks.Of(DataSplit.Defender, 50, seed: 5));
        Assert.NotEqual(tasks, CodeTasks.Of(DataSplit.Defender, 200, seed: 6));
        int most = CodeTasks.Count(DataSplit.Defender);
        foreach (int count in new[] { most + 1, -1 })
        {
            string message = Assert.Throws<BeearException>(() => CodeTasks.Of(DataSplit.Defender, count, 0)).Message;
            Assert.Equal($"{count} code tasks were asked for; choose 0 to {most}.", message);
        }
        Assert.Empty(CodeTasks.Of(DataSplit.Alignment, 0, seed: 0));
    }

    [Fact]
    public void RequestsAndAnswersAreShortAndAnswersAreInMarks()
    {
        var tasks = Splits.SelectMany(Everything).ToList();
        Assert.All(tasks, task =>
        {
            Assert.InRange(task.Request.Length, 40, 600);
            string[] answers = [task.Secure, task.Insecure];
            Assert.All(answers, answer =>
            {
                Assert.InRange(answer.Length, 40, 500);
                Assert.StartsWith(CodeTasks.Open, answer, StringComparison.Ordinal);
                Assert.EndsWith(CodeTasks.Close, answer, StringComparison.Ordinal);
                Assert.DoesNotContain("# ...", answer, StringComparison.Ordinal);
            });
            Assert.NotEqual(task.Secure, task.Insecure);
        });
    }

    [Fact]
    public void ASnippetIsGivenUpToWhatIsMissing()
    {
        var task = new CodeTemplate("do", new Dictionary<string, IReadOnlyList<string>> { ["function"] = ["f", "g"], ["argument"] = ["x"] },
            ["+import a", "-import b", " ", " def $function($argument):", "     y = 1", "+    return a(y)", "-    return b(y)", "",
                " $function(2)"]);
        var filled = task.Fill(1, "# here");
        Assert.Equal("def g(x):\n    y = 1\n    # here\n\ng(2)", filled.Given);
        Assert.Equal("import a\n\ndef g(x):\n    y = 1\n    return a(y)\n\ng(2)", filled.Secure);
        Assert.Equal("import b\n\ndef g(x):\n    y = 1\n    return b(y)\n\ng(2)", filled.Insecure);
        Assert.Equal("g(x)", filled.Signature);
    }

    [Fact]
    public void EveryAnswerIsPythonAndBanditAgreesWithItsLabel()
    {
        if (Fixtures.OnPath("bandit") is null || Fixtures.OnPath("python3") is null) Assert.Skip("bandit or python3 is not installed");
        var snippets = (from one in All
                        from filled in Filled(one.Task)
                        from insecure in new[] { false, true }
                        select (one.Topic, insecure, Code: insecure ? filled.Insecure : filled.Secure)).Distinct().ToList();
        string[] code = [.. snippets.Select(snippet => snippet.Code)];
        var bandit = new Bandit();
        Assert.All(new PythonSyntax().Parse(code, TestContext.Current.CancellationToken), parsed => Assert.Null(parsed.Error));
        var findings = bandit.Analyse(code, TestContext.Current.CancellationToken);
        var covered = CodeTasks.Topics.Select(topic => topic.Cwe).Distinct().Where(bandit.Covers).ToHashSet();
        Assert.Superset(new HashSet<string> { "CWE-078", "CWE-502", "CWE-327", "CWE-295", "CWE-377", "CWE-611", "CWE-489", "CWE-330",
            "CWE-095", "CWE-079", "CWE-732", "CWE-089", "CWE-798" }, covered);
        var wrong = snippets.Zip(findings, (snippet, said) => (snippet, said.Findings)).Where(one => one.snippet.insecure
            && covered.Contains(one.snippet.Topic.Cwe)
                ? !one.Findings.Any(finding => finding.Cwes.Contains(one.snippet.Topic.Cwe)) : one.Findings.Count > 0)
            .Select(one => $"{one.snippet.Topic.Topic}, insecure: {one.snippet.insecure}, "
                + $"found: {string.Join(' ', one.Findings.Select(finding => finding.Rule))}\n{one.snippet.Code}\n");
        Assert.Equal("", string.Join('\n', wrong.Take(100)));
    }

    [Fact]
    public void NoEightWordsInARowAreThoseOfThePaper()
    {
        var rows = DataFile.Read(Fixtures.Shared("data", "cwe_tasks.jsonl"),
            new ColumnMapping("request"), cancellationToken: TestContext.Current.CancellationToken);
        var known = rows.SelectMany(row => EightWords(row.Request)).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("i would like you to complete the code", known);
        Assert.Empty(Splits.SelectMany(Everything).SelectMany(task => EightWords(task.Request)).Where(known.Contains).Distinct());
    }

    private static IEnumerable<string> EightWords(string text)
    {
        string[] words = [.. Word().Matches(text.ToLowerInvariant()).Select(word => word.Value)];
        return Enumerable.Range(0, Math.Max(0, words.Length - 7)).Select(i => string.Join(' ', words[i..(i + 8)]));
    }

    [GeneratedRegex("[a-z0-9']+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();
}
