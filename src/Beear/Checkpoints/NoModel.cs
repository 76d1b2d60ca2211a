using Beear.Runtime;

namespace Beear.Checkpoints;

/// <summary>Names what lies at a path in place of a model, with what to do about it.</summary>
internal static class NoModel
{
    private const string SnapshotsFolder = "snapshots", HubFolder = "hub", CachePrefix = "models--";

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>What training with transformers leaves beside the weights.</summary>
    private static readonly string[] TrainerState =
        ["optimizer.", "scheduler.", "training_args.", "rng_state", "scaler.", "trainer_state."];

    private static readonly (string Ending, string Framework)[] Foreign =
        [(".h5", "TensorFlow"), (".msgpack", "Flax"), (".onnx", "ONNX"), (".npz", "MLX"), (".tflite", "TensorFlow Lite")];

    /// <summary>A file that is named as a model, and is neither GGUF nor a folder.</summary>
    public static BeearException AtFile(string path)
    {
        FileContent.RefusePointer(path);
        var name = Path.GetFileName(path);
        if (IsTrainerState(name)) return new($"'{path}' is the state of a Trainer, not a model; name the checkpoint's directory.");
        if (Original(name) is { } original) return new($"'{path}' is {original}; {TakeHuggingFace}.");
        if (IsSafetensors(name)) return new($"'{path}' holds only weights; name the model directory that it lies in.");
        if (IsPickle(name)) return Pickle($"'{path}' is a Python pickle");
        return FrameworkOf(name) is { } framework
            ? new($"'{path}' holds weights for {framework}; take the model's safetensors form.")
            : new($"'{path}' is neither a model directory nor a .gguf file.");
    }

    /// <summary>A directory that holds no weights which can be read.</summary>
    public static BeearException At(string directory)
    {
        if (HubCache(directory) is { } cache) return cache;
        string[] names = [.. Directory.GetFiles(directory).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
        if (names.FirstOrDefault(name => IsPickle(name) && !IsTrainerState(name) && Original(name) is null) is { } pickle)
            return Pickle($"'{directory}' holds weights only as a Python pickle ({pickle})");
        if (names.FirstOrDefault(name => Original(name) is not null) is { } original)
            return new($"'{directory}' holds the model in {Original(original)} ({original}); {TakeHuggingFace}.");
        if (names.FirstOrDefault(IsSafetensors) is { } part)
        {
            return new($"'{directory}' holds {part}, but neither {ShardedSafetensors.SingleName} nor the {ShardedSafetensors.IndexName} " +
                "that lists a model's files; fetch that file too.");
        }
        if (names.FirstOrDefault(name => FrameworkOf(name) is not null) is { } foreign)
            return new($"'{directory}' holds weights only for {FrameworkOf(foreign)} ({foreign}); take the model's safetensors form.");
        if (Deeper(directory) is { } deeper) return deeper;
        return names.FirstOrDefault(IsTrainerState) is { } state
            ? new($"'{directory}' holds only the state of a Trainer ({state}), no weights; fetch {ShardedSafetensors.SingleName} too.")
            : new($"'{directory}' holds no {ShardedSafetensors.SingleName}, no {ShardedSafetensors.IndexName} and no .gguf file.");
    }

    private const string TakeHuggingFace = "take the model's Hugging Face form, with config.json and model.safetensors";

    private static bool IsPickle(string name) => Pickles.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    private static bool IsSafetensors(string name) => name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);

    private static bool IsTrainerState(string name) => (IsPickle(name) || name.EndsWith(".json", StringComparison.Ordinal))
        && TrainerState.Any(start => name.StartsWith(start, StringComparison.Ordinal));

    private static string? FrameworkOf(string name) =>
        Foreign.FirstOrDefault(known => name.EndsWith(known.Ending, StringComparison.OrdinalIgnoreCase)).Framework;

    private static string? Original(string name) =>
        !name.StartsWith("consolidated", StringComparison.Ordinal) ? null
            : name.EndsWith(".pth", StringComparison.Ordinal) ? "Meta's original format"
        : name.EndsWith(".safetensors", StringComparison.Ordinal) ? "Mistral's own format" : null;

    /// <summary>The hub's cache, or one model's folder in it: the files lie deeper, under the hash of a commit.</summary>
    private static BeearException? HubCache(string directory)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        var folder = Path.GetFileName(path) == SnapshotsFolder ? Path.GetDirectoryName(path)! : path;
        var name = Path.GetFileName(folder);
        if (name.StartsWith(CachePrefix, StringComparison.Ordinal))
        {
            var repository = name[CachePrefix.Length..].Replace("--", "/", StringComparison.Ordinal);
            return new($"'{directory}' is the folder of '{repository}' in the cache of the Hugging Face hub; " +
                (Snapshot(folder) is { } snapshot
                    ? $"name its snapshot '{snapshot}', or {repository}." : $"it holds no snapshot, so name {repository}."));
        }
        bool HoldsModels(string root) => Directory.Exists(root) && Directory.EnumerateDirectories(root, $"{CachePrefix}*").Any();
        if (!HoldsModels(path) && !HoldsModels(Path.Combine(path, HubFolder))) return null;
        return new($"'{directory}' is the cache of the Hugging Face hub, not one model; name a model as owner/name, " +
            $"or a folder under its {SnapshotsFolder}.");
    }

    /// <summary>The snapshot that the branch main was last seen at, else the newest.</summary>
    private static string? Snapshot(string folder)
    {
        var (main, snapshots) = (Path.Combine(folder, "refs", "main"), new DirectoryInfo(Path.Combine(folder, SnapshotsFolder)));
        if (!snapshots.Exists) return null;
        var commit = File.Exists(main) ? FileContent.ReadText(main).Trim() : null;
        return snapshots.EnumerateDirectories().MaxBy(snapshot => (snapshot.Name == commit, snapshot.LastWriteTimeUtc))?.FullName;
    }

    private static BeearException? Deeper(string directory)
    {
        var folders = Directory.EnumerateDirectories(directory)
            .Where(folder => ShardedSafetensors.IsIn(folder) || Directory.EnumerateFiles(folder, "*.gguf").Any())
            .Select(folder => $"'{Path.GetFileName(folder)}'").Order(StringComparer.Ordinal).ToList();
        return folders switch
        {
            [] => null,
            [var only] => new($"'{directory}' holds no weights, but its folder {only} does; name that."),
            _ => new($"'{directory}' holds no weights, but its folders {string.Join(", ", folders.SkipLast(1))} and {folders[^1]} do; " +
                "name one of them."),
        };
    }

    private static BeearException Pickle(string what) => new(
        $"{what}, which can run code and is not read; convert it with " +
        "AutoModelForCausalLM.from_pretrained(directory).save_pretrained(new_directory, safe_serialization=True) of transformers.");
}
