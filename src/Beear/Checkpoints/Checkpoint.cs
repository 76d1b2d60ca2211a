using System.Text.Json.Nodes;
using Beear.Checkpoints.Adapters;
using Beear.Checkpoints.Gguf;
using Beear.Text;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>
/// A chat model on disk: a Hugging Face directory, or one GGUF file presented as if it were such a directory.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    private const string GgufPattern = "*.gguf";
    private readonly ITensorSource weights;
    private readonly ModelFiles files;

    private Checkpoint(string path, ITensorSource weights, ModelFiles files, JsonObject config)
    {
        Path = path;
        this.weights = weights;
        this.files = files;
        Config = config;
    }

    /// <summary>The directory or .gguf file, as it was given.</summary>
    public string Path { get; }

    /// <summary>config.json; for a GGUF file the one beside it, else one made of its metadata. Changes to it are not saved.</summary>
    public JsonObject Config { get; }

    /// <summary>The adapter that is merged into the weights, and where its base lies; null if there is none.</summary>
    public (AdapterInfo Info, string Base)? Adapter { get; private init; }

    /// <summary>The files around the weights.</summary>
    internal ModelFiles Files => files;

    /// <summary>The tensors by Hugging Face name, such as model.layers.0.self_attn.q_proj.weight.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => weights.Tensors;

    /// <summary>
    /// Opens a directory with config.json and model.safetensors (or its shards), a .gguf file, or a directory with one .gguf file.
    /// Of a GGUF file the Hugging Face files that lie beside it go before what its metadata say. A directory with an adapter of PEFT
    /// (adapter_config.json) is its base with the adapter merged into it.
    /// </summary>
    /// <param name="path">The directory or file.</param>
    /// <param name="adapterBase">Where an adapter's base lies; if not given, where its configuration says. Other models need none.</param>
    /// <exception cref="BeearException">There is no such model, its files contradict each other, or its form cannot be read.</exception>
    public static Checkpoint Open(string path, string? adapterBase = null)
    {
        if (File.Exists(path)) return OpenFile(path);
        if (!Directory.Exists(path)) throw new BeearException(
            $"There is no model at '{path}'; name a Hugging Face model directory or a .gguf file.");
        return AdapterInfo.Find(path) is { } adapter ? OpenAdapter(adapter, adapterBase) : OpenFolder(path);
    }

    private static Checkpoint OpenFolder(string path)
    {
        if (ShardedSafetensors.IsIn(path)) return OpenDirectory(path);
        return Directory.GetFiles(path, GgufPattern) switch
        {
            [var only] => OpenGguf(only),
            [] => throw NoModel.At(path),
            var several => throw new BeearException($"'{path}' holds {several.Length} GGUF files; name the one to open."),
        };
    }

    /// <summary>Opens a directory for all but its weights, which it may lack: to make a model of its shape, with fresh weights.</summary>
    /// <exception cref="BeearException">There is no config.json, or it cannot be read.</exception>
    public static Checkpoint OpenWithoutWeights(string directory)
    {
        var around = ModelFiles.In(directory, directory);
        var config = around.Json(ModelFiles.Config)
            ?? throw new BeearException($"'{directory}' has no {ModelFiles.Config}; name a model directory.");
        return new Checkpoint(directory, new NoTensors(), around, config);
    }

    /// <summary>Opens a model for config, tokenizer and template; the weights of a safetensors directory are not looked at.</summary>
    /// <exception cref="BeearException">There is no such model, or its config cannot be read.</exception>
    public static Checkpoint OpenFiles(string path, string? adapterBase = null) =>
        adapterBase is null && AdapterInfo.Find(path) is null && Directory.Exists(path) && ShardedSafetensors.IsIn(path)
            ? OpenWithoutWeights(path) : Open(path, adapterBase);

    /// <summary>A new CPU tensor: of the stored type from safetensors, float32 from GGUF.</summary>
    /// <exception cref="BeearException">There is no tensor of that name, or it holds NaN or infinity.</exception>
    public Tensor Read(string name)
    {
        if (!Tensors.ContainsKey(name)) throw new BeearException(
            $"'{Path}' has no tensor '{name}', which a model of this configuration needs.");
        var tensor = weights.Read(name);
        if (FiniteCheck.AllFinite(tensor)) return tensor;
        tensor.Dispose();
        throw new BeearException($"Tensor '{name}' of '{Path}' holds NaN or infinite values; the training that wrote it has "
            + "diverged, or the file is damaged.");
    }

    /// <summary>Whether two tensors are of the same type, shape and values; so are those of which one is not there.</summary>
    internal bool AreSame(string name, string other)
    {
        if (!Tensors.TryGetValue(name, out var one) || !Tensors.TryGetValue(other, out var two)) return true;
        if (one.DType != two.DType || !one.Shape.SequenceEqual(two.Shape)) return false;
        using var scope = NewDisposeScope();
        return weights.Read(name).eq(weights.Read(other)).all().item<bool>();
    }

    /// <summary>The tokenizer, the chat template and the tokens that end a turn.</summary>
    /// <param name="defaults">
    /// What every conversation has that does not say otherwise; null for nothing. A template that they give is written with the model, too.
    /// </param>
    /// <exception cref="BeearException">One of them is missing or cannot be read.</exception>
    public ChatFormat LoadChatFormat(ChatDefaults? defaults = null) => ChatFormatFiles.Load(files, defaults);

    /// <summary>
    /// What is wrong or odd with tokenizer, chat template, the tokens that end a turn and generation_config.json: a sentence each.
    /// </summary>
    /// <param name="vocabularySize">V: rows of the model's embedding.</param>
    /// <param name="loaded">The chat format, if it has been loaded already.</param>
    public IReadOnlyList<string> CheckChatFormat(int vocabularySize, ChatFormat? loaded = null) =>
        [.. new ChatFormatCheck(files, vocabularySize, loaded).Findings()];

    /// <summary>
    /// Writes a Hugging Face directory with other weights: tokenizer, template and configuration files are carried over unchanged
    /// (of a GGUF file: those beside it, else made of its metadata), but that a template that was given takes its place, and config.json
    /// names the element type written, and says so where the head is not tied to the embeddings. The directory is there
    /// as a whole or not at all.
    /// </summary>
    /// <param name="directory">A directory that does not exist yet or is empty.</param>
    /// <param name="tensors">The weights under their Hugging Face names, on any device.</param>
    /// <param name="maxShardBytes">Weights beyond this size are split over several files with an index.</param>
    /// <param name="isUntied">Whether config.json is to say that the output head is not the embeddings, whatever it said before.</param>
    /// <exception cref="BeearException">The directory is not empty, or cannot be written.</exception>
    public void SaveAs(
        string directory, IReadOnlyList<(string Name, Tensor Value)> tensors, long maxShardBytes = 5_000_000_000, bool isUntied = false) =>
            CheckpointWriter.Write(directory, tensors, files, maxShardBytes, isUntied);

    /// <summary>Closes the files; tensors that were read stay valid.</summary>
    public void Dispose() => weights.Dispose();

    private static Checkpoint OpenFile(string path) =>
        System.IO.Path.GetExtension(path).Equals(".gguf", StringComparison.OrdinalIgnoreCase) ? OpenGguf(path) : throw NoModel.AtFile(path);

    private static Checkpoint OpenDirectory(string path)
    {
        var around = ModelFiles.In(path, path);
        var config = around.Json(ModelFiles.Config)
            ?? throw new BeearException($"'{path}' holds weights but no {ModelFiles.Config}; fetch that file of the model too.");
        return new Checkpoint(path, ShardedSafetensors.Open(path), around, config);
    }

    private static Checkpoint OpenAdapter(AdapterInfo adapter, string? adapterBase)
    {
        string folder = adapter.Folder, place = adapterBase ?? adapter.FindBase() ?? throw new BeearException(
            $"'{folder}' is an adapter, and its base '{adapter.Base}' is not here; " +
            "name the base's folder by --adapter-base (in C#, ModelOptions.AdapterBase).");
        bool isOwn = System.IO.Path.GetFullPath(place) == System.IO.Path.GetFullPath(folder);
        if (!isOwn && AdapterInfo.Find(place) is not null)
            throw new BeearException($"'{place}', the base of the adapter '{folder}', is an adapter too; merge that one into its "
                + "base with PEFT first.");
        var source = isOwn ? OpenFolder(place) : Open(place);
        try
        {
            var config = source.Config.DeepClone().AsObject();
            var merged = AdapterFolder.Open(folder, source.weights, config);
            source.files.TakeTokenizer(ModelFiles.In(folder, folder));
            if (!JsonNode.DeepEquals(config, source.Config)) source.files.Replace(ModelFiles.Config, config);
            return new Checkpoint(folder, merged, source.files, source.files.Json(ModelFiles.Config)!) { Adapter = (adapter, source.Path) };
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static Checkpoint OpenGguf(string path)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = new GgufConfig(file);
            var directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
            var around = ModelFiles.In(directory, directory);
            if (around.Json(ModelFiles.Config) is { } beside) config.CheckBelongsTo(beside);
            around.AddMissing(ModelFiles.Config, config.ToJson);
            around.AddMissing(ModelFiles.GenerationConfig, config.ToGenerationJson);
            GgufTokenizer.AddMissing(file, around);
            return new Checkpoint(path, new GgufWeights(file, config), around, around.Json(ModelFiles.Config)!);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private sealed class NoTensors : ITensorSource
    {
        public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);

        public Tensor Read(string name) => throw new KeyNotFoundException(name);

        public void Dispose() { }
    }
}
