using Beear.Checkpoints.Gguf;

namespace Beear.Models.Export;

/// <summary>
/// What llama.cpp takes for granted of a family's models and no metadata can change: a model that is otherwise would be computed
/// otherwise, and is refused.
/// </summary>
internal static class GgufFaithfulness
{
    // Of these, llama.cpp takes D for d / H.
    private static readonly string[] HeadSizeFollows = ["qwen2", "phi3", "olmo2", "starcoder2", "stablelm"];
    private static readonly string[] FactorsOfFrequencies = ["llama", "granite", "exaone4"];
    private static readonly string[] LongFactors = ["llama", "granite", "phi3"];
    private static readonly string[] OutputBias = ["llama", "granite", "starcoder2"];

    /// <summary>Refuses what would be computed otherwise.</summary>
    /// <exception cref="BeearException">The first difference.</exception>
    public static void Check(ModelConfig config, GgufArchitecture architecture)
    {
        foreach (var (holds, what) in Conditions(config, architecture))
        {
            if (!holds)
                throw new BeearException($"This model cannot be written to GGUF: {what}, and llama.cpp does not compute "
                    + $"{architecture.Name} models so.");
        }
    }

    private static IEnumerable<(bool Holds, string What)> Conditions(ModelConfig config, GgufArchitecture architecture)
    {
        var name = architecture.Name;
        var isGemma = architecture.NormsPlusOne;
        var isGranite = name == "granite";
        yield return (config.HeadSize * config.QueryHeads == config.HiddenSize || !HeadSizeFollows.Contains(name),
            $"its heads are {config.HeadSize} wide and not {config.HiddenSize / config.QueryHeads}, the hidden size over the heads");
        yield return (config.Activation == (isGemma || name == "starcoder2" ? Activation.GeluTanh : Activation.Silu),
            $"its activation is {config.Activation}");
        yield return (isGranite || Near(config.AttentionScale, Scale(config, name)),
            $"its attention scores are scaled by {config.AttentionScale:G6}");
        yield return (isGranite || Near(config.EmbeddingScale, isGemma ? Math.Sqrt(config.HiddenSize) : 1),
            $"its embeddings are scaled by {config.EmbeddingScale:G6}");
        yield return (isGranite || config.ResidualScale == 1, $"its residuals are scaled by {config.ResidualScale:G6}");
        yield return (isGranite || config.LogitScale == 1, $"its logits are scaled by {config.LogitScale:G6}");
        yield return (config.AttentionSoftCap is null != (name == "gemma2"), "its attention scores are capped, or not");
        yield return (config.LogitSoftCap is null ? name != "gemma2" : isGemma, "its logits are capped, or not");
        yield return (config.TiedEmbeddings || name != "gemma2", "its output head is not the embedding table");
        yield return (!config.AttentionOutputBias || OutputBias.Contains(name), "its attention has an output bias");
        yield return (!config.FeedForwardBias || OutputBias.Contains(name), "its feed-forward layers have biases");
        yield return (name != "starcoder2"
            || (config.QueryKeyValueBias && config.AttentionOutputBias && config.FeedForwardBias), "it has no biases");
        var everyFourthIsFixed = name == "smollm3" || (name == "exaone4" && config.Layers == GgufSpecialConfig.LayersOfExaone4WithWindows);
        yield return (config.LayerKinds.Select((kind, i) => kind.Rotates == (!everyFourthIsFixed || (i + 1) % 4 != 0)).All(same => same),
            "it rotates queries and keys in other layers");
        foreach (var condition in RotaryConditions(config, name)) yield return condition;
    }

    private static IEnumerable<(bool Holds, string What)> RotaryConditions(ModelConfig config, string name)
    {
        var rotary = config.Rotary;
        var kind = rotary.Kind;
        yield return (kind != RotaryKind.Dynamic, "its rotary embedding is scaled by the length of the text");
        yield return (kind != RotaryKind.Llama3 || FactorsOfFrequencies.Contains(name), "its rotary embedding is scaled as Llama 3's");
        yield return (kind != RotaryKind.LongRope || LongFactors.Contains(name), "its rotary embedding has long and short factors");
        yield return (kind != RotaryKind.Yarn || (rotary.Truncate && Near(rotary.AttentionFactor, YarnTemperature(rotary.Factor))),
            "its YaRN scaling has settings of its own");
        var windowed = name == "gemma3" ? rotary with { Kind = RotaryKind.Default, Base = config.WindowedRotary.Base, Factor = 1 } : rotary;
        yield return (config.SlidingWindow is null
            || SameFrequencies(windowed, config.WindowedRotary), "layers with a window rotate otherwise");
    }

    private static bool SameFrequencies(RotaryConfig one, RotaryConfig other) =>
        one.Frequencies(sequenceLength: 1).SequenceEqual(other.Frequencies(sequenceLength: 1))
            && (other.AttentionFactor == 1 || ReferenceEquals(one, other));

    private static double YarnTemperature(double factor) => factor <= 1 ? 1 : 1 + (0.1 * Math.Log(factor));

    /// <summary>The largest Gemma models, known by their layers, scale by the hidden size of a head instead of its width.</summary>
    private static double Scale(ModelConfig config, string name)
    {
        var isLargest = (name, config.Layers) is ("gemma2", 46) or ("gemma3", 62);
        return 1 / Math.Sqrt(isLargest ? config.HiddenSize / config.QueryHeads : config.HeadSize);
    }

    private static bool Near(double one, double other) => Math.Abs(one - other) <= 1e-6 * Math.Abs(other);
}
