namespace Beear.Runtime;

/// <summary>
/// A lock between processes, on a file: flock on Unix, no sharing on Windows, which is what Hugging Face's Python client takes on the
/// files of its cache. It ends with the process, however that ends.
/// </summary>
internal static class FileLock
{
    private const int LinuxWouldBlock = 11, MacWouldBlock = 35, WindowsSharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits for the lock; disposing what is returned lets it go.</summary>
    public static async Task<IDisposable> AcquireAsync(string path, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            if (TryAcquire(path) is { } acquired) return acquired;
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>Waits for the lock.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="keep">
    /// Whether the file stays. One that does not may be had twice: it serves where whoever comes second finds the work done.
    /// </param>
    /// <param name="cancellation">Stops the wait.</param>
    public static IDisposable Acquire(string path, bool keep = true, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (TryAcquire(path, keep) is { } acquired) return acquired;
            if (cancellation.WaitHandle.WaitOne(Pause)) cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The lock, or null if another process or another caller has it.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="keep">Whether the file stays.</param>
    public static FileStream? TryAcquire(string path, bool keep = true)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, keep
                ? FileOptions.None : FileOptions.DeleteOnClose);
        }
        catch (IOException failure) when (failure.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
    }
}
