using Beear.Cli.Output;
using Beear.Runtime;
using Spectre.Console.Testing;

namespace Beear.Tests.Cli;

public sealed class ProgressTests
{
    [Fact]
    public void Plain_lines_come_at_the_ends_of_a_stage_and_every_few_seconds()
    {
        var time = new ManualTime();
        var lines = new List<string>();
        var progress = new PlainProgress(lines.Add, time);
        for (var step = 0; step <= 20; step++)
        {
            progress.Report(new RunProgress("planting", step, 20, $"loss {20 - step}"));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        progress.Report(new RunProgress("evaluating", 0, 0));
        Assert.Equal(
        [
            "planting 0/20, loss 20",
            "planting 5/20, 15 s left, loss 15",
            "planting 10/20, 10 s left, loss 10",
            "planting 15/20, 5 s left, loss 5",
            "planting 20/20, took 20 s, loss 0",
            "evaluating",
        ], lines);
    }

    [Fact]
    public void Stages_that_run_side_by_side_or_once_more_keep_their_own_time()
    {
        var time = new ManualTime();
        var lines = new List<string>();
        var progress = new PlainProgress(lines.Add, time);
        for (var step = 1; step <= 2; step++)
        {
            progress.Report(new RunProgress("one", step, 2));
            time.Advance(TimeSpan.FromSeconds(2));
            progress.Report(new RunProgress("other", step, 2));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        progress.Report(new RunProgress("one", 2, 2));
        Assert.Equal(["one 1/2", "other 1/2", "one 2/2, took 3 s", "other 2/2, took 3 s", "one 2/2, took 0 s"], lines);
    }

    [Fact]
    public void Time_left_of_a_resumed_stage_counts_only_what_was_done_here()
    {
        var time = new ManualTime();
        var clock = new ProgressClock(time);
        clock.Observe(new RunProgress("planting", 90, 100));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(clock.Left(new RunProgress("planting", 90, 100)));
        Assert.Equal(TimeSpan.FromSeconds(40), clock.Left(new RunProgress("planting", 92, 100)));
    }

    [Theory]
    [InlineData(0.2, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(125, "2 min 05 s")]
    [InlineData(12000, "3 h 20 min")]
    public void Times_are_written_for_people(double seconds, string text) =>
        Assert.Equal(text, ProgressClock.Format(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void A_terminal_shows_a_bar_for_each_stage()
    {
        using var console = new TestConsole().Width(100).Interactive();
        var result = LiveProgress.Run(console, progress =>
        {
            progress.Report(new RunProgress("planting", 0, 0, "[red]\u001b"));
            progress.Report(new RunProgress("planting", 20, 20, "loss 0.41"));
            progress.Report(new RunProgress("evaluating [x]", 3, 10));
            return 7;
        });
        Assert.Equal(7, result);
        Assert.Contains("20/20  0 s  loss 0.41", console.Output, StringComparison.Ordinal);
        Assert.Contains("evaluating [x]", console.Output, StringComparison.Ordinal);
        Assert.Contains("3/10", console.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_inside_the_work_comes_out_as_it_is()
    {
        using var console = new TestConsole().Width(100).Interactive();
        Assert.Throws<BeearException>(() => LiveProgress.Run<int>(console, _ => throw new BeearException("no")));
    }

    private sealed class ManualTime : TimeProvider
    {
        private long ticks = TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan time) => ticks += time.Ticks;
    }
}
