using Beear.Runtime;

namespace Beear.Cli.Output;

/// <summary>Progress as plain lines: one when a stage begins and ends, and one every few seconds between.</summary>
internal sealed class PlainProgress(Action<string> write, TimeProvider time) : IProgress<RunProgress>
{
    /// <summary>The least time between two lines of one stage.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly Dictionary<string, Stage> stages = [];

    public void Report(RunProgress value)
    {
        lock (gate)
        {
            if (!stages.TryGetValue(value.Stage, out var stage)) stages.Add(value.Stage, stage = new Stage(new ProgressClock(time)));
            var begins = stage.Clock.Observe(value);
            if (!begins && !ProgressClock.IsEnd(value) && time.GetElapsedTime(stage.LastLine) < Interval) return;
            stage.LastLine = time.GetTimestamp();
            write(Describe(value, stage.Clock));
        }
    }

    private static string Describe(RunProgress value, ProgressClock clock)
    {
        var count = ProgressClock.Count(value) is { Length: > 0 } text ? $" {text}" : "";
        var times = ProgressClock.IsEnd(value) ? $", took {ProgressClock.Format(clock.Elapsed)}"
            : clock.Left(value) is { } left ? $", {ProgressClock.Format(left)} left" : "";
        return $"{value.Stage}{count}{times}{(value.Detail is null ? "" : $", {value.Detail}")}";
    }

    private sealed class Stage(ProgressClock clock)
    {
        public ProgressClock Clock => clock;

        public long LastLine { get; set; }
    }
}
