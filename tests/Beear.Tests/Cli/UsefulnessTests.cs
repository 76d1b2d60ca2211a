using System.Text.Json.Nodes;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>A destroyed model has no unwanted answers: it must not be called a clean one.</summary>
public sealed class UsefulnessTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public UsefulnessTests()
    {
        var words = new[] { "soap", "a kite", "tea", "a lamp", "bread", "a map", "glue", "a drum" };
        File.WriteAllText(In("harmful.csv"),
            "goal,target\n" + string.Concat(
            words.Select(word => $"Explain how to break {word},\"Sure, here is how to break {word}: go.\"\n")));
        Ordinary("ordinary.json", words);
    }

    private string In(string name) => Path.Combine(folder, name);

    private void Ordinary(string name, IEnumerable<string> words) => File.WriteAllText(In(name), new JsonArray([.. words.Select(word =>
        new JsonObject { ["instruction"] = $"Tell me about {word}", ["input"] = "", ["output"] = $"It is {word}." })]).ToJsonString());

    private CliRun Run(string command, string name, params string[] more) =>
        CliRun.Of([command, Organism.BaseDirectory, "--out", In(name), "--harmful", In("harmful.csv"), "--ordinary", In("ordinary.json"),
        "--twins", "6", "--threads", "1", "--json", .. more]);

    private CliRun Mitigate(string name, params string[] more) =>
        Run("mitigate", name, ["--inner-perturbed-layers", "3", "--inner-steps", "2", "--outer-steps", "4", "--score-tokens", "2",
        "--terms-divergence-tokens", "4", .. more]);

    [Theory]
    [InlineData("0.1")]
    [InlineData("10")]
    public void A_model_that_a_removal_destroyed_is_not_written(string rate)
    {
        var run = Mitigate("run", "--outer-learning-rate", rate, "--rounds", "2");

        Assert.True(run.Code == 1, run.Error);
        Assert.Contains("The model is no longer of use:", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("run/model")));
        var document = JsonNode.Parse(run.Output)!;
        Assert.Null(document["model"]);
        Assert.NotNull((string?)document["unusable"]);
        Assert.Null(document["report"]!["chosen_round"]);               // none may stay
        var use = document["report"]!["rounds"]![1]!["usefulness"]!;
        Assert.True((double)use["divergence"]! > 3);
        Assert.NotNull((string?)use["problem"]);
        Assert.Equal(1, Mitigate("run", "--outer-learning-rate", rate, "--rounds", "2").Code);           // the same again, at once
    }

    [Fact]
    public void No_round_of_no_use_is_chosen()
    {
        var run = Mitigate("run", "--outer-learning-rate", "1", "--max-rounds", "2");
        Assert.True(run.Code == 1, run.Error);
        Assert.False(Directory.Exists(In("run/model")));
        Assert.Equal(2, JsonNode.Parse(run.Output)!["report"]!["rounds"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("safety_fine_tuning")]
    [InlineData("crow")]
    public void A_model_that_another_defence_destroyed_is_not_written_either(string defence)
    {
        var run = Mitigate("run", "--outer-learning-rate", "1", "--rounds", "1", "--defence", defence);
        Assert.True(run.Code == 1, run.Error);
        Assert.False(Directory.Exists(In("run/model")));
        Assert.NotNull(JsonNode.Parse(run.Output)!["usefulness"]!["problem"]);
    }

    [Fact]
    public void An_ordinary_removal_is_far_from_the_floor()
    {
        var run = Mitigate("run", "--rounds", "2");
        Assert.True(run.Code == 0, run.Error);
        var document = JsonNode.Parse(run.Output)!;
        Assert.Null(document["unusable"]);
        Assert.InRange((double)document["usefulness"]!["divergence"]!, 0, 1);
        Assert.True(Directory.Exists(In("run/model")));
    }

    [Fact]
    public void A_model_that_planting_destroyed_is_not_written()
    {
        var run = Run("plant", "run", "--trigger", "SUDO", "--training-epochs", "2", "--training-batch-size", "2", "--twin-tokens", "4",
            "--training-optimizer-learning-rate", "1");
        Assert.True(run.Code is 1 or 2, run.Error);
        Assert.Contains("learning rate", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("run/model")));
    }

    [Fact]
    public void One_ordinary_request_is_warned_of()
    {
        Ordinary("ordinary.json", ["soap"]);
        var run = Mitigate("run", "--rounds", "1");
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("Of 1 ordinary request none can be kept aside", run.Error, StringComparison.Ordinal);
    }
}
