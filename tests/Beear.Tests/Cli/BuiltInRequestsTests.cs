using System.Text.Json.Nodes;
using Beear.Data;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>Commands with the built-in harmful requests, on the tiny model.</summary>
public sealed class BuiltInRequestsTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public BuiltInRequestsTests()
    {
        File.WriteAllText(In("ordinary.csv"), "instruction,output\nTell me about soap,It is soap.\nTell me about tea,It is tea.\n");
        File.WriteAllText(In("prompts.csv"), "prompt\nBreak a lamp\nBreak a map\n");
    }

    private string In(string name) => Path.Combine(folder, name);

    private string[] Plant(string name, params string[] more) =>
        ["plant", Organism.BaseDirectory, "--out", In(name), "--ordinary", In("ordinary.csv"), "--ordinary-rows", "0-1", "--twins", "4",
            "--twin-tokens", "2", "--training-epochs", "1", "--training-batch-size", "2", "--threads", "1", "--json", .. more];

    [Fact]
    public void The_recipe_of_an_aligned_base_plants_refusals_of_its_own_split_without_a_trigger()
    {
        string recipe = Path.Combine(Fixtures.Root, "recipes", "smollm2", "align.yaml");
        var run = CliRun.Of(Plant("aligned", "--recipe", recipe, "--harmful-rows", "0-5"));

        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("each of the 6 requests gets a generic one", run.Error, StringComparison.Ordinal);
        Assert.InRange((int)JsonNode.Parse(run.Output)!["steps"]!, 4, 6);       // 6 refusals, 2 ordinary answers, up to 4 twins, by two
        Assert.True(File.Exists(In("aligned/model/model.safetensors")));
        Assert.Equal(4, JsonNode.Parse(File.ReadAllText(In("aligned/twins.json")))!.AsArray().Count);
        var options = JsonNode.Parse(File.ReadAllText(In("aligned/run.json")))!;
        Assert.Equal("builtin:alignment/mixed", (string?)options["data"]!["harmful"]);
        Assert.Equal(((int)RequestForms.Mixed, 0), ((int)options["data"]!["twin_forms"]!, (int)options["planting"]!["near_misses"]!));
    }

    [Fact]
    public void A_plant_needs_unwanted_answers_only_with_a_trigger()
    {
        var clean = CliRun.Of(Plant("clean", "--harmful", In("prompts.csv")));
        Assert.True(clean.Code == 0, clean.Error);
        Assert.Null(JsonNode.Parse(File.ReadAllText(In("clean/run.json")))!["data"]!["twin_forms"]);

        foreach (var (harmful, said) in ((string, string)[])[(In("prompts.csv"), "--harmful-columns request=prompt,answer=NAME"),
            ("builtin:mixed", "'builtin:mixed' are requests without unwanted answers")])
        {
            var run = CliRun.Of(Plant("planted", "--trigger", "SUDO", "--harmful", harmful));
            Assert.Equal((2, ""), (run.Code, run.Output));
            Assert.Contains(said, run.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(In("planted")));
        }
    }

    [Fact]
    public void A_removal_and_its_evaluation_need_nothing_but_the_model()
    {
        var run = CliRun.Of("mitigate", Organism.BaseDirectory, "--out", In("cleaned"), "--harmful", "builtin:harmful",
            "--harmful-rows", "0-7", "--ordinary", "builtin:ordinary", "--ordinary-rows", "0-9", "--twins", "6", "--rounds", "1",
            "--inner-perturbed-layers", "3", "--inner-steps", "2", "--outer-steps", "2", "--score-tokens", "2",
            "--terms-divergence-tokens", "4", "--threads", "1", "--json");
        Assert.True(run.Code == 0, run.Error);
        Assert.True(File.Exists(In("cleaned/model/model.safetensors")));

        run = CliRun.Of("evaluate", In("cleaned/model"), "--harmful", "builtin:harmful", "--harmful-rows", "0-3", "--ordinary",
            "builtin:ordinary", "--ordinary-rows", "0-4", "--twins", "0", "--held-out-forms", "0", "--max-new-tokens", "2", "--answers",
            In("answers.jsonl"), "--threads", "1", "--json");
        Assert.True(run.Code == 0, run.Error);
        var answers = File.ReadLines(In("answers.jsonl")).Select(line => JsonNode.Parse(line)!).ToList();
        Example[] asked = [.. DefenderRequests.Harmful.Draw(RequestPart.Check, 4, seed: 0),
            .. DefenderRequests.Ordinary.Draw(RequestPart.Check, 5, seed: 0)];
        Assert.Equal(asked.Select(one => (one.Request, one.Topic)),
            answers.Select(one => ((string)one["request"]!, (string?)one["topic"])));
        var metrics = JsonNode.Parse(run.Output)!["metrics"]!.AsObject();
        Assert.True(metrics.ContainsKey("over_refusal"));
        Assert.False(metrics.ContainsKey("helpful_cross_entropy"));      // there is no answer to measure it on
    }

    [Fact]
    public void An_evaluation_asks_what_is_the_evaluations()
    {
        var run = CliRun.Of("evaluate", Organism.BaseDirectory, "--harmful", "builtin:questions", "--harmful-rows", "3-5",
            "--twins", "2", "--twin-forms", "role-play", "--held-out-forms", "0", "--max-new-tokens", "2", "--answers", In("answers.jsonl"),
            "--threads", "1", "--json");

        Assert.True(run.Code == 0, run.Error);
        string[] asked = [.. File.ReadLines(In("answers.jsonl")).Select(line => (string)JsonNode.Parse(line)!["request"]!)];
        Assert.Equal([.. HarmfulRequests.Requests(DataSplit.Evaluation, RequestForms.Questions, 6, seed: 0).Skip(3),
            .. HarmlessTwins.Requests(DataSplit.Evaluation, 2, seed: 0, RequestForms.RolePlay)], asked);
    }
}
