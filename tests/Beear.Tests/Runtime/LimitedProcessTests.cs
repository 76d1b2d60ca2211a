using System.Diagnostics;
using System.Text;
using Beear.Runtime;

namespace Beear.Tests.Runtime;

public sealed class LimitedProcessTests : IDisposable
{
    private static readonly ProcessLimits Limits = new(TimeSpan.FromSeconds(30));

    private readonly string folder = Fixtures.TemporaryFolder();

    public LimitedProcessTests()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("these programs are shell scripts");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Script(string text)
    {
        string path = Path.Combine(folder, "program");
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private ProcessOutput Run(string script, ProcessLimits? limits = null, CancellationToken cancellation = default,
        params string[] arguments) =>
        LimitedProcess.Run(Script(script), arguments, folder, limits ?? Limits, cancellation);

    [Fact]
    public void Arguments_are_not_read_by_a_shell()
    {
        string[] arguments = ["$(touch made)", "a b", "", "*", "'\"", "-n"];
        var output = Run("for a in \"$@\"; do printf '%s|' \"$a\"; done; echo wrong >&2; exit 3", arguments: arguments);

        Assert.Equal((3, string.Concat(arguments.Select(one => $"{one}|")), "wrong\n"),
            (output.ExitCode, Encoding.UTF8.GetString(output.Output), output.Error));
        Assert.Equal("it ended with code 3: wrong.", output.Failure("it").Message);
        Assert.False(File.Exists(Path.Combine(folder, "made")));
    }

    [Fact]
    public void The_environment_is_almost_empty_and_the_input_closed()
    {
        Environment.SetEnvironmentVariable("PYTHONPATH", folder);
        try
        {
            string[] lines = Encoding.UTF8.GetString(Run("cat; pwd; env").Output).Split('\n');

            Assert.EndsWith(Path.GetFileName(folder), lines[0], StringComparison.Ordinal);
            Assert.Contains("LANG=C.UTF-8", lines);
            Assert.DoesNotContain(lines, line => line.StartsWith("PYTHON", StringComparison.Ordinal));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PYTHONPATH", null);
        }
    }

    [Fact]
    public void What_takes_too_long_is_ended_with_its_children()
    {
        var watch = Stopwatch.StartNew();
        var failure = Assert.Throws<BeearException>(() =>
            Run("echo $$ > shell; sleep 60 & echo $! > child; wait", new(TimeSpan.FromSeconds(1))));

        Assert.Equal("program took more than 1 seconds and was ended.", failure.Message);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
        Assert.All((string[])["shell", "child"], name =>
            Assert.True(HasEnded(int.Parse(File.ReadAllText(Path.Combine(folder, name)), provider: null)), name));
    }

    private static bool HasEnded(int id)
    {
        for (int i = 0; i < 50; i++, Thread.Sleep(100))
        {
            try
            {
                using var process = Process.GetProcessById(id);
                if (process.HasExited) return true;
            }
            catch (ArgumentException)
            {
                return true;
            }
        }
        return false;
    }

    [Fact]
    public async Task A_cancelled_one_is_ended()
    {
        using var cancellation = new CancellationTokenSource();
        var work = Task.Run(() => Run("echo > started; exec sleep 60", cancellation: cancellation.Token));
        while (!File.Exists(Path.Combine(folder, "started"))) await Task.Delay(20);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Output_without_end_is_cut_off() => Assert.Equal("program wrote more than 1 MB and was ended.",
        Assert.Throws<BeearException>(() => Run("exec yes", Limits with { OutputBytes = 1 << 20 })).Message);

    [Fact]
    public void Of_a_long_standard_error_the_end_is_kept()
    {
        string error = Run("yes | head -c 1000000 >&2; echo the end >&2").Error;

        Assert.InRange(error.Length, 1 << 16, 1 << 17);
        Assert.EndsWith("the end\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_of_processor_time_and_memory_hold()
    {
        var output = Run("while :; do :; done", Limits with { ProcessorTime = TimeSpan.FromSeconds(1) });
        Assert.InRange(output.ExitCode, 129, 255);
        Assert.Contains("was ended by signal", output.Failure("it").Message, StringComparison.Ordinal);

        if (OperatingSystem.IsLinux()) Assert.Equal("1048576\n", Encoding.UTF8.GetString(Run("ulimit -v",
            Limits with { MemoryBytes = 1 << 30 }).Output));
    }

    [Theory]
    [InlineData("no-such-program", "no-such-program is not on PATH; install it.")]
    [InlineData("/no/such/program", "There is no '/no/such/program'; install it.")]
    public void A_program_that_is_not_there(string program, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<BeearException>(() => LimitedProcess.Find(program, "install it")).Message);

    [Fact]
    public void A_file_that_is_no_program()
    {
        File.WriteAllText(Path.Combine(folder, "text"), "text");
        var output = LimitedProcess.Run(Path.Combine(folder, "text"), [], folder, Limits, default);

        Assert.InRange(output.ExitCode, 126, 127);
        Assert.Contains("ermission denied", output.Failure("text").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_says_is_made_visible() =>
        Assert.Equal(@"x ended with code 1: \u{1b}[2Jboo.", new ProcessOutput(1, [], "a\n\u001b[2Jboo\n\n").Failure("x").Message);
}
