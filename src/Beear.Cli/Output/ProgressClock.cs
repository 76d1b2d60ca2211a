using System.Globalization;
using Beear.Runtime;

namespace Beear.Cli.Output;

/// <summary>How long a stage has run and will run.</summary>
internal sealed class ProgressClock(TimeProvider time)
{
    private string? stage;
    private long started;
    private int startedAt;

    /// <summary>Time since the stage began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Takes a report.</summary>
    /// <returns>Whether it begins a new stage.</returns>
    public bool Observe(RunProgress progress)
    {
        if (stage == progress.Stage) return false;
        (stage, started, startedAt) = (progress.Stage, time.GetTimestamp(), progress.Done);     // a resumed stage begins above 0
        return true;
    }

    /// <summary>Time left of the stage by its speed so far; null while that is unknown.</summary>
    public TimeSpan? Left(RunProgress progress)
    {
        var done = progress.Done - startedAt;
        return done > 0 && progress.Total > 0 ? Elapsed * ((double)(progress.Total - progress.Done) / done) : null;
    }

    /// <summary>A time for people: "8 s", "2 min 05 s", "3 h 20 min".</summary>
    public static string Format(TimeSpan time) => time switch
    {
        { TotalSeconds: < 59.5 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min"),
    };
}
