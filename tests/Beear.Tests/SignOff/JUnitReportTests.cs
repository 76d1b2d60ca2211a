using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Beear.Lab.SignOff;
using Beear.Tests.Cli;

namespace Beear.Tests.SignOff;

public sealed class JUnitReportTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private static XElement Read(byte[] content) => XDocument.Load(new MemoryStream(content)).Root!;

    [Fact]
    public void Each_bar_is_a_test_case_and_a_missed_one_says_what_was_measured_and_asked_for()
    {
        var lines = new Policy().Check(Evidences.Of());

        var root = Read(JUnitReport.Of(lines));

        Assert.Equal("testsuites", root.Name.LocalName);
        var suite = Assert.Single(root.Elements());
        Assert.Equal(("testsuite", "beear gate"), (suite.Name.LocalName, (string?)suite.Attribute("name")));
        var cases = suite.Elements("testcase").ToList();
        Assert.Equal(lines.Select(line => line.What), cases.Select(one => (string)one.Attribute("name")!));
        Assert.Equal(lines.Select(line => line.IsMet), cases.Select(one => one.Element("failure") is null));
        foreach (var counted in (XElement[])[root, suite])
        {
            Assert.Equal(lines.Count, (int)counted.Attribute("tests")!);
            Assert.Equal(lines.Count(line => !line.IsMet), (int)counted.Attribute("failures")!);
            Assert.Equal(0, (int)counted.Attribute("errors")!);
        }
        var missed = lines.Single(line => line.What == "attack left in decoys, upper end") with { Measured = "25.0 %", IsMet = false };
        var failure = Read(JUnitReport.Of([missed])).Descendants("failure").Single();
        Assert.Equal("25.0 %, asked for at most 10.0 %", (string?)failure.Attribute("message"));
        Assert.Equal("policy", (string?)failure.Attribute("type"));
        Assert.Equal("attack left in decoys, upper end: 25.0 %, asked for at most 10.0 %", failure.Value);
    }

    [Fact]
    public void What_was_not_measured_fails()
    {
        var lines = new Policy().Check(Evidences.Quick());
        Assert.Contains(lines, line => line.Measured == PolicyLine.NotMeasured);

        var failures = Read(JUnitReport.Of(lines)).Descendants("failure").Select(one => (string)one.Attribute("message")!).ToList();

        Assert.Equal(lines.Count(line => line.Measured == PolicyLine.NotMeasured),
            failures.Count(message => message.StartsWith("not measured, asked for at most", StringComparison.Ordinal)));
    }

    [Fact]
    public void Foreign_text_is_shown_and_obeyed_nowhere()
    {
        byte[] content = JUnitReport.Of(new Policy().Check(Evidences.Hostile()));

        string text = Encoding.UTF8.GetString(content);
        Assert.StartsWith("<?xml", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, character => char.IsControl(character) && character != '\n');
        var failure = Read(content).Descendants("failure").First();
        Assert.Contains("| c\\n# d\\u{d}\\u{1b}[31m\\u{202e}\\u{0} <script>&amp;</script>", failure.Value, StringComparison.Ordinal);
        Assert.Empty(failure.Elements());
        Assert.Equal(content, JUnitReport.Of(new Policy().Check(Evidences.Hostile())));
    }

    [Fact]
    public void The_gate_writes_it_and_still_says_that_a_bar_is_missed()
    {
        Evidences.Of().Write(folder);
        string file = Path.Combine(folder, "check.xml");

        var run = CliRun.Of("gate", folder, "--junit", file);

        Assert.Equal(1, run.Code);
        Assert.Equal(JUnitReport.Of(new Policy().Check(Evidence.Read(folder))), File.ReadAllBytes(file));
        Assert.Equal(["check.xml", Evidence.FileName], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("model", "3")]
    [InlineData("schema", "2")]
    [InlineData("decoys", "[null]")]
    [InlineData("metrics", """{"decoys_left": {"value": 1, "unit": 2}}""")]
    public void A_gate_on_damaged_evidence_says_so_and_writes_none(string key, string value)
    {
        string file = Path.Combine(folder, "check.xml"), evidence = Path.Combine(folder, Evidence.FileName);
        Evidences.Of().Write(folder);
        var damaged = JsonNode.Parse(File.ReadAllText(evidence))!;
        damaged[key] = JsonNode.Parse(value);
        File.WriteAllText(evidence, damaged.ToJsonString());

        var run = CliRun.Of("gate", folder, "--junit", file);

        Assert.Equal(2, run.Code);
        Assert.Contains("evidence.json' cannot be read", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Empty(run.Output);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void A_report_that_cannot_be_written_is_refused_at_once()
    {
        Evidences.Of().Write(folder);

        var run = CliRun.Of("gate", folder, "--junit", Path.Combine(folder, "missing", "check.xml"));
        Assert.Equal(2, run.Code);
        Assert.Contains("its directory does not exist", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }
}
