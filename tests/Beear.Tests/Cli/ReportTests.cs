using System.Text.Json.Nodes;
using Beear.Tests.Reports;

namespace Beear.Tests.Cli;

public sealed class ReportTests
{
    private readonly string page = Path.Combine(Fixtures.TemporaryFolder(), "report.html");

    [Fact]
    public void The_command_writes_the_page_and_what_belongs_to_it()
    {
        var folder = ReportFolder.Whole();
        var run = CliRun.Of("report", folder.Place, "--out", page);

        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("table1: Removed. BEEAR left 1.5 % [0.9, 2.6] of the attack", run.Output, StringComparison.Ordinal);
        Assert.StartsWith("<!doctype html>", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.ChangeExtension(page, ".csv")));
        string folderOfCharts = Path.ChangeExtension(page, null) + "-files";
        string[] pictures = [.. Directory.GetFiles(folderOfCharts).Select(file => Path.GetFileName(file))];
        Assert.Contains("p1-c1-rates.svg", pictures);
        Assert.Contains("p1-c1-rates.png", pictures);
        Assert.Contains("p1-c1-2-score.png", pictures);

        var again = CliRun.Of("report", folder.Place, folder.Place, "--out", page, "--json");        // a folder counts once
        var json = JsonNode.Parse(again.Output)!;
        Assert.Equal("removed", (string?)json["plans"]![0]!["verdicts"]![0]!["finding"]);
        Assert.Equal(pictures.Length, Directory.GetFiles(folderOfCharts).Length);
    }

    [Fact]
    public void A_sweep_over_layers_has_a_table_of_its_own()
    {
        string place = ReportFolder.Layers().Place, table = Path.ChangeExtension(page, null) + "-layers.csv";

        Assert.Contains($", {table}, ", CliRun.Of("report", place, "--out", page).Output.ReplaceLineEndings(""), StringComparison.Ordinal);
        Assert.True(File.Exists(table));
        Assert.Equal(table, (string?)JsonNode.Parse(CliRun.Of("report", place, "--out", page, "--json").Output)!["layers"]);
    }

    [Theory]
    [InlineData("\"schema\": 1", "\"schema\": 2", "is a record of schema 2, and this program reads 1")]
    [InlineData("\"state\": \"finished\"", "\"state\": \"finished", "is damaged")]
    [InlineData("\"state\": \"finished\"", "\"state\": 7.5", "is damaged")]
    [InlineData("\"name\": {", "\"name\": null, \"unknown\": {", "is damaged")]
    [InlineData("\"measurement\": {\n    \"metrics\"", "\"measurement\": null, \"unknown\": {\n    \"metrics\"",
        "has ended, but has no measurement")]
    [InlineData("\"id\": \"0000000000000002\"", "\"id\": \"../../etc/passwd\"", "its identity is not one")]
    [InlineData("\"scores\": [\n          \"remaining\"", "\"scores\": [\n          [1]", "holds a damaged record")]
    public void A_record_that_cannot_be_read_is_one_sentence(string part, string written, string message)
    {
        var folder = new ReportFolder();
        folder.Add("model1", "planted", 1, attack: 200);
        var record = folder.Add("model1", "beear", 1, attack: 6, kind: "beear", rounds: 2);
        string file = Path.Combine(folder.Place, "runs", $"{record.Id}.json"), whole = File.ReadAllText(file);
        Assert.Contains(part, whole, StringComparison.Ordinal);
        File.WriteAllText(file, whole.Replace(part, written, StringComparison.Ordinal));

        var run = CliRun.Of("report", folder.Place, "--out", page);

        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(page));
    }

    [Fact]
    public void What_cannot_be_done_is_said_before_anything_is_written()
    {
        var folder = ReportFolder.Whole();
        foreach (var (args, message) in ((string[], string)[])
        [
            (["report", folder.Place, "--out", page + ".txt"], "the page is an .html file"),
            (["report", folder.Place, "--out", Path.Combine(page, "report.html")], "its directory does not exist"),
            (["report", Fixtures.TemporaryFolder(), "--out", page], "holds no runs"),
            (["report", new ReportFolder().Place, "--out", page], "so there is nothing to report"),
            (["report", "--out", page], "folders"),
        ])
        {
            var run = CliRun.Of(args);
            Assert.Equal(2, run.Code);
            Assert.Contains(message, run.Error, StringComparison.Ordinal);
        }
        Assert.False(File.Exists(page));
    }
}
