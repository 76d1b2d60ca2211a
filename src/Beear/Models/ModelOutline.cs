using Beear.Checkpoints;
using Beear.Text;

namespace Beear.Models;

/// <summary>
/// A model before its weights are loaded: its shapes and its chat format, against which options and data are checked first.
/// </summary>
public sealed record ModelOutline
{
    internal ModelOutline(ModelConfig config, ChatFormat chat)
    {
        Config = config;
        Chat = chat;
    }

    /// <summary>The shapes.</summary>
    internal ModelConfig Config { get; init; }

    /// <summary>Tokenizer and chat template.</summary>
    public ChatFormat Chat { get; }

    /// <summary>L: how many decoder layers it has.</summary>
    public int Layers => Config.Layers;

    /// <summary>d: the size of its hidden states.</summary>
    public int HiddenSize => Config.HiddenSize;

    /// <summary>Reads a model's files, but not the weights of a safetensors directory.</summary>
    /// <param name="path">What <see cref="LanguageModel.Load"/> takes.</param>
    /// <param name="options">The base of an adapter, and how conversations are written.</param>
    /// <exception cref="BeearException">There is no such model, or one of its files cannot be read.</exception>
    public static ModelOutline Open(string path, ModelOptions options)
    {
        using var checkpoint = Checkpoint.OpenFiles(path, options.AdapterBase);
        return new ModelOutline(ModelConfig.FromJson(checkpoint.Config), checkpoint.LoadChatFormat(options.Chat));
    }

    /// <summary>Shapes and chat format.</summary>
    internal void Deconstruct(out ModelConfig config, out ChatFormat chat) => (config, chat) = (Config, Chat);
}
