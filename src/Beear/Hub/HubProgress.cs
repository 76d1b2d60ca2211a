using System.Diagnostics;
using Beear.Runtime;

namespace Beear.Hub;

/// <summary>Adds up the bytes of files that come side by side.</summary>
internal sealed class HubProgress(IProgress<RunProgress>? progress, string stage, long total)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> done = new(StringComparer.Ordinal);
    private long sum;
    private long lastReport;

    /// <summary>Says how much of a file an earlier download left, before anything is reported.</summary>
    public void Expect(HubFile file, long bytes)
    {
        lock (gate)
        {
            sum += bytes;
            done[file.Path] = bytes;
        }
    }

    /// <summary>Says how much of a file is there.</summary>
    public void Set(HubFile file, long bytes)
    {
        lock (gate)
        {
            sum += bytes - done.GetValueOrDefault(file.Path);
            done[file.Path] = bytes;
            if (sum < total && lastReport != 0 && Stopwatch.GetElapsedTime(lastReport) < Interval) return;
            lastReport = Stopwatch.GetTimestamp();
            progress?.Report(new RunProgress(stage, sum, total, file.Path, ProgressUnit.Bytes));
        }
    }
}
