using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Runs;

/// <summary>A folder of runs that several processes may work on; what each has begun it holds by a lock on a file.</summary>
/// <param name="folder">The folder; it need not exist yet.</param>
internal sealed class SharedFolder(string folder)
{
    private const string Locks = "locks";

    /// <summary>Makes the folder, or checks that it is of the same settings.</summary>
    /// <exception cref="BeearException">The folder holds something else.</exception>
    public void Open(object settings, CancellationToken cancellation)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string parent = Path.GetDirectoryName(target) ?? target;
        AtomicOutput.RequireDirectory(parent);
        Directory.CreateDirectory(parent);
        using var alone = FileLock.Acquire($"{target}.lock", keep: false, cancellation);
        RunDirectory.Open(folder, settings);
        Directory.CreateDirectory(Path.Combine(folder, Locks));
    }

    /// <summary>Whether anybody has ever taken a piece of work.</summary>
    public bool IsKnown(string work) => File.Exists(Path.Combine(folder, Locks, work));

    /// <summary>Takes a piece of work, or returns null if another process has it.</summary>
    public IDisposable? TryClaim(string work) => FileLock.TryAcquire(Path.Combine(folder, Locks, work));

    /// <summary>Takes a piece of work, once no other process has it.</summary>
    public IDisposable Claim(string work, CancellationToken cancellation) =>
        FileLock.Acquire(Path.Combine(folder, Locks, work), cancellation: cancellation);
}
