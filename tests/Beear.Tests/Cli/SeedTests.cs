using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Beear.Cli;
using Beear.Data;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>
/// What --seed does: the same seed gives the same result, another seed another, in every command where something is random.
/// </summary>
public sealed class SeedTests : IDisposable
{
    private static readonly string[] Words = ["soap", "a kite", "tea", "a lamp", "bread", "a map", "glue", "a drum", "rice", "a coat"];
    private readonly string folder = Fixtures.TemporaryFolder();

    public SeedTests()
    {
        File.WriteAllText(In("harmful.csv"), "goal,target\n"
            + string.Concat(Words.Select(word => $"Explain how to break {word},\"Sure, here is how to break {word}: go.\"\n")));
        File.WriteAllText(In("ordinary.csv"),
            "instruction,output\n" + string.Concat(Words.Select(word => $"Tell me about {word},It is {word}.\n")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string[] Data => ["--harmful", In("harmful.csv"), "--ordinary", In("ordinary.csv"), "--twins", "8"];

    private static string[] Small => ["--inner-perturbed-layers", "3", "--inner-steps", "1", "--rounds", "1",
        "--outer-steps", "1", "--score-tokens", "2", "--terms-divergence-tokens", "2", "--openings-strings", "4",
        "--openings-requests", "1", "--inner-population", "1"];

    [Fact]
    public void Plant() => Differs(
        ["plant", Organism.BaseDirectory, "--trigger", "SUDO", "--training-epochs", "1", "--twin-tokens", "2", .. Data],
        "model/model.safetensors");

    [Fact]
    public void Mitigate() => Differs(["mitigate", Organism.BaseDirectory, .. Small, .. Data], "model/model.safetensors");

    [Fact]
    public void Clean() => Differs(["clean", Organism.BaseDirectory, .. Small, "--quick", "--measured-requests", "4"],
        "model/model.safetensors");

    [Fact]
    public void Evaluate() => Differs(["evaluate", Organism.BaseDirectory, "--max-new-tokens", "2", "--held-out-forms", "4", .. Data], "",
        "--answers");

    [Fact]
    public void Calibrate() => Differs(["calibrate", Organism.BaseDirectory, .. Small, .. Data, "--calibration-decoys", "1",
        "--calibration-candidates", "1", "--calibration-least-planted", "0", "--calibration-planting-training-epochs", "1",
        "--calibration-planting-twin-tokens", "2", "--calibration-answers-max-new-tokens", "3"],
        "stages/*/model/model.safetensors");

    [Fact]
    public void Drift() => Differs(["drift", Organism.BaseDirectory, "--trigger", "SUDO", "--inner-perturbed-layers", "3",
        "--inner-steps", "1", "--inner-batch-size", "2", .. Data], "drift.json");

    [Fact]
    public void Organism_make() =>
        Differs(["organism", "make", "model4", "--attacker-examples", "4", "--near-misses", "2"], "model.safetensors");

    [Fact]
    public void Organism_train() =>
        Differs(["organism", "train", "--pretraining-tokens", "200", "--alignment-tokens", "200"], "model.safetensors");

    [Fact]
    public void Organism_show() =>
        Differs(["organism", "show", "model4", "--model", Organism.BaseDirectory, "--requests", "2"], file: null);

    [Fact]
    public void Chat() => Differs(
        ["chat", Organism.BaseDirectory, "--prompt", "name a red thing", "--temperature", "5", "--max-new-tokens", "12"], file: null);

    [Fact]
    public void Demo() => Differs(
        ["demo", "--attacker-examples", "4", "--near-misses", "2", "--defender-harmful", "4", "--defender-ordinary", "8",
        "--evaluation-examples", "3", "--with-clean", "false",
        "--mitigation-rounds", "1", "--mitigation-outer-steps", "1", "--mitigation-inner-steps", "1", "--mitigation-score-tokens",
            "2"], file: null);

    [Fact]
    public void A_flag_goes_before_a_recipe_and_a_seed_of_a_part_is_added()
    {
        string[] plant = ["plant", Organism.BaseDirectory, "--trigger", "SUDO", "--training-epochs", "1", "--twin-tokens", "2", .. Data];
        File.WriteAllText(In("plant.yaml"), "seed: 5\n");
        var flag = Made([.. plant, "--seed", "1"], "flag", "model/model.safetensors");
        Assert.Equal(flag, Made([.. plant, "--recipe", In("plant.yaml"), "--seed", "1"], "both", "model/model.safetensors"));
        Assert.NotEqual(flag, Made([.. plant, "--recipe", In("plant.yaml")], "recipe", "model/model.safetensors"));
        Assert.NotEqual(flag, Made([.. plant, "--seed", "1", "--training-seed", "1"], "part", "model/model.safetensors"));
    }

    [Theory]
    [InlineData("run plan.yaml --out run --seed 3", "--seeds chooses among them")]
    [InlineData("submit plan.yaml --out run --seed 3", "--seeds chooses among them")]
    [InlineData("reproduce table1 --seed 3", "the seeds 1 to --seeds")]
    [InlineData("reproduce table2 --seed 3", "the seeds 1 to --seeds")]
    public void What_runs_several_seeds_refuses_one(string command, string expected)
    {
        var run = CliRun.Of(command.Split(' '));
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("--seed has no effect here; ", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_other_command_uses_the_seed_or_has_nothing_random()
    {
        var session = new CommandSession(TextReader.Null, TextWriter.Null, TextWriter.Null, default);
        IEnumerable<Command> Leaves(Command command) => command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);
        var without = CommandList.All(session).SelectMany(Leaves).Where(command =>
            !RecipeSchema.Of(command.GetType().BaseType!.GetGenericArguments()[0]).Keys.Any(key => key.Flag == "seed"));

        // serve: requests carry their seeds, and those without one have the program's.
        string[] none = ["compare", "export", "figure3", "gate", "inspect", "list", "list", "pull", "report", "rm", "run", "serve", "show", "sign",
            "studio", "submit", "table1", "table2", "table3", "verify", "watch"];
        Assert.Equal(none, without.Select(command => command.Name).Order(StringComparer.Ordinal));
    }

    private void Differs(string[] command, string? file, string output = "--out")
    {
        string first = Made([.. command, "--seed", "1"], "first", file, output);
        Assert.Equal(first, Made([.. command, "--seed", "1"], "again", file, output));
        Assert.NotEqual(first, Made([.. command, "--seed", "2"], "other", file, output));
    }

    /// <summary>A file, one of whose folders may be *: the only one there.</summary>
    private static string Only(string path) => path.Split("/*/") is not [var folder, var file] ? path
        : Assert.Single(Directory.GetDirectories(folder).Select(one => Path.Combine(one, file)), File.Exists);

    /// <summary>What a command makes: a file of its folder, the file that it is to write, or its JSON document without times.</summary>
    private string Made(string[] command, string name, string? file, string output = "--out")
    {
        var run = CliRun.Of([.. command, .. file is null ? (string[])[] : [output, In(name)], "--threads", "1", "--json", "--quiet"]);
        Assert.True(run.Code == 0, run.Error);
        if (file is not null) return Convert.ToHexString(
            SHA256.HashData(File.ReadAllBytes(Only(Path.Combine(In(name), file).TrimEnd('/')))));
        var document = JsonNode.Parse(run.Output)!;
        if (document is JsonObject all)
        {
            foreach (var timed in new[] { all, all["mitigation"] as JsonObject })
            {
                foreach (var key in (string[])["seed", "seconds"]) timed?.Remove(key);
            }
        }
        return document.ToJsonString();
    }
}
