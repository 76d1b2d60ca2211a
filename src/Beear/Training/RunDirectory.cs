using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Training;

/// <summary>
/// The folder of one run: <c>run.json</c> (its options), <c>metrics.jsonl</c>, artefacts of its stages, while it is under way
/// <c>state.safetensors</c> to continue from, and at its end <c>result.json</c> and the model. The same command on the same folder
/// continues, or gives the result again; other options are refused.
/// </summary>
public sealed class RunDirectory
{
    private const string OptionsFile = "run.json";
    private const string ResultFile = "result.json";
    private const string LockFile = "run.lock";
    private const string Model = "model";
    private const string MetricsBytes = "metrics_bytes";                     // of a state: how long the metrics were
    private static readonly JsonSerializerOptions Json =
        new(StrictJson.Whole) { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private RunDirectory(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes the folder, or opens one that was made with the same options.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">All that decides the run's result; serialised to JSON.</param>
    /// <exception cref="BeearException">The folder holds a run with other options, or something that is not a run.</exception>
    public static RunDirectory Open(string path, object options)
    {
        Check(path, options);
        var run = new RunDirectory(path);
        AtomicOutput.RemoveLeftovers(path, name: null);
        var file = run.File(OptionsFile);
        if (System.IO.File.Exists(file)) return run;
        Directory.CreateDirectory(path);
        AtomicOutput.WriteText(file, JsonSerializer.Serialize(options, Json));
        return run;
    }

    /// <summary>What <see cref="Open"/> checks, before what it needs is loaded; makes nothing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">All that decides the run's result.</param>
    /// <exception cref="BeearException">
    /// The folder holds a run with other options, or something that is not a run, or cannot be written.
    /// </exception>
    public static void Check(string path, object options)
    {
        AtomicOutput.RequireDirectory(path);
        var file = System.IO.Path.Combine(path, OptionsFile);
        if (System.IO.File.Exists(file))
        {
            var (found, now) = (ReadOptions(file), JsonSerializer.SerializeToNode(options, Json)!.AsObject());
            if (!JsonNode.DeepEquals(found, now))
                throw new BeearException($"'{path}' holds a run with other options ({FirstDifference(found, now)}); choose "
                    + "another folder or delete it.");
        }
        else if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).All(IsOwn))
        {
            throw new BeearException($"'{path}' is not empty and holds no run; choose another folder.");
        }
    }

    /// <summary>Takes the run for this process until what is returned is disposed or the process ends; makes the folder.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="BeearException">Another process is at work on it, or it cannot be written.</exception>
    public static IDisposable Claim(string path) =>
        AtomicOutput.Held(path, System.IO.Path.Combine(System.IO.Path.GetFullPath(path), LockFile), keep: true);

    /// <summary>Whether an entry of a folder without options does not keep a run from being made there.</summary>
    private static bool IsOwn(string entry) => System.IO.Path.GetFileName(entry) == LockFile || AtomicOutput.IsTemporary(entry);

    /// <summary>
    /// Ends the run: keeps its result, then writes its model; the run is finished when both are there, and its state goes.
    /// </summary>
    /// <param name="result">What is to be given again; serialisable to JSON.</param>
    /// <param name="save">Writes the model into the directory that it is given.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room; the state is kept.</exception>
    public void Finish<T>(T result, Action<string> save)
    {
        AtomicOutput.WriteText(File(ResultFile), JsonSerializer.Serialize(result, Json));
        save(File(Model));
        DeleteState();
    }

    /// <summary>The result of a run that is finished. What a process that was killed at its very end left beside it is removed.</summary>
    /// <typeparam name="T">What <see cref="Finish"/> was given.</typeparam>
    /// <param name="path">The folder; its options were checked.</param>
    /// <returns>The result; null where the run is not finished.</returns>
    /// <exception cref="BeearException">The folder holds a model, but no result that can be read.</exception>
    public static T? Result<T>(string path) where T : class
    {
        var run = new RunDirectory(path);
        string model = run.File(Model), file = run.File(ResultFile);
        if (!Directory.Exists(model))
        {
            AtomicOutput.RequireNewDirectory(model);
            return null;
        }
        if (!System.IO.File.Exists(file))
            throw new BeearException($"'{model}' is there already, without the result of its run; choose another folder.");
        var result = Read<T>(file, "the model beside it is finished; choose another folder to make it anew");
        AtomicOutput.RemoveLeftovers(path, name: null);
        run.DeleteState();
        return result;
    }

    /// <summary>A file of the run.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Adds a line to <c>metrics.jsonl</c>.</summary>
    public void Append(object metrics) => System.IO.File.AppendAllText(Metrics, JsonSerializer.Serialize(metrics, StrictJson.Line) + "\n");

