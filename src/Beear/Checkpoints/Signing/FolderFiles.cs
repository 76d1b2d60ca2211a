using System.Formats.Tar;
using System.Security.Cryptography;
using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>A file that a signature covers.</summary>
/// <param name="Name">Its path from the folder, see <see cref="ManifestPath"/>.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Length">Its bytes.</param>
internal sealed record FolderFile(string Name, string Path, long Length);

/// <summary>The files of a folder: all of them, those of its folders and hidden ones too.</summary>
/// <param name="Covered">Those that a signature covers, in its order.</param>
/// <param name="Ignored">Files and folders that are left out.</param>
internal sealed record FolderFiles(IReadOnlyList<FolderFile> Covered, IReadOnlyList<string> Ignored)
{
    private const int Chunk = 1 << 20;

    /// <summary>Bytes between two reports: less is done before anybody looks.</summary>
    private const long ReportEvery = 64 << 20;

    private static readonly EnumerationOptions Everything =
        new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false, MatchType = MatchType.Simple };

    /// <summary>Lists them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="ignored">Names of files and folders to leave out.</param>
    /// <exception cref="BeearException">It holds a link, something that is no file, or a name that no manifest can hold.</exception>
    public static FolderFiles List(string folder, IReadOnlyCollection<string> ignored)
    {
        var (covered, left) = (new List<FolderFile>(), new List<string>());
        var waiting = new Stack<(string Prefix, DirectoryInfo Folder)>([("", new DirectoryInfo(folder))]);
        while (waiting.TryPop(out var current))
        {
            foreach (var entry in current.Folder.EnumerateFileSystemInfos("*", Everything))
            {
                string name = current.Prefix + entry.Name;
                if (ignored.Contains(name))
                {
                    left.Add(name);
                    continue;
                }
                Require(entry, name);
                if (entry is DirectoryInfo below) waiting.Push((name + "/", below));
                else covered.Add(new FolderFile(name, entry.FullName, ((FileInfo)entry).Length));
            }
        }
        return new FolderFiles([.. covered.OrderBy(file => file.Name, ManifestPath.Order)], [.. left.Order(ManifestPath.Order)]);
    }

    /// <summary>The SHA-256 of each covered file, in hexadecimal; of a file one chunk is in memory.</summary>
    public IReadOnlyList<SignedFile> Hash(IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        long total = Covered.Sum(file => file.Length), done = 0, reported = 0;
        byte[] buffer = new byte[Chunk];
        var hashed = new List<SignedFile>(Covered.Count);
        foreach (var file in Covered)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0,
                FileOptions.SequentialScan);
            while (stream.Read(buffer) is > 0 and var count)
            {
                cancellation.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, count);
                done = Math.Min(done + count, total);
                if (done - reported < ReportEvery && (done < total || reported == 0)) continue;
                progress?.Report(new RunProgress("hashing", reported = done, total, file.Name, ProgressUnit.Bytes));
            }
            hashed.Add(new SignedFile(file.Name, Convert.ToHexStringLower(hash.GetHashAndReset())));
        }
        return hashed;
    }

    private static void Require(FileSystemInfo entry, string name)
    {
        if (entry.Name.Contains('\uFFFD') || !ManifestPath.IsInside(name)) throw new BeearException(
            $"'{name}' has a name that a signature cannot hold everywhere (a backslash, or no UTF-8); rename or remove it.");
        if (entry.LinkTarget is not null) throw new BeearException(
            $"'{name}' is a symbolic link, which a signature does not cover; put the file itself in its place, or remove it.");
        if (entry is FileInfo { Length: 0 } && !IsOrdinary(entry.FullName))
            throw new BeearException($"'{name}' is a pipe, a socket or a device, not a file; remove it.");
    }

    /// <summary>
    /// Whether something without bytes is an empty file; a pipe must not be opened, for that waits. An archive's writer looks without that.
    /// </summary>
    private static bool IsOrdinary(string path)
    {
        using var archive = new MemoryStream();
        try
        {
            using var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true);
            writer.WriteEntry(path, "entry");
        }
        catch (IOException) when (!OperatingSystem.IsWindows())
        {
            return false;                                                    // no archive holds a socket
        }
        archive.Position = 0;
        using var reader = new TarReader(archive);
        return reader.GetNextEntry()?.EntryType == TarEntryType.RegularFile;
    }
}
