using System.Globalization;
using Beear.Runtime;

namespace Beear.Cli.Output;

/// <summary>How long a stage has run and will run.</summary>
internal sealed class ProgressClock(TimeProvider time)
{
    private long started;
    private long startedAt;
    private long done;
    private bool running;

    /// <summary>Time since the stage began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Takes a report.</summary>
    /// <returns>Whether the stage begins, or begins once more.</returns>
    public bool Observe(RunProgress progress)
    {
        var begins = !running || progress.Done < done;
        if (begins) (started, startedAt) = (time.GetTimestamp(), progress.Done);     // a resumed stage begins above 0
        done = progress.Done;
        running = !IsEnd(progress);
        return begins;
    }

    /// <summary>Whether a report is its stage's last.</summary>
    public static bool IsEnd(RunProgress progress) => progress.Total > 0 && progress.Done >= progress.Total;

    /// <summary>Time left of the stage by its speed so far; null while that is unknown.</summary>
    public TimeSpan? Left(RunProgress progress)
    {
        var since = progress.Done - startedAt;
        return since > 0 && progress.Total > 0 ? Elapsed * ((double)(progress.Total - progress.Done) / since) : null;
    }

    /// <summary>
    /// How much is done, of how much if that is known: "3/10", "1.20 GB of 3.40 GB"; empty at the start of what has no known end.
    /// </summary>
    public static string Count(RunProgress progress)
    {
        if (progress is { Total: <= 0, Done: 0 }) return "";
        if (progress.Unit == ProgressUnit.Bytes)
            return progress.Total > 0 ? $"{ByteSize.Format(progress.Done)} of {ByteSize.Format(progress.Total)}"
                : ByteSize.Format(progress.Done);
        return progress.Total > 0 ? $"{progress.Done}/{progress.Total}" : $"{progress.Done}";
    }

    /// <summary>A time for people: "8 s", "2 min 05 s", "3 h 20 min".</summary>
    public static string Format(TimeSpan time) => time switch
    {
        { TotalSeconds: < 59.5 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min"),
    };
}
