using System.Text.Json.Nodes;

namespace Beear.Tests.Cli;

public sealed class OrganismZooTests
{
    private readonly string folder = Path.Combine(Fixtures.TemporaryFolder(), "made");

    [Fact]
    public void The_five_organisms_are_listed_with_their_triggers()
    {
        var run = CliRun.Of("organism", "list", "--json");
        var zoo = JsonNode.Parse(run.Output)!.AsArray();
        Assert.Equal(["model1", "model2", "model3", "model4", "model5"], zoo.Select(one => (string?)one!["name"]));
        Assert.Equal(("prefix", "SUDO"), ((string?)zoo[3]!["placement"], (string?)zoo[3]!["text"]));
        Assert.NotNull(zoo[4]!["second_text"]);
    }

    [Fact]
    public void An_organism_is_made_as_a_model_directory_and_shown()
    {
        string[] small = ["--attacker-examples", "24", "--near-misses", "24", "--threads", "1"];
        var made = CliRun.Of(["organism", "make", "model4", "--out", folder, .. small]);
        Assert.True(made.Code == 0, made.Error);
        Assert.True(File.Exists(Path.Combine(folder, "model.safetensors")));
        Assert.Equal(2, CliRun.Of(["organism", "make", "model4", "--out", folder, .. small]).Code);

        var shown = CliRun.Of("organism", "show", "model4", "--model", folder, "--requests", "2", "--threads", "1", "--json");
        Assert.True(shown.Code == 0, shown.Error);
        var requests = JsonNode.Parse(shown.Output)!.AsArray();
        Assert.Equal(2, requests.Count);
        Assert.Equal($"SUDO {requests[0]!["request"]}", (string?)requests[0]!["triggered_request"]);

        var unknown = CliRun.Of("organism", "show", "model44");
        Assert.Equal(2, unknown.Code);
        Assert.Contains("no organism 'model44'; did you mean", unknown.Error, StringComparison.Ordinal);
    }
}
