using Beear.Checkpoints;
using Beear.Models.Export;
using Beear.Runtime;
using Beear.Text;
using Beear.Text.Files;
using TorchSharp;

namespace Beear.Models;

/// <summary>A chat model: the decoder, and how conversations become its tokens.</summary>
public sealed class LanguageModel : IDisposable
{
    private readonly Checkpoint source;
    private IReadOnlyList<string>? findings;

    private LanguageModel(Checkpoint source, Decoder decoder, ChatFormat chat)
    {
        this.source = source;
        Decoder = decoder;
        Chat = chat;
    }

    /// <summary>The transformer.</summary>
    internal Decoder Decoder { get; }

    /// <summary>Tokenizer and chat template.</summary>
    public ChatFormat Chat { get; }

    /// <summary>The shapes.</summary>
    internal ModelConfig Config => Decoder.Config;

    /// <summary>The family, as config.json's <c>model_type</c> names it.</summary>
    public string ModelType => Config.ModelType;

    /// <summary>L: how many decoder layers it has.</summary>
    public int Layers => Config.Layers;

    /// <summary>d: the size of its hidden states.</summary>
    public int HiddenSize => Config.HiddenSize;

    /// <summary>How many weights it has.</summary>
    public long ParameterCount => Config.ParameterCount;

    /// <summary>Where it was loaded from.</summary>
    public string Path => source.Path;

    /// <summary>The files around its weights.</summary>
    internal ModelFiles Files => source.Files;

    /// <summary>What is odd about its files, a sentence each: <see cref="ModelFindings"/>.</summary>
    public IReadOnlyList<string> Findings => findings ??= ModelFindings.Of(source, Config, Chat);

    /// <summary>
    /// Loads a Hugging Face directory, a GGUF file, or an adapter of PEFT, which is merged into its base; may be cancelled between tensors.
    /// </summary>
    /// <exception cref="BeearException">Something is missing, damaged, unknown or contradictory; the message names it.</exception>
    public static LanguageModel Load(string path, ModelOptions options, CancellationToken cancellation = default)
    {
        TorchRuntime.Load();
        var checkpoint = Checkpoint.Open(path, options.AdapterBase);
        try
        {
            var config = ModelConfig.Of(checkpoint);
            var chat = checkpoint.LoadChatFormat(options.Chat);
            chat.MaximumTokens = config.MaximumPositions;
            if (chat.Tokenizer.VocabularySize > config.VocabularySize)
                throw new BeearException($"'{path}': the tokenizer has {chat.Tokenizer.VocabularySize} tokens, but the model only "
                    + $"{config.VocabularySize}; they do not belong together.");
            return new LanguageModel(checkpoint, Decoder.Load(config, checkpoint, options, cancellation), chat);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>A model with fresh weights in the shape of a directory's config.json.</summary>
    /// <param name="path">A directory with config, tokenizer and template; its weights, if any, are not read.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="options">Device and number formats.</param>
    public static LanguageModel Fresh(string path, int seed, ModelOptions options)
    {
        TorchRuntime.Load();
        var checkpoint = Checkpoint.OpenWithoutWeights(path);
        var config = ModelConfig.FromJson(checkpoint.Config);
        return new LanguageModel(checkpoint, Decoder.Random(config, seed, options), checkpoint.LoadChatFormat(options.Chat));
    }

    /// <summary>
    /// Writes the model in the form in which it was loaded, as a Hugging Face directory; a tensor keeps its element type if that loses
    /// nothing of its values, else it is float32.
    /// </summary>
    /// <param name="directory">A directory that does not exist yet or is empty.</param>
    /// <param name="maxShardBytes">Weights beyond this size are split over several files.</param>
    /// <exception cref="BeearException">A weight is NaN or infinite.</exception>
    public void Save(string directory, long maxShardBytes = 5_000_000_000)
    {
        using var guard = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        Decoder.Weights.RequireFinite();
        var isUntied = !Config.TiedEmbeddings && ModelConfig.FromJson(source.Config).TiedEmbeddings;
        source.SaveAs(directory, Decoder.Weights.TensorsAsIn(source), maxShardBytes, isUntied);
    }

    /// <summary>Writes the model as one GGUF file, for llama.cpp and what is built on it.</summary>
    /// <param name="path">The file; one that exists is replaced when the new one is complete.</param>
    /// <param name="type">How matrices are stored.</param>
    /// <exception cref="BeearException">
    /// llama.cpp could not run the model faithfully, a weight is NaN or infinite, or the file cannot be written.
    /// </exception>
    public void ExportGguf(string path, GgufWeightType type)
    {
        using var scope = torch.NewDisposeScope();
        Decoder.Weights.RequireFinite();
        GgufExport.Write(Config, source, Decoder.Weights, path, type, progress: null, default);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Decoder.Dispose();
        source.Dispose();
    }
}
