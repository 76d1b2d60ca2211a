using Beear.Runtime;

namespace Beear.Hub;

/// <summary>A model of the hub that is here now.</summary>
/// <param name="Reference">What it is, at the commit it was fetched from.</param>
/// <param name="Path">Where it can be opened: the folder of its snapshot, or the GGUF file in it.</param>
/// <param name="Directory">The folder of its snapshot.</param>
/// <param name="DownloadedBytes">Bytes of the files that were not in the cache.</param>
/// <param name="HubWasReached">False if the hub was not asked, or did not answer, and the cache served alone.</param>
public sealed record HubModel(
    HubReference Reference, string Path, string Directory, long DownloadedBytes, bool HubWasReached)
{
    /// <summary>The files that were chosen.</summary>
    internal IReadOnlyList<HubFile> Files { get; init; } = [];
}

/// <summary>
/// Models of the Hugging Face hub, through the cache that all its clients share. Downloads go on where they stopped, and are checked
/// against the hashes that the hub names. Python pickles are never downloaded.
/// </summary>
/// <param name="settings">Where the hub and the cache are.</param>
/// <example><code>
/// using var hub = new ModelHub(HubSettings.FromEnvironment());
/// var found = await hub.PullAsync(HubReference.Parse("owner/name"));
/// using var model = LanguageModel.Load(found.Path, ModelOptions.Mixed);
/// </code></example>
public sealed class ModelHub(HubSettings settings) : IDisposable
{
    private const int SideBySide = 4;
    private readonly HubClient client = new(settings);

    /// <summary>Makes sure that a model is in the cache, and downloads what is not.</summary>
    /// <param name="reference">The model, and perhaps one file of it.</param>
    /// <param name="include">Patterns with * and ? over the paths of wanted files; none for what a chat model needs.</param>
    /// <param name="progress">Receives bytes.</param>
    /// <param name="cancellation">Stops; what has come is kept, and the next call goes on from there.</param>
    /// <exception cref="BeearException">There is no such model, it may not be read, it is not in the cache and the hub cannot be reached,
    /// it holds no weights that can be read, a file arrived damaged, or there is no room.</exception>
    public async Task<HubModel> PullAsync(HubReference reference, IReadOnlyList<string>? include = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var cache = new HubCache(settings, reference.Repository);
        var patterns = include ?? [];
        try
        {
            if ((settings.Offline || reference.IsPinned) && Cached(cache, reference, patterns, needsCard: !settings.Offline) is { } here)
                return here;
            if (settings.Offline)
            {
                throw new BeearException($"'{reference}' is not (wholly) in the cache '{settings.CacheDirectory}', "
                    + "and HF_HUB_OFFLINE forbids to fetch it; " +
                    "pull it once while online.");
            }
            return await FetchAsync(cache, reference, patterns, progress, cancellation);
        }
        catch (HubUnreachableException failure)
        {
            return Cached(cache, reference, patterns, needsCard: false) ?? throw failure.ToSentence(reference);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"The cache '{settings.CacheDirectory}' cannot be used: {failure.Reason()}; set "
                + "HF_HUB_CACHE to another folder.", failure);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    /// <summary>What the cache holds of a model, if that is all that is asked for.</summary>
    /// <param name="cache">The repository's cache.</param>
    /// <param name="reference">What is asked for.</param>
    /// <param name="include">Patterns of wanted files.</param>
    /// <param name="needsCard">Whether a model is not whole without its card, where the listing has one.</param>
    private static HubModel? Cached(HubCache cache, HubReference reference, IReadOnlyList<string> include, bool needsCard)
    {
        if (cache.CommitOf(reference) is not { } commit) return null;
        try
        {
            var selection = HubSelection.Of(cache.CachedFiles(commit), reference, include);
            if (!needsCard && include.Count == 0)
                selection = selection with { Files = [.. selection.Files.Where(file => !IsAbsentCard(cache, commit, file))] };
            return selection.Files.All(file => cache.HasFile(commit, file))
                ? Model(cache, reference.At(commit), selection, 0, hubWasReached: false) : null;
        }
        catch (BeearException) when (cache.ReadFiles(commit) is null)
        {
            return null;                                                     // a part of a model, whose listing is not known
        }
    }

    private static bool IsAbsentCard(HubCache cache, string commit, HubFile file) =>
        file.Path.Split('/')[^1] == HubSelection.CardFile && !cache.HasFile(commit, file);

    private async Task<HubModel> FetchAsync(HubCache cache, HubReference reference, IReadOnlyList<string> include,
        IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        var pinned = reference.At(await client.ReadCommitAsync(reference, cancellation));
        var commit = pinned.Revision;
        var kept = cache.ReadFiles(commit);
        var files = kept ?? await client.ReadFilesAsync(pinned, cancellation);
        var selection = HubSelection.Of(files, reference, include);

        cache.Prepare();
        if (kept is null) cache.WriteFiles(commit, files);
        var absent = selection.Files.Where(file => !cache.HasFile(commit, file)).ToList();
        var missing = absent.Where(file => !cache.HasBlob(file)).DistinctBy(file => file.Hash).ToList();
        RequireRoom(cache, reference, missing);
        await DownloadAsync(cache, pinned, missing, progress, cancellation);
        // Last, so that a snapshot is seldom a part of a model.
        foreach (var file in absent) cache.Link(commit, file, isNew: absent.Count(other => other.Hash == file.Hash) == 1
            && missing.Contains(file));
        cache.WriteCommit(reference, commit);
        return Model(cache, pinned, selection, missing.Sum(file => file.Size), hubWasReached: true);
    }

    private async Task DownloadAsync(HubCache cache, HubReference pinned, List<HubFile> missing, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        if (missing.Count == 0) return;
        var bytes = new HubProgress(progress, $"downloading {pinned.Repository}", missing.Sum(file => file.Size));
        foreach (var file in missing) bytes.Expect(file, LengthSoFar(cache, file));
        var download = new HubDownload(client, cache, pinned, settings, bytes);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = cancellation };
        await Parallel.ForEachAsync(missing.OrderBy(file => file.Size), parallel, async (file, stop) =>
            await download.RunAsync(file, stop));
    }

    private void RequireRoom(HubCache cache, HubReference reference, List<HubFile> missing)
    {
        var needed = missing.Sum(file => file.Size - LengthSoFar(cache, file));
        if (needed > 0 && settings.FreeBytes(settings.CacheDirectory) is var free && free < needed)
        {
            throw new BeearException($"'{reference}' needs {ByteSize.Format(needed)} more, and the volume of '{settings.CacheDirectory}' "
                + $"has {ByteSize.Format(free)} free; " +
                "make room, or set HF_HUB_CACHE to a folder elsewhere.");
        }
    }

    private static long LengthSoFar(HubCache cache, HubFile file) =>
        new FileInfo(cache.Incomplete(file)) is { Exists: true } part && part.Length <= file.Size ? part.Length : 0;

    private static HubModel Model(HubCache cache, HubReference pinned, HubSelection selection, long downloaded, bool hubWasReached)
    {
        var directory = cache.Snapshot(pinned.Revision);
        var path = selection.Entry is { } entry ? HubPath.Below(directory, entry) : directory;
        return new HubModel(pinned, path, directory, downloaded, hubWasReached) { Files = selection.Files };
    }
}
