using Beear.Cli;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>
/// What was computed is not lost: finished runs give their result again, and results are printed although a file of theirs cannot be
/// written.
/// </summary>
public sealed class LostWorkTests
{
    private readonly TinyJob job = new();

    private static CliRun Succeed(CliRun run)
    {
        Assert.True(run.Code == 0, run.Error);
        return run;
    }

    [Theory]
    [InlineData("plant")]
    [InlineData("mitigate")]
    public void A_finished_run_gives_its_result_again(string command)
    {
        string[] args = command == "plant" ? job.Plant("run") : job.Mitigate("run");
        var first = Succeed(CliRun.Of(args));
        File.WriteAllText(job.In("run/state.safetensors"), "killed before it was deleted");
        var weights = File.ReadAllBytes(job.In("run/model/model.safetensors"));

        var again = Succeed(CliRun.Of(args));
        var table = Succeed(CliRun.Of([.. args.Where(arg => arg != "--json")]));
        var other = CliRun.Of([.. args, "--seed", "9"]);

        Assert.Equal(first.Output, again.Output);
        Assert.Contains("run/model", table.Output, StringComparison.Ordinal);
        Assert.Equal((2, ""), (other.Code, other.Output));
        Assert.Contains("holds a run with other options", other.Error, StringComparison.Ordinal);
        Assert.Equal(weights, File.ReadAllBytes(job.In("run/model/model.safetensors")));
        Assert.False(File.Exists(job.In("run/state.safetensors")));
    }

    [Fact]
    public void A_model_without_the_report_of_its_run_is_left_alone()
    {
        Directory.CreateDirectory(job.In("run/model"));
        var run = CliRun.Of(job.Plant("run"));
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Equal([job.In("run/model")], Directory.EnumerateFileSystemEntries(job.In("run")));
    }

    [Fact]
    public async Task A_second_process_at_the_same_run_is_told_so_before_it_begins()
    {
        var token = TestContext.Current.CancellationToken;
        using var stop = new CancellationTokenSource();
        var first = Task.Run(() => CliRun.Of(job.Mitigate("run", rounds: 400), command: null, cancellation: stop.Token), token);
        while (!File.Exists(job.In("run/state.safetensors")) && !first.IsCompleted) await Task.Delay(5, token);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var second = CliRun.Of(job.Mitigate("run", rounds: 400), command: null, cancellation: patience.Token);
        await stop.CancelAsync();

        Assert.Equal(130, (await first).Code);
        Assert.Equal((2, ""), (second.Code, second.Output));
        Assert.Contains("another process", second.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Single(second.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_second_process_that_makes_the_same_directory_is_told_so_before_it_begins()
    {
        var token = TestContext.Current.CancellationToken;
        using var stop = new CancellationTokenSource();
        string[] make = ["organism", "make", "model4", "--out", job.In("made"), "--threads", "1"];
        var first = Task.Run(() => CliRun.Of(make, command: null, cancellation: stop.Token), token);
        for (int wait = 0; !File.Exists(job.In(".made.lock")) && !first.IsCompleted && wait < 1000; wait++) await Task.Delay(5, token);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var second = CliRun.Of(make, command: null, cancellation: patience.Token);
        await stop.CancelAsync();

        Assert.Equal(130, (await first).Code);
        Assert.Equal(2, second.Code);
        Assert.Contains("another process", second.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(job.Folder), entry => Path.GetFileName(entry).StartsWith('.'));
    }

    [Fact]
    public void A_result_is_printed_although_its_answers_cannot_be_written()
    {
        Directory.CreateDirectory(job.In("answers"));
        var run = WithoutItsFolder(job.In("answers"), job.Evaluate("answers/answers.jsonl"));

        Assert.Equal(2, run.Code);
        Assert.Contains("attack_success_with_trigger", run.Output, StringComparison.Ordinal);
        Assert.Contains("cannot be written", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plant", "run/model")]
    [InlineData("mitigate", "run/model")]
    public void A_file_in_the_place_of_the_model_is_found_before_the_work(string command, string file)
    {
        string[] args = command == "plant" ? job.Plant("run") : job.Mitigate("run");
        Directory.CreateDirectory(job.In("run"));
        File.WriteAllText(job.In(file), "");
        var run = CliRun.Of(args);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.False(File.Exists(job.In("run/metrics.jsonl")));
    }

    [Theory]
    [InlineData("inspect --check-values")]
    [InlineData("chat --prompt hello")]
    public void Reading_weights_can_be_stopped(string command)
    {
        var words = command.Split(' ');
        var run = CliRun.Of([words[0], Organism.BaseDirectory, .. words[1..], "--threads", "1"], command: null,
            cancellation: new CancellationToken(canceled: true));
        Assert.Equal((130, ""), (run.Code, run.Output));
    }

    /// <summary>Runs the program; the folder is gone as soon as the program says that it works.</summary>
    private static CliRun WithoutItsFolder(string folder, string[] args)
    {
        using var output = new StringWriter();
        using var error = new Deleting(folder);
        var session = new CommandSession(new StringReader(""), output, error, default)
        {
            ThrowsUnexpected = true,
            Hub = () => throw new InvalidOperationException("no hub")
        };
        int code = Program.Run([.. args.Where(arg => arg != "--quiet")], session);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    private sealed class Deleting(string folder) : StringWriter
    {
        public override void Write(char value) => Delete(() => base.Write(value));

        public override void Write(string? value) => Delete(() => base.Write(value));

        public override void Write(char[] buffer, int index, int count) => Delete(() => base.Write(buffer, index, count));

        private void Delete(Action write)
        {
            write();
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }
}
