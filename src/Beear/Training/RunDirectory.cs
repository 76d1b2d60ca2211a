using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Training;

/// <summary>
/// The folder of one run: <c>run.json</c> (its options), <c>metrics.jsonl</c>, artefacts of its stages, and, while it is under way,
/// <c>state.safetensors</c> to continue from. The same command on the same folder continues; other options are refused.
/// </summary>
public sealed class RunDirectory
{
    private const string OptionsFile = "run.json";
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly JsonSerializerOptions JsonLine = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

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
        var file = run.File(OptionsFile);
        if (System.IO.File.Exists(file)) return run;
        Directory.CreateDirectory(path);
        AtomicOutput.WriteText(file, JsonSerializer.Serialize(options, Json));
        return run;
    }

    /// <summary>What <see cref="Open"/> checks, before what it needs is loaded; makes nothing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">All that decides the run's result.</param>
    /// <exception cref="BeearException">The folder holds a run with other options, or something that is not a run, or cannot be written.</exception>
    public static void Check(string path, object options)
    {
        AtomicOutput.RequireDirectory(path);
        var file = System.IO.Path.Combine(path, OptionsFile);
        if (System.IO.File.Exists(file))
        {
            var (found, now) = (ReadOptions(file), JsonSerializer.SerializeToNode(options, Json)!.AsObject());
            if (!JsonNode.DeepEquals(found, now))
                throw new BeearException($"'{path}' holds a run with other options ({FirstDifference(found, now)}); choose another folder or delete it.");
        }
        else if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new BeearException($"'{path}' is not empty and holds no run; choose another folder.");
        }
    }

    /// <summary>A file of the run.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Adds a line to <c>metrics.jsonl</c>.</summary>
    public void Append(object metrics) => System.IO.File.AppendAllText(File("metrics.jsonl"), JsonSerializer.Serialize(metrics, JsonLine) + "\n");

    /// <summary>Reads an artefact of an earlier, interrupted pass of this run, or makes and keeps it.</summary>
    /// <typeparam name="T">What it is; serialisable to JSON.</typeparam>
    /// <param name="name">File name.</param>
    /// <param name="make">Makes it.</param>
    public T Artefact<T>(string name, Func<T> make)
    {
        var file = File(name);
        if (System.IO.File.Exists(file))
        {
            try
            {
                return JsonSerializer.Deserialize<T>(FileContent.ReadText(file), Json)!;
            }
            catch (JsonException failure)
            {
                throw new BeearException($"'{file}' is damaged ({failure.Message}); delete it, and the run makes it again.", failure);
            }
        }
        var made = make();
        AtomicOutput.WriteText(file, JsonSerializer.Serialize(made, Json));
        return made;
    }

    /// <summary>Keeps what a continuation needs; replaces the state before.</summary>
    /// <param name="tensors">Weights, moments and the like.</param>
    /// <param name="progress">Where the run stands.</param>
    public void SaveState(IReadOnlyList<(string Name, torch.Tensor Value)> tensors, JsonObject progress) =>
        SafetensorsWriter.Write(File("state.safetensors"), tensors, new Dictionary<string, string> { ["progress"] = progress.ToJsonString() });

    /// <summary>Opens the state, if there is one.</summary>
    /// <returns>The tensors, which the caller disposes, and where the run stood; null when it starts anew.</returns>
    public (SafetensorsFile Tensors, JsonObject Progress)? OpenState()
    {
        var file = File("state.safetensors");
        if (!System.IO.File.Exists(file)) return null;
        var tensors = SafetensorsFile.Open(file);
        if (tensors.Metadata.TryGetValue("progress", out var progress) && JsonNode.Parse(progress) is JsonObject parsed) return (tensors, parsed);
        tensors.Dispose();
        throw new BeearException($"'{file}' is not a state of this program; delete it to start the run anew.");
    }

    /// <summary>Deletes the state: the run is finished.</summary>
    public void DeleteState() => System.IO.File.Delete(File("state.safetensors"));

    private static JsonObject ReadOptions(string file)
    {
        try
        {
            if (JsonNode.Parse(FileContent.ReadText(file)) is JsonObject options) return options;
        }
        catch (JsonException)
        {
            // Said below, as for a file that is valid JSON but no options.
        }
        throw new BeearException($"'{file}' is damaged; delete its folder to start the run anew, or choose another folder.");
    }

    private static string FirstDifference(JsonObject before, JsonObject now)
    {
        var key = now.Select(pair => pair.Key).FirstOrDefault(key => !JsonNode.DeepEquals(before[key], now[key])) ?? "an option was removed";
        return $"{key}: {before[key]?.ToJsonString() ?? "none"} there, {now[key]?.ToJsonString() ?? "none"} now";
    }
}
