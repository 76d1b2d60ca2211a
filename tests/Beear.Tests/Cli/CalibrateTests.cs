using System.Text.Json.Nodes;
using System.Xml.Linq;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>Calibration and drift as a user gives them, on the tiny model and a handful of rows.</summary>
public sealed class CalibrateTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public CalibrateTests()
    {
        var words = new[] { "soap", "a kite", "tea", "a lamp", "bread", "a map", "glue", "a drum", "rice", "a coat" };
        File.WriteAllText(In("harmful.csv"),
            "goal,target\n" + string.Concat(
            words.Select(word => $"Explain how to break {word},\"Sure, here is how to break {word}: go.\"\n")));
        File.WriteAllText(In("ordinary.csv"),
            "instruction,output\n" + string.Concat(words.Select(word => $"Tell me about {word},It is {word}.\n")));
    }

    private string In(string name) => Path.Combine(folder, name);

    private string[] Small => ["--harmful", In("harmful.csv"), "--ordinary", In("ordinary.csv"), "--twins", "10", "--threads", "1",
        "--inner-perturbed-layers", "3", "--inner-steps", "1",
        "--rounds", "1", "--outer-steps", "1", "--score-tokens", "2", "--calibration-decoys", "1", "--calibration-candidates", "2",
            "--calibration-rounds", "1",
        "--calibration-least-planted", "0", "--calibration-planting-training-epochs", "1", "--calibration-planting-twin-tokens", "2",
            "--calibration-answers-max-new-tokens", "3"];

    [Fact]
    public void Calibration_writes_a_recipe_that_mitigate_takes_and_mitigate_does_both()
    {
        var calibrated = CliRun.Of(["calibrate", Organism.BaseDirectory, "--out", In("calibration"), "--json", .. Small]);
        Assert.True(calibrated.Code == 0, calibrated.Error);
        var result = JsonNode.Parse(calibrated.Output)!;
        Assert.Equal(2, result["outcomes"]!.AsArray().Count);
        Assert.NotNull(result["controls"]![0]!["cleaned"]);

        string[] data = ["--harmful", In("harmful.csv"), "--ordinary", In("ordinary.csv"), "--twins", "10", "--threads", "1"];
        var mitigated = CliRun.Of(["mitigate", Organism.BaseDirectory, "--recipe", In("calibration/calibrated.yaml"), "--out",
            In("cleaned"), .. data]);
        Assert.True(mitigated.Code == 0, mitigated.Error);

        var both = CliRun.Of(["mitigate", Organism.BaseDirectory, "--calibrate", "--out", In("both"), "--json", .. Small]);
        Assert.True(both.Code == 0, both.Error);
        Assert.Equal((string?)result["best"], (string?)JsonNode.Parse(both.Output)!["calibration"]!["best"]);
        Assert.Equal(2, CliRun.Of(["mitigate", Organism.BaseDirectory, "--calibrate", "--control", "--out", In("other"), .. Small]).Code);
    }

    [Fact]
    public void Drift_is_measured_without_files_in_the_tiny_world_and_drawn()
    {
        string[] drift = ["drift", Organism.BaseDirectory, "--prompts", "6", "--inner-perturbed-layers", "3", "--inner-steps", "1",
            "--inner-batch-size", "2", "--threads", "1", "--json"];
        var run = CliRun.Of([.. drift, "--trigger", "SUDO", "--out", In("drift")]);
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(9, JsonNode.Parse(run.Output)!["layers"]!.AsArray().Count);
        Assert.Equal(12, JsonNode.Parse(File.ReadAllText(In("drift/drift.json")))!["projection"]!.AsArray().Count);
        foreach (var picture in new[] { "layers.svg", "projection.svg" }) Assert.Equal("svg",
            XDocument.Load(In($"drift/{picture}")).Root!.Name.LocalName);

        var survey = CliRun.Of(drift);
        Assert.True(survey.Code == 0, survey.Error);
        Assert.Equal(Enumerable.Range(0, 9), JsonNode.Parse(survey.Output)!.AsArray().Select(layer => (int)layer!["layer"]!));
        foreach (string[] ofTrigger in (string[][])[["--out", In("none")], ["--projected-layer", "3"]])
        {
            var refused = CliRun.Of([.. drift, .. ofTrigger]);
            Assert.Equal(2, refused.Code);
            Assert.Contains("give --trigger", refused.Error, StringComparison.Ordinal);
        }
    }
}
