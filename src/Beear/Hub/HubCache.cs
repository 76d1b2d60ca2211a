using Beear.Runtime;

namespace Beear.Hub;

/// <summary>
/// One repository's folder in the cache that all of Hugging Face's clients share: blobs named by their hash, snapshots of links to them
/// under their commit, refs that say which commit a branch or tag was last seen at, and trees, the listings of commits.
/// </summary>
internal sealed class HubCache
{
    private readonly HubSettings settings;
    private readonly string folder;
    private readonly string locks;

    public HubCache(HubSettings settings, string repository)
    {
        this.settings = settings;
        var name = $"models--{repository.Replace("/", "--", StringComparison.Ordinal)}";
        folder = Path.Combine(settings.CacheDirectory, name);
        locks = Path.Combine(settings.CacheDirectory, ".locks", name);
    }

    /// <summary>The folder of a commit's files.</summary>
    public string Snapshot(string commit) => Path.Combine(folder, "snapshots", commit);

    /// <summary>A file of a commit.</summary>
    public string Pointer(string commit, HubFile file) => HubPath.Below(Snapshot(commit), file.Path);

    /// <summary>A content.</summary>
    public string Blob(HubFile file) => Path.Combine(folder, "blobs", file.Hash);

    /// <summary>The part of a content that has come so far.</summary>
    public string Incomplete(HubFile file) => $"{Blob(file)}.incomplete";

    /// <summary>The file whose lock lets one process download a content.</summary>
    public string Lock(HubFile file) => Path.Combine(locks, $"{file.Hash}.lock");

    /// <summary>Whether a commit's file is there.</summary>
    public bool HasFile(string commit, HubFile file) => IsFile(Pointer(commit, file), file.Size);

    /// <summary>Whether a content is there.</summary>
    public bool HasBlob(HubFile file) => IsFile(Blob(file), file.Size);

    /// <summary>The commit that a revision was last seen at, if its snapshot is there.</summary>
    public string? CommitOf(HubReference reference)
    {
        var commit = reference.IsPinned
            ? reference.Revision : ReadText(HubPath.Below(Path.Combine(folder, "refs"), reference.Revision))?.Trim();
        return commit is not null && HubPath.IsHash(commit, 40) && Directory.Exists(Snapshot(commit)) ? commit : null;
    }

    /// <summary>Remembers which commit a branch or tag stands for.</summary>
    public void WriteCommit(HubReference reference, string commit)
    {
        var path = HubPath.Below(Path.Combine(folder, "refs"), reference.Revision);
        if (reference.Revision == commit || ReadText(path) == commit) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicOutput.WriteText(path, commit);
    }

    /// <summary>A commit's listing: the one that was kept, else what its snapshot holds, whose hashes are then not known.</summary>
    public IReadOnlyList<HubFile> CachedFiles(string commit)
    {
        if (ReadFiles(commit) is { } listing) return listing;
        var snapshot = new DirectoryInfo(Snapshot(commit));
        return [.. snapshot.EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(file => new HubFile(Path.GetRelativePath(snapshot.FullName, file.FullName).Replace(Path.DirectorySeparatorChar, '/'),
                Target(file)?.Length ?? -1, "", null))];
    }

    /// <summary>The listing of a commit, which never changes, or null if it was not kept.</summary>
    public IReadOnlyList<HubFile>? ReadFiles(string commit) =>
        ReadText(Tree(commit)) is { } text ? HubListing.ReadCached(System.Text.Encoding.UTF8.GetBytes(text)) : null;

    /// <summary>Keeps the listing of a commit.</summary>
    public void WriteFiles(string commit, IReadOnlyList<HubFile> files)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Tree(commit))!);
        AtomicOutput.WriteFile(Tree(commit), stream => stream.Write(HubListing.ToCached(files)));
    }

    /// <summary>
    /// Puts a content under its name into a commit's snapshot: as a relative link, or where there are no links, as the file itself (moved
    /// there if nothing else uses it).
    /// </summary>
    public void Link(string commit, HubFile file, bool isNew)
    {
        var (blob, pointer) = (Blob(file), Pointer(commit, file));
        Directory.CreateDirectory(Path.GetDirectoryName(pointer)!);
        File.Delete(pointer);                                                // one that leads nowhere
        if (settings.Symlinks && TryLink(pointer, Path.GetRelativePath(Path.GetDirectoryName(pointer)!, blob))) return;
        if (isNew) File.Move(blob, pointer, overwrite: true);
        else File.Copy(blob, pointer, overwrite: true);
    }

    /// <summary>Makes the folders, and marks the cache as one for programs that make backups.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Path.Combine(folder, "blobs"));
        var tag = Path.Combine(settings.CacheDirectory, "CACHEDIR.TAG");
        if (!File.Exists(tag)) AtomicOutput.WriteText(tag,
            "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of models from the Hugging Face hub.\n");
    }

    private string Tree(string commit) => Path.Combine(folder, "trees", $"{commit}.json");

    private static bool TryLink(string pointer, string target)
    {
        try
        {
            File.CreateSymbolicLink(pointer, target);
            return true;
        }
        catch (IOException) when (File.Exists(pointer))
        {
            return true;                                                     // another process was faster
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return false;
        }
    }

    private static bool IsFile(string path, long size) => Target(new FileInfo(path)) is { } target && (size < 0 || target.Length == size);

    /// <summary>The file itself where links lead to one.</summary>
    private static FileInfo? Target(FileInfo file)
    {
        try
        {
            return (file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true)) is FileInfo { Exists: true } target
                ? target : null;
        }
        catch (IOException)
        {
            return null;                                                     // links in a circle
        }
    }

    private static string? ReadText(string path)
    {
        const long Longest = 64 << 20;
        try
        {
            return File.Exists(path) && FileContent.Length(path) <= Longest ? FileContent.ReadText(path, Longest) : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
