using System.Text.Json.Nodes;
using Beear.Data;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Training;

public sealed class RunDirectoryTests : IDisposable
{
    private readonly string folder = Path.Combine(Fixtures.TemporaryFolder(), "run");

    [Fact]
    public void The_same_options_open_the_same_run()
    {
        RunDirectory.Open(folder, new { Rounds = 2, Inner = new { Steps = 3 } }).Append(new { GradientNorm = 0.5 });

        var again = RunDirectory.Open(folder, new { Rounds = 2, Inner = new { Steps = 3 } });
        again.Append(new { GradientNorm = 0.25 });

        Assert.Equal(["""{"gradient_norm":0.5}""", """{"gradient_norm":0.25}"""], File.ReadLines(again.File("metrics.jsonl")));
    }

    [Fact]
    public void Other_options_are_refused_by_name()
    {
        RunDirectory.Open(folder, new { Rounds = 2, Seed = 1 });

        var failure = Assert.Throws<BeearException>(() => RunDirectory.Open(folder, new { Rounds = 3, Seed = 1 }));

        Assert.Contains("rounds: 2 there, 3 now", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_something_else_in_it_is_refused()
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "letter.txt"), "dear reader");

        Assert.Contains("not empty", Assert.Throws<BeearException>(() => RunDirectory.Open(folder, new { Rounds = 2 })).Message,
            StringComparison.Ordinal);
        Assert.Equal(["letter.txt"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("model")]
    [InlineData("probe")]
    public void What_a_killed_process_left_under_a_temporary_name_blocks_nothing_and_goes(string name)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $".{name}.{Guid.NewGuid():N}"), "{ \"rou");

        RunDirectory.Check(folder, new { Rounds = 2 });
        RunDirectory.Open(folder, new { Rounds = 2 });

        Assert.Equal(["run.json"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Metrics_that_were_written_after_the_state_are_taken_back_with_it()
    {
        var run = RunDirectory.Open(folder, new { });
        run.Append(new { Step = 1 });
        Assert.Null(run.OpenState());
        Assert.Empty(File.ReadAllText(run.File("metrics.jsonl")));

        run.Append(new { Step = 1 });
        run.SaveState([("weight.0", zeros(1))], new JsonObject());
        run.Append(new { Step = 2 });
        File.AppendAllText(run.File("metrics.jsonl"), "{\"st");              // killed within a line
        run.OpenState()!.Value.Tensors.Dispose();

        Assert.Equal(["""{"step":1}"""], File.ReadAllLines(run.File("metrics.jsonl")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no safetensors")]
    public void A_damaged_state_is_said_to_be_one(string content)
    {
        var run = RunDirectory.Open(folder, new { });
        File.WriteAllText(run.File("state.safetensors"), content);

        var failure = Assert.Throws<BeearException>(() => run.OpenState());

        Assert.Contains("state.safetensors' is damaged", failure.Message, StringComparison.Ordinal);
        Assert.Contains("delete it, and the run starts anew", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{ \"rounds\": 2")]
    [InlineData("[]")]
    public void A_damaged_run_is_refused(string content)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "run.json"), content);

        Assert.Throws<BeearException>(() => RunDirectory.Open(folder, new { Rounds = 2 }));
    }

    [Fact]
    public void An_artefact_is_made_once()
    {
        var run = RunDirectory.Open(folder, new { });
        int made = 0;

        int[] First() => run.Artefact("tokens.json", () => new[] { ++made, 7 });

        Assert.Equal([1, 7], First());
        Assert.Equal([1, 7], First());
        File.WriteAllText(run.File("tokens.json"), "[1, ");
        Assert.Contains("damaged", Assert.Throws<BeearException>(() => First()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[null]")]
    [InlineData("[{}]")]
    [InlineData("""[{ "prompt": [1], "answer": null }]""")]
    [InlineData("""[{ "prompt": [null], "answer": [2] }]""")]
    public void An_artefact_of_another_shape_is_said_to_be_damaged(string content)
    {
        var run = RunDirectory.Open(folder, new { });
        File.WriteAllText(run.File("twins.json"), content);

        string message = Assert.Throws<BeearException>(() => run.Artefact<IReadOnlyList<TokenizedExample>>("twins.json", () => [])).Message;

        Assert.Contains("twins.json' is damaged", message, StringComparison.Ordinal);
        Assert.Contains("delete it, and the run makes it again", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{ "prompt": [1], "answer": null }""")]
    public void A_result_of_another_shape_is_said_to_be_damaged(string content)
    {
        var run = RunDirectory.Open(folder, new { });
        Directory.CreateDirectory(run.File("model"));
        File.WriteAllText(Path.Combine(run.File("model"), "config.json"), "{}");
        File.WriteAllText(run.File("result.json"), content);

        Assert.Contains("result.json' is damaged",
            Assert.Throws<BeearException>(() => RunDirectory.Result<TokenizedExample>(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_comes_back_and_goes_away()
    {
        using var scope = NewDisposeScope();
        var run = RunDirectory.Open(folder, new { });
        Assert.Null(run.OpenState());
        run.SaveState([("weight.0", arange(6, float32).view(2, 3))], new JsonObject { ["step"] = 4 });

        var (tensors, progress) = run.OpenState()!.Value;
        using (tensors)
        {
            Assert.Equal(4, progress["step"]!.GetValue<int>());
            Assert.Equal([0, 1, 2, 3, 4, 5], tensors.Read("weight.0").data<float>().ToArray());
        }

        run.DeleteState();
        Assert.Null(run.OpenState());
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
}
