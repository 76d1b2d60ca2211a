using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>Splits work over as many threads as libtorch uses. What belongs to a chunk never depends on their number.</summary>
internal static class Chunks
{
    private const long WorthSharing = 1 << 14;

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

    /// <summary>
    /// Calls <paramref name="body"/> with ranges (first, end) of rows that cover 0 … rows, each of <paramref name="rowsInChunk"/> but
    /// the last; on the calling thread alone when so little work is not worth waking another.
    /// </summary>
    /// <param name="rows">Rows in all.</param>
    /// <param name="rowsInChunk">Rows of a chunk.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="body">Works on one range.</param>
    public static void OfRows(long rows, int rowsInChunk, long width, Action<long, long> body)
    {
        void Chunk(int chunk) => body((long)chunk * rowsInChunk, Math.Min(((long)chunk + 1) * rowsInChunk, rows));

        var count = Count(rows, rowsInChunk);
        if (rows * width >= WorthSharing)
        {
            Run(count, Chunk);
            return;
        }
        for (var chunk = 0; chunk < count; chunk++) Chunk(chunk);
    }

    /// <summary>The number of chunks of at most <paramref name="size"/> that cover <paramref name="total"/>.</summary>
    public static int Count(long total, long size) => checked((int)((total + size - 1) / size));
}
