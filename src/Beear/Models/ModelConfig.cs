using System.Text.Json.Nodes;
using Beear.Checkpoints;

namespace Beear.Models;

/// <summary>The shapes and constants of a decoder-only transformer, read from a Hugging Face config.json.</summary>
/// <remarks>
/// The family is chosen by <c>model_type</c>, never by a name or path. A key that changes the mathematics and is not understood is
/// an error: a model that is silently computed differently is worse than one that is refused.
/// </remarks>
internal sealed record ModelConfig
{
    /// <summary><c>model_type</c>, e.g. "llama".</summary>
    public required string ModelType { get; init; }

    /// <summary>V: entries of the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>d: width of the hidden states.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>L: decoder layers.</summary>
    public int Layers => LayerKinds.Count;

    /// <summary>What the attention of each layer sees, L of them.</summary>
    public required IReadOnlyList<LayerKind> LayerKinds { get; init; }

    /// <summary>Tokens that a windowed layer attends to, the query's own among them; null if no layer has a window.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>H: query heads.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>G: key/value heads; divides H.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>D: width of a head; even.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Longest sequence that the model was made for, in tokens.</summary>
    public required int MaximumPositions { get; init; }

    /// <summary>The rotary embedding of layers without a window.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>The rotary embedding of layers with a window; mostly the same object.</summary>
    public required RotaryConfig WindowedRotary { get; init; }

    /// <summary>Kind of all norms but those of queries and keys, which are of the same kind with ε alike.</summary>
    internal NormKind Norm { get; init; }

    /// <summary>ε of the norms.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Over what queries and keys are normalised before they are rotated.</summary>
    internal QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>The feed-forward layer's activation.</summary>
    internal Activation Activation { get; init; }

    /// <summary>Whether the activation is multiplied with a second projection.</summary>
    public bool GatedFeedForward { get; init; } = true;

    /// <summary>Whether the output head is the embedding table.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether the model ends in a scalar head in place of the output head: it is a reward model, or a critic.</summary>
    internal bool ScalarHead { get; init; }

    /// <summary>Whether query, key and value projections have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the feed-forward's projections have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Factor of the attention scores, mostly 1/√D.</summary>
    public required double AttentionScale { get; init; }

    /// <summary>c of c·tanh(score/c) on attention scores; null for none.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>Factor of the token embeddings.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>Factor of what attention and feed-forward add to the residual stream.</summary>
    public double ResidualScale { get; init; } = 1;

    /// <summary>Factor of the logits.</summary>
    public double LogitScale { get; init; } = 1;

    /// <summary>c of c·tanh(logit/c); null for none.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>How the checkpoint's tensors are called.</summary>
    internal WeightNames Names { get; init; } = new();

    /// <summary>The checkpoint's tensors that such a model is made of, each once.</summary>
    internal IEnumerable<ParameterPart> Tensors => WeightLayout.Of(this).SelectMany(slot => slot.Parts);

    /// <summary>Parameters in all, tied ones counted once.</summary>
    public long ParameterCount => Tensors.Sum(part => part.ElementCount);

    /// <summary>The families that are understood, as <c>model_type</c> names them.</summary>
    public static IReadOnlyList<string> Families { get; } = [.. ModelFamilies.All.Keys];

    /// <summary>Whether some layer sees everything.</summary>
    internal bool HasFullAttention => SlidingWindow is null || LayerKinds.Any(kind => !kind.Windowed);

    /// <summary>Whether some frequencies depend on the sequence's length.</summary>
    internal bool RotaryDependsOnLength => Rotary.DependsOnLength || WindowedRotary.DependsOnLength;

    /// <summary>
    /// Whether keys that were cached for shorter sequences are of no use from this length on, because all of them are rotated otherwise.
    /// </summary>
    /// <param name="sequenceLength">Tokens of the sequence with the newest.</param>
    internal bool RotatesAnewAt(int sequenceLength) =>
        new[] { Rotary, WindowedRotary }.Any(rotary => rotary.Kind == RotaryKind.LongRope
            && sequenceLength == rotary.OriginalPositions + 1);

    /// <summary>Reads a config.json; what it leaves out is as the family's published definition has it.</summary>
    /// <param name="json">The parsed file.</param>
    /// <exception cref="BeearException">
    /// A key is missing, out of range, contradictory, or changes the mathematics and is not known.
    /// </exception>
    public static ModelConfig FromJson(JsonObject json) => ModelConfigReader.Read(json);

    /// <summary>
    /// Reads the config.json of a checkpoint, and looks at its output head: one that is stored and differs from the embeddings is used,
    /// whatever config.json says, as in transformers 5.
    /// </summary>
    /// <exception cref="BeearException">As for the file alone.</exception>
    internal static ModelConfig Of(Checkpoint checkpoint)
    {
        ClassifierConfig.Refuse(checkpoint);
        var config = FromJson(checkpoint.Config);
        var isUntied = config.TiedEmbeddings && !checkpoint.AreSame(config.Names.EmbeddingWeight, config.Names.HeadWeight);
        return isUntied ? config with { TiedEmbeddings = false } : config;
    }

    /// <summary>The name under which a checkpoint holds a tensor: of tied embeddings some have the head alone.</summary>
    internal string StoredName(string name, Checkpoint checkpoint) =>
        TiedEmbeddings && name == Names.EmbeddingWeight && !checkpoint.Tensors.ContainsKey(name)
            && checkpoint.Tensors.ContainsKey(Names.HeadWeight) ? Names.HeadWeight : name;
}

/// <summary>Kinds of norms.</summary>
internal enum NormKind
{
    /// <summary>x / √(mean x² + ε) · w.</summary>
    RootMeanSquare,
    /// <summary>x / √(mean x² + ε) · (1 + w).</summary>
    RootMeanSquareOffset,
    /// <summary>(x − mean x) / √(variance + ε) · w + b.</summary>
    LayerNorm,
}

/// <summary>Over what queries and keys are normalised.</summary>
internal enum QueryKeyNorm
{
    /// <summary>They are not.</summary>
    None,
    /// <summary>Each head by itself, with one scale for all heads.</summary>
    EachHead,
    /// <summary>All heads of a token together.</summary>
    WholeWidth,
}

/// <summary>Activations of the feed-forward layer.</summary>
internal enum Activation
{
    /// <summary>x · σ(x).</summary>
    Silu,
    /// <summary>x · Φ(x).</summary>
    Gelu,
    /// <summary>Its approximation by tanh.</summary>
    GeluTanh,
}
