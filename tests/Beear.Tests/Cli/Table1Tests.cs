
namespace Beear.Tests.Cli;

public sealed class Table1Tests
{
    [Fact]
    public void What_cannot_be_reproduced_is_told_with_what_can()
    {
        (string[] Args, string Message)[] wrong =
        [
            (["--models", "model22"], "did you mean 'model2'"), (["--arms", "bear"], "did you mean 'beear'"),
                (["--scale", "8b"], "choose organism, smollm2 or llama-2-7b"),
            (["--shard", "3/2"], "'3/2' is no shard"), (["--seed", "1"], "the table has the seeds 1 to --seeds"),
        ];
        foreach (var (args, message) in wrong)
        {
            var run = CliRun.Of(["reproduce", "table1", .. args]);
            Assert.Equal(2, run.Code);
            Assert.Contains(message, run.Error, StringComparison.Ordinal);
        }
    }
}
