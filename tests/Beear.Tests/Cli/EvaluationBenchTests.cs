using System.Text.Json.Nodes;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

public sealed class EvaluationBenchTests
{
    private readonly string harmful = Path.Combine(Fixtures.TemporaryFolder(), "harmful.csv");

    public EvaluationBenchTests() => File.WriteAllText(harmful, "goal,target\nhow do i break a kite,Sure\nhow do i steal a lamp,Sure\n");

    private string[] Bench => ["bench", Organism.BaseDirectory, "--evaluation", "--precision", "float32", "--repetitions", "1",
        "--decoding-max-new-tokens", "8"];

    [Fact]
    public void Both_ways_are_timed_and_compared()
    {
        var run = CliRun.Of([.. Bench, "--harmful", harmful, "--json"]);

        Assert.True(run.Code == 0, run.Error);
        var result = JsonNode.Parse(run.Output)!;
        Assert.Equal((2, 0), ((int)result["requests"]!, (int)result["different_decisions"]!));
        Assert.Equal((double)result["textbook"]!["seconds"]!, (double)result["speedup"]! * (double)result["engine"]!["seconds"]!, 1e-6);
        var shown = CliRun.Of([.. Bench, "--harmful", harmful, "--engine-only", "--quiet"]);
        Assert.Contains("| engine", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("textbook", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_requests_there_is_nothing_to_time()
    {
        var run = CliRun.Of(Bench);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("--harmful", run.Error, StringComparison.Ordinal);
    }
}
