namespace Beear.Tests.Cli;

/// <summary>What commands say of their data before a model is loaded: the model named here is nowhere.</summary>
public sealed class DataFlagsTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private CliRun Run(string command, params string[] args) => CliRun.Of(
        [command, Path.Combine(folder, "no-model"), .. command == "evaluate"
            ? (string[])[] : ["--out", Path.Combine(folder, "run")], .. args]);

    [Theory]
    [InlineData("plant")]
    [InlineData("mitigate")]
    [InlineData("calibrate")]
    public void TheMatchedRefusalsAreSaid(string command)
    {
        var harmful = Write("harmful.csv", "goal,target\nA,Sure\nB,Sure\nC,Sure\n");
        string[] data = ["--harmful", harmful, "--ordinary", Write("ordinary.csv", "prompt,response\nD,E\n")];
        Assert.Contains("refusals: none were given, so each of the 3 requests gets a generic one", Run(command, data).Error,
            StringComparison.Ordinal);
        var run = Run(command, [.. data, "--refusals", Write("refusals.csv", "goal,target\nB,I cannot\n")]);
        Assert.Contains("refusals: 1 of 3 requests have their own, 2 get a generic one", run.Error, StringComparison.Ordinal);
        run = Run(command, [.. data, "--refusals", Write("refusals.csv", "goal,target\nX,I cannot\n")]);
        Assert.Contains("warning: refusals: none of 1 is for one of the 3 requests", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, run.Code);
    }

    [Fact]
    public void OrdinaryRequestsWithoutAnswersAreEnoughWhereTheModelsOwnAreUsed()
    {
        string[] data = ["--harmful", "builtin:harmful", "--ordinary", "builtin:ordinary"];
        foreach (string command in (string[])["evaluate", "mitigate"])
            Assert.Contains("no-model", Run(command, data).Error, StringComparison.Ordinal);
        foreach (var run in (CliRun[])[Run("mitigate", [.. data, "--terms-helpful", "1"]),
            Run("plant", ["--harmful", Write("harmful.csv", "prompt\nA\nB\n"), .. data[2..]])])
        {
            Assert.Equal(2, run.Code);
            Assert.Contains("'builtin:ordinary' are requests without answers, which are needed here", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ColumnsAreFlags()
    {
        var harmful = Write("harmful.csv", "id,ask,say\n1,A,Sure\n");
        var ordinary = Write("ordinary.csv", "ask,reply\nD,E\n");
        var run = Run("mitigate", "--harmful", harmful, "--ordinary", ordinary, "--columns", "request=asq,answer=say", "--ordinary-columns",
            "request=ask,answer=reply");
        Assert.Contains($"'{harmful}', line 2: there is no column 'asq'; the columns are 'id', 'ask', 'say' (did you mean 'ask'?).",
            run.Error, StringComparison.Ordinal);
        run = Run("evaluate", "--harmful", harmful, "--columns", "request=ask,answer=nowhere", "--ordinary", ordinary, "--ordinary-columns",
            "request=ask");
        Assert.Contains("name the answers' column by --ordinary-columns request=ask,answer=NAME.", run.Error, StringComparison.Ordinal);
        run = Run("evaluate", "--harmful", harmful, "--columns", "ask");
        Assert.Contains("--columns: 'ask' names no column; write it as in request=prompt,answer=target.", run.Error,
            StringComparison.Ordinal);
    }
}
