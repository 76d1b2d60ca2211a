using System.Diagnostics;
using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>Times pieces of work on a machine that others use too: many repetitions, and the least time counts.</summary>
internal static class Stopwatches
{
    /// <summary>The least time of one call, in microseconds, over repetitions that take at least <paramref name="seconds"/>.</summary>
    public static double LeastMicroseconds(Action work, double seconds = 0.7)
    {
        var least = double.MaxValue;
        var begin = Stopwatch.GetTimestamp();
        for (var repetition = 0; repetition < 8 || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; repetition++)
        {
            using var scope = NewDisposeScope();
            var start = Stopwatch.GetTimestamp();
            work();
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        return least;
    }
}
