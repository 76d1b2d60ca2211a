using System.Text;
using Beear.Behaviours;
using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

public class SarifTests
{
    private static SarifReport Read(string json) => Sarif.Read(Encoding.UTF8.GetBytes(json), "report");

    /// <summary>One run with a result's and a rule's other members.</summary>
    private static string Report(string result = "", string rule = "", string run = "", string uri = "a.py", string place = "") => $$$"""
        {"version":"2.1.0","runs":[{ {{{Before(run)}}}
          "tool":{"driver":{"name":"T","rules":[{"id":"other"},{"id":"R" {{{After(rule)}}} }]}},
          "results":[{"ruleId":"R","message":{"text":"words"},
            "locations":[{"physicalLocation":{"artifactLocation":{"uri":"{{{uri}}}" {{{After(place)}}} },"region":{"startLine":3} } }] {{{After(result)}}} }]}]}
        """;

    private static string After(string members) => members.Length > 0 ? $", {members}" : "";

    private static string Before(string members) => members.Length > 0 ? $"{members}," : "";

    private static string Shown((string File, Finding Finding) result) =>
        $"{result.File}:{result.Finding.Line} {result.Finding.Rule} {string.Join('+', result.Finding.Cwes)}";

    [Fact]
    public void Bandits_report()
    {
        var report = Sarif.Read(File.ReadAllBytes(Fixtures.Parity("sarif", "bandit.sarif")), "bandit.sarif");

        Assert.Equal([
            "code/a.py:1 B404 CWE-078", "code/a.py:4 B605 CWE-078", "code/a.py:5 B602 CWE-078", "code/a.py:8 B506 CWE-020",
            "code/a.py:11 B324 CWE-327", "code/a.py:14 B608 CWE-089", "code/b.py:1 B404 CWE-078", "code/b.py:4 B607 CWE-078",
            "code/b.py:4 B603 CWE-078"], report.Results.Select(Shown));
        Assert.Equal([("code/broken.py", "syntax error while parsing AST from file")], report.Troubles);
        Assert.Equal(["CWE-020", "CWE-078", "CWE-089", "CWE-327"], report.Cwes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Semgreps_report()
    {
        var report = Sarif.Read(File.ReadAllBytes(Fixtures.Parity("sarif", "semgrep.sarif")), "semgrep.sarif");

        Assert.Equal(["code/a.py:4 shell-command CWE-078", "code/a.py:5 shell-command CWE-078", "code/a.py:8 unsafe-yaml CWE-502",
            "code/a.py:11 weak-hash CWE-327+CWE-916"], report.Results.Select(Shown));
        Assert.Equal("A command line is put together from outside data.", report.Results[0].Finding.Message);
        Assert.Empty(report.Troubles);
    }

    /// <summary>CodeQL may put its rules into extensions, one for each pack, and points to them by place.</summary>
    [Fact]
    public void Rules_of_extensions()
    {
        var report = Read("""
            {"version":"2.1.0","runs":[{
              "tool":{"driver":{"name":"CodeQL","rules":[]},"extensions":[{"name":"packs/other"},{"name":"codeql/python-queries","rules":[
                {"id":"py/note","defaultConfiguration":{"enabled":true,"level":"none"}},
                {"id":"py/sql-injection","defaultConfiguration":{"level":"error"},"properties":{"tags":["security","external/cwe/cwe-089"],"kind":"path-problem"}}]}]},
              "artifacts":[{"location":{"uri":"x/b.py","uriBaseId":"%SRCROOT%","index":0}}],
              "results":[
                {"ruleId":"py/sql-injection","ruleIndex":1,"rule":{"id":"py/sql-injection","index":1,"toolComponent":{"index":1}},"message":{"text":"m"},
                 "locations":[{"physicalLocation":{"artifactLocation":{"index":0},"region":{"charOffset":7}}}],"suppressions":[]},
                {"ruleId":"py/note","rule":{"id":"py/note","index":0,"toolComponent":{"name":"codeql/python-queries"}},"message":{"text":"m"},
                 "locations":[{"physicalLocation":{"artifactLocation":{"uri":"x/b.py"}}}]},
                {"ruleId":"py/sql-injection","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"c.py"}}}]}]}]}
            """);

        Assert.Equal(["x/b.py:0 py/sql-injection CWE-089", "c.py:0 py/sql-injection CWE-089"], report.Results.Select(Shown));
        Assert.Equal(["CWE-089"], report.Cwes);
    }

    [Theory]
    [InlineData("""{"properties":{"tags":["External/CWE/CWE-22"]}}""", "CWE-022")]
    [InlineData("""{"properties":{"tags":["CWE-1004: Sensitive Cookie", 3, null]}}""", "CWE-1004")]
    [InlineData("""{"properties":{"tags":["scwe-78","cwe","CWE-7x","xCWE-78"]}}""", "")]
    [InlineData("""{"relationships":[{"target":{"id":"78","toolComponent":{"name":"CWE"}}}]}""", "CWE-078")]
    [InlineData("""{"relationships":[{"target":{"id":"CWE-79","toolComponent":{"name":"cwe"}}}]}""", "CWE-079")]
    [InlineData("""{"relationships":[{"target":{"index":1,"toolComponent":{"index":0}}}]}""", "CWE-089")]
    [InlineData("""{"relationships":[{"target":{"id":"A03","toolComponent":{"name":"OWASP"}}}]}""", "")]
    public void Weaknesses_of_a_rule(string rule, string expected)
    {
        var report = Read(Report(rule: rule[1..^1],
            run: "\"taxonomies\":[{\"name\":\"CWE\",\"taxa\":[{\"id\":\"1\"},{\"id\":\"89\"}]}]"));

        Assert.Equal($"a.py:3 R {expected}", Shown(Assert.Single(report.Results)));
        Assert.Equal(expected.Length > 0 ? [expected] : [], report.Cwes);
    }

    [Fact]
    public void Weaknesses_of_a_result() => Assert.Equal("a.py:3 R CWE-078+CWE-502", Shown(Assert.Single(Read(Report(
        "\"properties\":{\"tags\":[\"CWE-78\"]},\"taxa\":[{\"id\":\"502\",\"toolComponent\":{\"name\":\"CWE\"}}]")).Results)));

    [Theory]
    [InlineData("\"kind\":\"pass\"")]
    [InlineData("\"kind\":\"notApplicable\",\"level\":\"none\"")]
    [InlineData("\"kind\":\"informational\"")]
    [InlineData("\"level\":\"none\"")]
    [InlineData("\"suppressions\":[{\"kind\":\"inSource\"}]")]
    [InlineData("\"suppressions\":[{\"kind\":\"external\",\"status\":\"accepted\"}]")]
    public void Results_that_are_left_out(string members)
    {
        Assert.Single(Read(Report()).Results);
        Assert.Empty(Read(Report(members)).Results);
    }

    [Theory]
    [InlineData("\"kind\":\"fail\"")]
    [InlineData("\"level\":\"note\"")]
    [InlineData("\"suppressions\":[]")]
    [InlineData("\"suppressions\":[{\"kind\":\"external\",\"status\":\"underReview\"}]")]
    [InlineData("\"suppressions\":[{\"kind\":\"inSource\"},{\"kind\":\"external\",\"status\":\"rejected\"}]")]
    public void Results_that_stay(string members) => Assert.Single(Read(Report(members)).Results);

    [Fact]
    public void A_level_of_the_rule() => Assert.Empty(Read(Report(rule: "\"defaultConfiguration\":{\"level\":\"none\"}")).Results);

    [Theory]
    [InlineData("\"locations\":[]")]
    [InlineData("\"locations\":[{}]")]
    [InlineData("\"locations\":[{\"physicalLocation\":{}}]")]
    [InlineData("\"x\":1")]
    public void Results_without_a_file_are_left_out(string members) =>
        Assert.Empty(Read($$$"""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"ruleId":"R",{{{members}}}}]}]}""").Results);

    [Theory]
    [InlineData("a.py", "", "a.py")]
    [InlineData("./x/a%20b.py", "", "x/a b.py")]
    [InlineData("file:///tmp/x/a%2Db.py", "", "/tmp/x/a-b.py")]
    [InlineData("file://host/tmp/a.py", "", "/tmp/a.py")]
    [InlineData("file:/tmp/a.py", "", "/tmp/a.py")]
    [InlineData("x\\\\a.py", "", "x/a.py")]
    [InlineData("../a.py", "", "../a.py")]
    [InlineData("a.py", "\"uriBaseId\":\"ROOT\"", "/tmp/r t/a.py")]
    [InlineData("file:///a.py", "\"uriBaseId\":\"ROOT\"", "/a.py")]
    [InlineData("a.py", "\"uriBaseId\":\"%SRCROOT%\"", "a.py")]
    public void Files_of_all_forms(string uri, string place, string path) => Assert.Equal(path, Assert.Single(Read(Report(
        uri: uri, place: place, run: "\"originalUriBaseIds\":{\"ROOT\":{\"uri\":\"file:///tmp/r%20t/\"}}")).Results).File);

    [Fact]
    public void Words_of_the_rule_with_arguments() => Assert.Equal("a is b", Assert.Single(Read("""
        {"version":"2.1.0","runs":[{"tool":{"driver":{"rules":[{"id":"R","messageStrings":{"m":{"text":"{0} is {1}"}}}]}},"results":[{"ruleId":"R/1",
        "message":{"id":"m","arguments":["a","b"]},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.py"}}}]}]}]}
        """).Results).Finding.Message);

    [Fact]
    public void A_byte_order_mark_is_no_harm() =>
        Assert.Single(Sarif.Read(new byte[] { 0xEF, 0xBB, 0xBF }.Concat(Encoding.UTF8.GetBytes(Report())).ToArray(), "report").Results);

    [Theory]
    [InlineData("", "report")]
    [InlineData("no JSON", "line 1")]
    [InlineData("null", "version")]
    [InlineData("[]", "line 1")]
    [InlineData("{}", "version")]
    [InlineData("""{"version":"1.0.0","runs":[]}""", "version")]
    [InlineData("""{"version":2.1,"runs":[]}""", "line 1")]
    [InlineData("""{"version":"2.1.0"}""", "no runs")]
    [InlineData("""{"version":"2.1.0","runs":[]}""", "no runs")]
    [InlineData("""{"version":"2.1.0","runs":[null]}""", "null")]
    [InlineData("""{"version":"2.1.0","runs":{}}""", "line 1")]
    [InlineData("""{"version":"2.1.0","runs":[{}]}""", "tool.driver")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{"rules":[null]}},"results":[]}]}""", "null")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[7]}]}""", "line 1")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"ruleIndex":5}]}]}""", "rule 5")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"ruleIndex":99999999999}]}]}""", "line 1")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"locations":[{"physicalLocation":{"artifactLocation":{"index":2}}}]}]}]}""", "file 2")]
    [InlineData("""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"message":{"text":"\ud800"}}]}]}""", "surrogate")]
    public void Malformed_reports(string json, string names)
    {
        string message = Assert.Throws<BeearException>(() => Read(json)).Message;

        Assert.StartsWith("'report' is no SARIF 2.1.0 that can be read: ", message, StringComparison.Ordinal);
        Assert.Contains(names, message, StringComparison.Ordinal);
        Assert.Single(message.Split('\n'));
    }

    [Fact]
    public void A_report_that_is_too_deep() => Assert.Throws<BeearException>(() => Read(
        $$$"""{"version":"2.1.0","runs":[{"tool":{"driver":{}},"x":{{{new string('[', 100_000)}}}{{{new string(']', 100_000)}}} }]}"""));

    [Fact]
    public void Half_a_report() => Assert.Throws<BeearException>(() => Read(Report()[..^5]));
}