    /// <summary>Reads an artefact of an earlier, interrupted pass of this run, or makes and keeps it.</summary>
    /// <typeparam name="T">What it is; serialisable to JSON.</typeparam>
    /// <param name="name">File name.</param>
    /// <param name="make">Makes it.</param>
    public T Artefact<T>(string name, Func<T> make)
    {
        var file = File(name);
        if (System.IO.File.Exists(file)) return Read<T>(file, "delete it, and the run makes it again");
        var made = make();
        AtomicOutput.WriteText(file, JsonSerializer.Serialize(made, Json));
        return made;
    }

    private static T Read<T>(string file, string advice)
    {
        try
        {
            var value = StrictJson.Value<T>(FileContent.Read(file), Json);
            bool isWhole = value is not null && (value is not IEnumerable list || list.Cast<object?>().All(one => one is not null));
            return isWhole ? value! : throw new JsonException("null stands where a value is needed");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{file}' is damaged ({failure.Reason()}); {advice}.", failure);
        }
    }

    /// <summary>Keeps what a continuation needs; replaces the state before.</summary>
    /// <param name="tensors">Weights, moments and the like.</param>
    /// <param name="progress">Where the run stands.</param>
    public void SaveState(IReadOnlyList<(string Name, torch.Tensor Value)> tensors, JsonObject progress)
    {
        progress[MetricsBytes] = new FileInfo(Metrics) is { Exists: true, Length: var length } ? length : 0;
        SafetensorsWriter.Write(State, tensors, new Dictionary<string, string> { ["progress"] = progress.ToJsonString() });
    }

    /// <summary>
    /// Opens the state, if there is one, and takes back the metrics of steps that it does not know: they are taken again.
    /// </summary>
    /// <returns>The tensors, which the caller disposes, and where the run stood; null when it starts anew.</returns>
    /// <exception cref="BeearException">The state is damaged.</exception>
    internal (SafetensorsFile Tensors, JsonObject Progress)? OpenState()
    {
        if (!System.IO.File.Exists(State))
        {
            CutMetrics(0);
            return null;
        }
        SafetensorsFile? tensors = null;
        try
        {
            tensors = SafetensorsFile.Open(State);
            var progress = StrictJson.Node(tensors.Metadata["progress"])!.AsObject();
            CutMetrics(progress[MetricsBytes]!.GetValue<long>());
            return (tensors, progress);
        }
        catch (Exception failure) when (IsDamage(failure))
        {
            tensors?.Dispose();
            throw Damaged(failure);
        }
    }

    /// <summary>Continues from the state, if there is one.</summary>
    /// <param name="restore">Takes the tensors and where the run stood.</param>
    /// <exception cref="BeearException">The state is damaged, or does not hold what is taken from it.</exception>
    internal void Continue(Action<SafetensorsFile, JsonObject> restore)
    {
        if (OpenState() is not { } saved) return;
        using var tensors = saved.Tensors;
        try
        {
            restore(tensors, saved.Progress);
        }
        catch (Exception failure) when (IsDamage(failure))
        {
            throw Damaged(failure);
        }
    }

    /// <summary>Deletes the state: the run is finished.</summary>
    public void DeleteState() => System.IO.File.Delete(State);

    private string State => File("state.safetensors");

    private string Metrics => File("metrics.jsonl");

    private void CutMetrics(long length)
    {
        if (new FileInfo(Metrics) is not { Exists: true, Length: var written } || written <= length) return;
        using var file = System.IO.File.OpenWrite(Metrics);
        file.SetLength(length);
    }

    private static bool IsDamage(Exception failure) =>
        failure is not (UnauthorizedAccessException or OperationCanceledException or OutOfMemoryException);

    private BeearException Damaged(Exception failure) =>
        new($"'{State}' is damaged ({failure.Reason()}); delete it, and the run starts anew.", failure);

    private static JsonObject ReadOptions(string file)
    {
        if (Parse(FileContent.Read(file)) is { } options) return options;
        throw new BeearException($"'{file}' is damaged; delete its folder to start the run anew, or choose another folder.");
    }

    private static JsonObject? Parse(byte[] utf8)
    {
        try
        {
            return StrictJson.Node(utf8) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string FirstDifference(JsonObject before, JsonObject now)
    {
        var key = now.Select(pair => pair.Key).FirstOrDefault(key => !JsonNode.DeepEquals(before[key], now[key]))
            ?? "an option was removed";
        return $"{key}: {before[key]?.ToJsonString() ?? "none"} there, {now[key]?.ToJsonString() ?? "none"} now";
    }
}
