using Beear.Runtime;

namespace Beear.Cli.Output;

/// <summary>Progress as plain lines: one when a stage begins and ends, and one every few seconds between.</summary>
internal sealed class PlainProgress(Action<string> write, TimeProvider time) : IProgress<RunProgress>
{
    /// <summary>The least time between two lines of one stage.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly ProgressClock clock = new(time);
    private long lastLine;

    public void Report(RunProgress value)
    {
        lock (gate)
        {
            var begins = clock.Observe(value);
            var ends = value.Total > 0 && value.Done >= value.Total;
            if (!begins && !ends && time.GetElapsedTime(lastLine) < Interval) return;
            lastLine = time.GetTimestamp();
            write(Describe(value, ends));
        }
    }

    private string Describe(RunProgress value, bool ends)
    {
        var count = value.Total > 0 ? $" {value.Done}/{value.Total}" : value.Done > 0 ? $" {value.Done}" : "";
        var times = ends ? $", took {ProgressClock.Format(clock.Elapsed)}" : clock.Left(value) is { } left ? $", {ProgressClock.Format(left)} left" : "";
        return $"{value.Stage}{count}{times}{(value.Detail is null ? "" : $", {value.Detail}")}";
    }
}
