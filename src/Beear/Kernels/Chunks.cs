using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Splits work over as many threads as libtorch uses. What belongs to a chunk never depends on their number.</summary>
internal static class Chunks
{
    /// <summary>Calls <paramref name="body"/> for 0 … count − 1, in any order, and waits for all.</summary>
    /// <remarks>One chunk runs on the calling thread.</remarks>
    public static void Run(int count, Action<int> body)
    {
        var threads = count > 1 ? Math.Min(get_num_threads(), count) : 1;
        if (threads > 1)
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
            return;
        }
        for (var chunk = 0; chunk < count; chunk++) body(chunk);
    }

    /// <summary>The number of chunks of at most <paramref name="size"/> that cover <paramref name="total"/>.</summary>
    public static int Count(long total, long size) => checked((int)((total + size - 1) / size));
}
