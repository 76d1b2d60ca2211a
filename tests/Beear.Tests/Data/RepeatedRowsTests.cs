using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Tests.Cli;
using Beear.Text;

namespace Beear.Tests.Data;

public sealed class RepeatedRowsTests : IDisposable
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static IEnumerable<Example> Of(params string[] requests) => requests.Select(request => new Example(request, "x"));

    [Fact]
    public void Rows_that_are_the_same_text_are_counted()
    {
        var found = RepeatedRows.Find(("harmful requests", Of("Break a lock", "break  a\tLOCK ", "other", "Other")),
            ("ordinary requests", Of("make soap", "BREAK A LOCK")));

        Assert.Equal(2, found.Count);
        Assert.StartsWith("2 of 4 harmful requests repeat an earlier one", found[0], StringComparison.Ordinal);
        Assert.StartsWith("1 of 2 ordinary requests are among harmful requests too", found[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Other_rows_are_not()
    {
        Assert.Empty(RepeatedRows.Find(("a", Of("one", "two")), ("b", Of("three"))));
        Example yes = new("yes", "") { Context = [ChatTurn.User("a"), ChatTurn.Assistant("b?")] },
            other = yes with { Context = [ChatTurn.User("c"), ChatTurn.Assistant("b?")] };
        Assert.Empty(RepeatedRows.Find(("a", [yes, other])));
        Assert.Single(RepeatedRows.Find(("a", [yes, yes with { Answer = "no" }])));
    }

    [Fact]
    public void Parties_of_an_experiment_that_share_a_text_are_named()
    {
        File.WriteAllText(In("harmful.csv"), "goal,target\nBreak a lock,Sure\nother,Sure\nbreak  a lock,Sure\n");
        File.WriteAllText(In("ordinary.csv"), "instruction,output\none,x\ntwo,x\nthree,x\n");
        static PartyRows Row(int row) => new() { HarmfulRows = $"{row}-{row}", OrdinaryRows = $"{row}-{row}" };
        var options = new ModelSubjectOptions
        {
            Source = "model",
            Harmful = In("harmful.csv"),
            Ordinary = In("ordinary.csv"),
            Attacker = Row(0),
            Defender = Row(1),
            Evaluation = Row(2),
        };

        string said = Assert.Single(new ModelSubject(options, "model", TorchSharp.torch.CPU)
            .DataWarnings(TestContext.Current.CancellationToken));

        Assert.StartsWith("1 of 1 harmful requests of the evaluation are among harmful requests of the attacker too", said,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_party_may_have_harmful_requests_of_its_own()
    {
        string asked = HarmfulRequests.Requests(DataSplit.Evaluation, RequestForms.Commands, 1, seed: 0)[0];
        File.WriteAllText(In("harmful.csv"), $"goal,target\nBreak a lock,Sure\n\"{asked}\",Sure\n");
        File.WriteAllText(In("ordinary.csv"), "instruction,output\none,x\ntwo,x\nthree,x\n");
        var options = new ModelSubjectOptions
        {
            Source = "model",
            Harmful = In("harmful.csv"),
            Ordinary = In("ordinary.csv"),
            Attacker = new PartyRows { HarmfulRows = "0-1", OrdinaryRows = "0-0" },
            Defender = new PartyRows { HarmfulRows = "0-119", OrdinaryRows = "1-1", Harmful = "builtin:mixed" },
            Evaluation = new PartyRows { HarmfulRows = "0-9", OrdinaryRows = "2-2", Harmful = "builtin:commands" },
        };
        options.Validate();

        string said = Assert.Single(new ModelSubject(options, "model", TorchSharp.torch.CPU)
            .DataWarnings(TestContext.Current.CancellationToken));

        Assert.StartsWith("1 of 10 harmful requests of the evaluation are among harmful requests of the attacker too", said,
            StringComparison.Ordinal);
        // What a folder of before says of its options must still be what it says now.
        Assert.DoesNotContain("Harmful\":", System.Text.Json.JsonSerializer.Serialize(options.Attacker), StringComparison.Ordinal);
    }

    [Fact]
    public void An_evaluation_of_one_row_says_that_it_says_little() =>
        Assert.Contains("only one harmful request", Assert.Single(new EvaluationData { Harmful = [new Example("a", "")] }.Warnings),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("evaluate", "40 equal", "39 of 40 harmful requests repeat an earlier one")]
    [InlineData("evaluate", "one", "only one harmful request")]
    [InlineData("evaluate", "none", "holds no rows")]
    [InlineData("plant", "40 equal", "39 of 40 harmful requests repeat an earlier one")]
    [InlineData("mitigate", "40 equal", "40 of 40 ordinary requests are among harmful requests too")]
    [InlineData("calibrate", "40 equal", "39 of 40 harmful requests repeat an earlier one")]
    [InlineData("drift", "40 equal", "39 of 40 harmful requests repeat an earlier one")]
    [InlineData("bench", "40 equal", "40 of 40 ordinary requests are among harmful requests too")]
    [InlineData("bench --evaluation", "40 equal", "39 of 40 harmful requests repeat an earlier one")]
    [InlineData("bench --evaluation", "one", "only one harmful request")]
    public void Commands_say_so_before_weights_are_loaded(string command, string rows, string said)
    {
        Directory.CreateDirectory(In("model"));
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(file, Path.Combine(In("model"), Path.GetFileName(file)));
        using (var weights = File.OpenWrite(In("model/model.safetensors"))) weights.SetLength(1000);
        int count = rows == "none" ? 0 : rows == "one" ? 1 : 40;
        File.WriteAllText(In("rows.csv"),
            "goal,target\n" + string.Concat(Enumerable.Range(0, count)
                .Select(i => $"{(i % 2 == 0 ? "Break a lock" : "break a  LOCK")},Sure\n")));
        string[] more = command switch
        {
            "evaluate" or "bench --evaluation" => [],
            "bench" => ["--ordinary", In("rows.csv"), "--inner-perturbed-layers", "3"],
            "drift" => ["--ordinary", In("rows.csv"), "--inner-perturbed-layers", "3", "--trigger", "SUDO"],
            _ => ["--out", In("run"), "--ordinary", In("rows.csv")],
        };
        string[] words = command.Split(' ');

        var run = CliRun.Of([words[0], In("model"), .. words[1..], "--harmful", In("rows.csv"), .. more]);

        Assert.Equal(2, run.Code);
        Assert.Contains(said, string.Join(' ', run.Error.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(folder, name);
}
