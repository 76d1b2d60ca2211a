using Beear.Lab.Runs;

namespace Beear.Server.Studio;

/// <summary>
/// What lies under the studio's folder: folders of runs and models. Names in addresses are looked up here and nowhere else, so that nothing
/// can be named that is not one of these.
/// </summary>
/// <param name="root">The folder.</param>
internal sealed class StudioFolder(string root)
{
    private const int Deepest = 6, MostFolders = 5000;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private static readonly string[] Passed = ["node_modules", "bin", "obj"];

    private readonly Lock gate = new();
    private readonly Dictionary<string, RunsPlace> known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> expected = new(StringComparer.Ordinal);
    private (DateTime At, IReadOnlyList<RunsPlace> Places, IReadOnlyList<StudioModel> Models)? seen;

    /// <summary>The folder, in full.</summary>
    public string Root { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));

    /// <summary>Folders of runs, by their names.</summary>
    public IReadOnlyList<RunsPlace> Places => Look().Places;

    /// <summary>Models that are complete, by their names.</summary>
    public IReadOnlyList<StudioModel> Models => Look().Models;

    /// <summary>A folder of runs.</summary>
    /// <exception cref="NothingThere">There is none of this name.</exception>
    public RunsPlace Find(string? name) => Places.FirstOrDefault(place => place.Name == name)
        ?? throw new NothingThere("There is no such folder of runs here; the list of runs has those that there are.");

    /// <summary>Counts a folder in which a cleaning begins, although it holds nothing yet.</summary>
    /// <param name="clean">The folder that beear clean writes.</param>
    public void Expect(string clean)
    {
        lock (gate)
        {
            expected[Path.Combine(clean, "runs")] = clean;
            seen = null;
        }
    }

    /// <summary>A path as pages show it: relative to the folder, with slashes.</summary>
    public string NameOf(string path) => Path.GetRelativePath(Root, path).Replace(Path.DirectorySeparatorChar, '/');

    private (DateTime At, IReadOnlyList<RunsPlace> Places, IReadOnlyList<StudioModel> Models) Look()
    {
        lock (gate)
        {
            if (seen is { } recent && DateTime.UtcNow - recent.At < Fresh) return recent;
            List<RunsPlace> places = [];
            List<StudioModel> models = [];
            var left = new Queue<(string Path, int Depth)>([(Root, 0)]);
            for (int looked = 0; looked < MostFolders && left.TryDequeue(out var now); looked++)
            {
                var folders = FoldersOf(now.Path);
                if (IsRuns(folders))
                {
                    places.Add(PlaceOf(now.Path));
                    folders.RemoveAll(folder => folder.Name != "stages");    // the others hold files only
                }
                if (IsModel(now.Path))
                {
                    models.Add(new StudioModel(NameOf(now.Path), now.Path));
                    continue;
                }
                if (now.Depth == Deepest) continue;
                foreach (var below in folders) left.Enqueue((below.FullName, now.Depth + 1));
            }
            places.AddRange(expected.Keys.Where(path => places.TrueForAll(place => place.Folder.Path != path)).Select(PlaceOf));
            var found = (DateTime.UtcNow, (IReadOnlyList<RunsPlace>)[.. places.OrderBy(place => place.Name, StringComparer.Ordinal)],
                (IReadOnlyList<StudioModel>)[.. models.OrderBy(model => model.Name, StringComparer.Ordinal)]);
            seen = found;
            return found;
        }
    }

    private RunsPlace PlaceOf(string path)
    {
        if (known.TryGetValue(path, out var place)) return place;
        string parent = Path.GetDirectoryName(path) ?? path;
        bool isClean = path != Root && Path.GetFileName(path) == "runs"
            && (expected.ContainsKey(path) || CleanSettings.Read(parent) is not null);
        place = new RunsPlace(NameOf(isClean ? parent : path), new RunFolder(path), isClean ? parent : null);
        known.Add(path, place);
        return place;
    }

    /// <summary>Real folders that may hold something: neither hidden ones nor links, which could lead anywhere.</summary>
    private static List<DirectoryInfo> FoldersOf(string path)
    {
        try
        {
            return [.. new DirectoryInfo(path).EnumerateDirectories().Where(folder => !folder.Name.StartsWith('.')
                && !Passed.Contains(folder.Name, StringComparer.Ordinal) && !folder.Attributes.HasFlag(FileAttributes.ReparsePoint))];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsRuns(List<DirectoryInfo> folders) => folders.Find(folder => folder.Name == "runs") is { } runs
        && Directory.Exists(Path.Combine(runs.Parent!.FullName, "answers"));

    private static bool IsModel(string path) => File.Exists(Path.Combine(path, "config.json"))
        && (File.Exists(Path.Combine(path, "model.safetensors")) || File.Exists(Path.Combine(path, "model.safetensors.index.json")));
}

/// <summary>A folder of runs.</summary>
/// <param name="name">What addresses call it: its path below the studio's folder, with slashes.</param>
/// <param name="folder">The folder.</param>
/// <param name="clean">The folder that beear clean writes to, if the runs are its; null otherwise.</param>
internal sealed class RunsPlace(string name, RunFolder folder, string? clean)
{
    private readonly Lock gate = new();
    private (string Files, IReadOnlyList<RunRecord> Records)? read;

    /// <summary>What addresses call it.</summary>
    public string Name { get; } = name;

    /// <summary>The folder.</summary>
    public RunFolder Folder { get; } = folder;

    /// <summary>The folder that beear clean writes to; null for other runs.</summary>
    public string? Clean { get; } = clean;

    /// <summary>Where its runs stand; records are read again only when a file has changed.</summary>
    /// <exception cref="BeearException">A record is damaged.</exception>
    public FolderStatus Status() => FolderStatus.Of(Folder, Records());

    /// <summary>Its records, the oldest first.</summary>
    /// <exception cref="BeearException">A record is damaged.</exception>
    public IReadOnlyList<RunRecord> Records()
    {
        lock (gate)
        {
            var records = new DirectoryInfo(Path.Combine(Folder.Path, "runs"));
            if (!records.Exists) return [];                              // a cleaning that has just begun
            var files = records.EnumerateFiles("*.json").OrderBy(file => file.Name, StringComparer.Ordinal);
            string now = string.Join('|', files.Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));
            if (read?.Files != now) read = (now, Folder.Read());
            return read.Value.Records;
        }
    }
}

/// <summary>An address names what is not there.</summary>
/// <param name="message">One sentence.</param>
internal sealed class NothingThere(string message) : Exception(message);
