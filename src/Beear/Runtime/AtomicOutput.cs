using System.Text.RegularExpressions;

namespace Beear.Runtime;

/// <summary>
/// Writes files and directories that are there as a whole or not at all: under a temporary name first, then renamed. Who writes holds a
/// lock, on the temporary file itself or beside the temporary directory; what nobody holds a killed process left, and it is removed.
/// </summary>
internal static partial class AtomicOutput
{
    private const string LockSuffix = ".lock";

    /// <summary>Writes a file; one that exists is replaced only when the new one is complete and on disk.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void WriteFile(string path, Action<FileStream> write)
    {
        RemoveLeftovers(path);
        var temporary = TemporaryName(path);
        try
        {
            using var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Delete);
            write(stream);
            stream.Flush(flushToDisk: true);
            File.Move(temporary, path, overwrite: true);                     // while it is held: nobody takes it for a leftover
        }
        catch (Exception failure)
        {
            TryDelete(() => File.Delete(temporary));
            if (failure is IOException or UnauthorizedAccessException) throw Refused(path, failure);
            throw;
        }
    }

    /// <summary>Checks, before long work, that the file can be written after it.</summary>
    /// <param name="path">The file; null for none.</param>
    /// <exception cref="BeearException">
    /// Its directory does not exist or is not ours to write in, or the path is a directory itself.
    /// </exception>
    public static void RequireDirectoryOf(string? path)
    {
        if (path is null) return;
        if (Directory.Exists(path)) throw new BeearException($"'{path}' is a directory; name a file.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && !Directory.Exists(directory))
            throw new BeearException($"'{path}' cannot be written: its directory does not exist; make it first.");
        RequireWritable(path, Path.GetFullPath(path));
    }

    /// <summary>Checks, before long work, that a directory can be made or written in after it; makes nothing.</summary>
    /// <param name="path">The directory; null for none.</param>
    /// <exception cref="BeearException">It is a file, or lies where nothing can be written.</exception>
    public static void RequireDirectory(string? path)
    {
        if (path is null) return;
        string existing = Path.GetFullPath(path);
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { } above) existing = above;
        if (File.Exists(existing)) throw new BeearException($"'{path}' cannot be made, as '{existing}' is a file; name another folder.");
        RequireWritable(path, Path.Combine(existing, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))));
    }

    /// <summary>Checks, before long work, that a directory can be made that does not exist yet or is empty.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="BeearException">It holds something, or lies where nothing can be written.</exception>
    public static void RequireNewDirectory(string path)
    {
        RequireFree(path, Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        RequireDirectory(path);
    }

    /// <summary>
    /// Takes an output for this process until what is returned is disposed or the process ends: no second one works on it for nothing.
    /// </summary>
    /// <param name="path">The file or directory; it need not exist yet, and the directories above it are made.</param>
    /// <exception cref="BeearException">Another process has it, or nothing can be written there.</exception>
    public static IDisposable Claim(string path)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string directory = Path.GetDirectoryName(target) ?? target;
        return Held(path, Path.Combine(directory, $".{Path.GetFileName(target)}{LockSuffix}"), keep: false);
    }

    /// <summary>The same by a lock file of the caller's.</summary>
    /// <param name="path">What the user calls it.</param>
    /// <param name="lockFile">The file; its directory is made.</param>
    /// <param name="keep">Whether the file stays.</param>
    internal static IDisposable Held(string path, string lockFile, bool keep)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(lockFile)!);
            return FileLock.TryAcquire(lockFile, keep)
                ?? throw new BeearException($"Another process is at work on '{path}'; wait until it ends, or choose another name.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, failure);
        }
    }

    /// <summary>Whether an entry of a directory has a temporary name of ours.</summary>
    internal static bool IsTemporary(string path) => Temporary().IsMatch(Path.GetFileName(path));

    /// <summary>Removes from a directory what processes that were killed left under temporary names.</summary>
    /// <param name="directory">The directory; it may be missing.</param>
    /// <param name="name">Only what was to get this name; null for all.</param>
    internal static void RemoveLeftovers(string directory, string? name) => TryDelete(() =>
    {
        if (!Directory.Exists(directory)) return;
        string prefix = name is null ? "." : $".{name}.";
        foreach (string entry in Directory.GetFileSystemEntries(directory).Where(IsTemporary))
        {
            if (Path.GetFileName(entry).StartsWith(prefix, StringComparison.Ordinal)) TryDelete(() => RemoveIfLeft(entry));
        }
    });

    private static void RemoveLeftovers(string path) =>
        RemoveLeftovers(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "", Path.GetFileName(path));

    private static void RemoveIfLeft(string entry)
    {
        bool isDirectory = Directory.Exists(entry);
        using var held = FileLock.TryAcquire(isDirectory ? entry + LockSuffix : entry, keep: false);
        if (isDirectory && held is not null) Directory.Delete(entry, recursive: true);
    }

    private static void RequireWritable(string path, string target)
    {
        try
        {
            using (File.Create(TemporaryName(target), 1, FileOptions.DeleteOnClose)) { }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, failure);
        }
    }

    /// <summary>Writes a text as UTF-8.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="text">The content.</param>
    public static void WriteText(string path, string text) =>
        WriteFile(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Makes a directory that does not exist yet, or is empty.</summary>
    /// <param name="path">The directory; those above it are made too.</param>
    /// <param name="fill">Gets the temporary directory to write into.</param>
    /// <exception cref="BeearException">The directory holds something, or the system refuses to write there, or has no room.</exception>
    public static void WriteDirectory(string path, Action<string> fill)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        RequireFree(path, target);
        RemoveLeftovers(target);
        var temporary = TemporaryName(target);
        using var held = Held(path, temporary + LockSuffix, keep: false);
        try
        {
            Directory.CreateDirectory(temporary);
            fill(temporary);
            RequireFree(path, target);
            if (Directory.Exists(target)) Directory.Delete(target);          // empty: a rename does not replace it everywhere
            Directory.Move(temporary, target);
        }
        catch (Exception failure)
        {
            TryDelete(() => Directory.Delete(temporary, recursive: true));
            if (failure is IOException or UnauthorizedAccessException) throw Refused(path, failure);
            throw;
        }
    }

    private static void RequireFree(string path, string target)
    {
        if (File.Exists(target)) throw new BeearException($"'{path}' is a file; name a directory that does not exist yet.");
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new BeearException($"The directory '{path}' is not empty; name one that does not exist yet.");
    }

    /// <summary>A hidden name beside the final one: on the same volume, so that renaming is one step.</summary>
    private static string TemporaryName(string path)
    {
        var full = Path.GetFullPath(path);
        return Path.Combine(Path.GetDirectoryName(full) ?? full, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}");
    }

    [GeneratedRegex(@"\A\..+\.[0-9a-f]{32}(\.lock)?\z", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Temporary();

    private static BeearException Refused(string path, Exception failure) =>
        new($"'{path}' cannot be written: {failure.Reason()}.", failure);

    private static void TryDelete(Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What failed first is what the user needs to hear.
        }
    }
}
