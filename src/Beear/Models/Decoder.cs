using Beear.Checkpoints;
using Beear.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Beear.Models;

/// <summary>
/// The one decoder-only transformer. A pass is <see cref="Embed"/>, <see cref="RunLayers"/> over one or more ranges of layers, and
/// <see cref="Logits"/> for the rows that matter; whatever stands between two ranges (such as a perturbation δ) is the caller's.
/// </summary>
/// <remarks>The residual stream is float32; matrix products run in <see cref="ModelOptions.ComputeType"/>.</remarks>
internal sealed class Decoder : IDisposable
{
    private readonly DecoderLayer[] layers;
    private readonly RotaryTable rotary;
    private readonly RotaryTable windowedRotary;                         // the same object where the constants are

    private Decoder(ModelConfig config, DecoderWeights weights, ModelOptions options)
    {
        Config = config;
        Weights = weights;
        Options = options;
        layers = [.. Enumerable.Range(0, config.Layers).Select(layer => new DecoderLayer(config, weights, options.ComputeType, layer))];
        rotary = new RotaryTable(config.Rotary, config.HeadSize);
        windowedRotary = ReferenceEquals(config.Rotary, config.WindowedRotary)
            ? rotary : new RotaryTable(config.WindowedRotary, config.HeadSize);
    }

    /// <summary>Loads the weights of a checkpoint.</summary>
    /// <exception cref="BeearException">The config is not understood, or a tensor is missing, misshapen or not finite.</exception>
    public static Decoder Load(Checkpoint checkpoint, ModelOptions options) => Load(ModelConfig.Of(checkpoint), checkpoint, options);

    /// <summary>The same where the config has been read.</summary>
    internal static Decoder Load(ModelConfig config, Checkpoint checkpoint, ModelOptions options,
        CancellationToken cancellation = default) => new(config, DecoderWeights.Load(config, checkpoint, options, cancellation), options);

    /// <summary>Fresh weights in the shapes of a config.</summary>
    /// <param name="config">The shapes.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="options">Device and number formats.</param>
    internal static Decoder Random(ModelConfig config, int seed, ModelOptions options) =>
        new(config, DecoderWeights.Random(config, seed, options), options);

    /// <summary>Another decoder with the same weights.</summary>
    /// <param name="sharedLayers">
    /// Layers, counted from the embeddings, that stand still in both and are in memory once, the embeddings with them; 0 for none.
    /// </param>
    internal Decoder Copy(int sharedLayers = 0) => new(Config, Weights.Copy(Config, sharedLayers), Options);

    /// <summary>The same with a fresh scalar head in place of whatever head there is.</summary>
    /// <param name="seed">Seed of the head.</param>
    /// <param name="deviation">Standard deviation of its weights.</param>
    /// <param name="sharedLayers">As for <see cref="Copy"/>.</param>
    internal Decoder WithScalarHead(int seed, double deviation, int sharedLayers = 0)
    {
        var config = Config with { ScalarHead = true };
        return new Decoder(config, Weights.Copy(config, sharedLayers, Fresh), Options);

        Parameter Fresh(ParameterSlot slot)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)seed, CPU);
            var drawn = randn([.. slot.Parts[0].Shape], generator: generator).Times(deviation);          // (1, d)
            return new Parameter(slot, drawn.to(Options.Device).DetachFromDisposeScope(), Options.ComputeType);
        }
    }

    /// <summary>The shapes.</summary>
    internal ModelConfig Config { get; }

    /// <summary>The weights.</summary>
    internal DecoderWeights Weights { get; }

    /// <summary>Device and number formats.</summary>
    public ModelOptions Options { get; }

    /// <summary>Makes what all layers of a pass share.</summary>
    /// <param name="positionIds">(B, T) int64; 0 at a sequence's first real token.</param>
    /// <param name="allowed">(B, T, S) bool: whether query t may attend to key s; see <see cref="LayerContext.Causal"/>.</param>
    /// <param name="cache">Earlier tokens.</param>
    /// <param name="keyPositionIds">
    /// (B, S) positions of all keys; null where the keys are the given tokens. Only windows ask for them.
    /// </param>
    /// <param name="sequenceLength">
    /// Tokens of the longest sequence that these are a part of; null if its last token is among them. Only rotary embeddings whose
    /// frequencies depend on the length ask for it.
    /// </param>
    /// <param name="packing">Which positions are run; null for all that hold real tokens.</param>
    internal LayerContext Context(Tensor positionIds, Tensor allowed, KeyValueCache? cache = null, Tensor? keyPositionIds = null,
        int? sequenceLength = null,
        Packing? packing = null)
    {
        // Only some kinds of scaling ask for the exact length, which costs a look at the device.
        int length = Config.RotaryDependsOnLength ? sequenceLength ?? (int)positionIds.max().item<long>() + 1 : (int)allowed.size(2);
        var type = Options.ComputeType;
        AttentionContext? full = null, windowed = null;
        if (Config.HasFullAttention)
        {
            var (cosine, sine) = rotary.Rows(positionIds, length, type);
            full = new AttentionContext(cosine, sine, LayerContext.AdditiveMask(allowed, type));
        }
        if (Config.SlidingWindow is { } window)
        {
            using var within = LayerContext.Within(allowed, positionIds, keyPositionIds ?? positionIds, window);
            var (cosine, sine) = windowedRotary.Rows(positionIds, length, type);
            windowed = new AttentionContext(cosine, sine, LayerContext.AdditiveMask(within, type));
        }
        return new LayerContext(full, windowed, cache, packing ?? Packing.Of(allowed));
    }

    /// <summary>Token embeddings.</summary>
    /// <param name="tokenIds">(B, T) int64.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor Embed(Tensor tokenIds)
    {
        using var scope = NewDisposeScope();
        var rows = Weights[-1, ParameterRole.Embedding].LookUp(tokenIds.flatten());                     // (B·T, d)
        var embedded = rows.view(tokenIds.size(0), tokenIds.size(1), Config.HiddenSize);                // (B, T, d)
        return (Config.EmbeddingScale == 1 ? embedded : embedded.Times(Config.EmbeddingScale)).MoveToOuterDisposeScope();
    }

    /// <summary>Runs decoder layers [start, end) of <paramref name="layers"/>.</summary>
    /// <param name="hidden">(B, T, d) float32.</param>
    /// <param name="layers">E.g. <c>0..l</c> or <c>l..L</c>.</param>
    /// <param name="context">Shared by all layers of the pass.</param>
    /// <returns>(B, T, d) float32: the residual stream after the last of the layers; of no meaning where there is padding.</returns>
    internal Tensor RunLayers(Tensor hidden, Range layers, LayerContext context)
    {
        var (start, count) = layers.GetOffsetAndLength(Config.Layers);
        if (count == 0) return hidden.alias();
        var stream = context.Packing?.Pack(hidden) ?? hidden.alias();                                    // (N, d) or (B, T, d)
        for (int layer = start; layer < start + count; layer++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var input = stream;                                    // each layer's input is let go as soon as its output exists
            stream = this.layers[layer].Run(input, context).MoveToOuterDisposeScope();
        }
        if (context.Packing is not { } packing) return stream;
        using var packed = stream;
        return packing.Unpack(packed);
    }

    /// <summary>Runs one decoder layer.</summary>
    /// <param name="stream">
    /// The residual stream as it is between layers: (N, d) of the rows that are run where the context packs, else (B, T, d); float32.
    /// </param>
    /// <param name="layer">0 … L − 1.</param>
    /// <param name="context">Shared by all layers of the pass.</param>
    /// <returns>The same shape.</returns>
    internal Tensor RunLayer(Tensor stream, int layer, LayerContext context)
    {
        using var scope = NewDisposeScope();
        return layers[layer].Run(stream, context).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the gradient of embedded tokens to that of the embeddings.</summary>
    /// <param name="tokenIds">(N) int64.</param>
    /// <param name="gradient">(N, d) float32, of what <see cref="Embed"/> gave for them.</param>
    internal void AddEmbeddingGradient(Tensor tokenIds, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        Weights[-1, ParameterRole.Embedding]
            .AddRowGradients(tokenIds, Config.EmbeddingScale == 1 ? gradient : gradient.Times(Config.EmbeddingScale));
    }

    /// <summary>The final norm.</summary>
    /// <param name="rows">(…, d) float32: the residual stream after the last layer.</param>
    /// <returns>(…, d) in the compute type.</returns>
    public Tensor Normalize(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return Norms.Apply(rows, Weights[-1, ParameterRole.FinalNorm].Master, Config, Options.ComputeType).MoveToOuterDisposeScope();
    }

    /// <summary>Scores of all tokens, for selected rows only.</summary>
    /// <param name="rows">(N, d) float32: the residual stream after the last layer.</param>
    /// <returns>(N, V) in the compute type.</returns>
    public Tensor Logits(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return Head(Normalize(rows)).MoveToOuterDisposeScope();
    }

    /// <summary>The output head alone.</summary>
    /// <param name="normalized">(N, d) in the compute type: rows after <see cref="Normalize"/>.</param>
    /// <returns>(N, V) in the compute type.</returns>
    public Tensor Head(Tensor normalized) => Scores(normalized, HeadWeights, Config);

    /// <summary>The scalar head of a reward model.</summary>
    /// <param name="rows">(N, d) float32: the residual stream after the last layer.</param>
    /// <returns>(N) float32.</returns>
    public Tensor Score(Tensor rows)
    {
        using var scope = NewDisposeScope();
        var scores = functional.linear(Normalize(rows).to(float32), Weights[-1, ParameterRole.Score].Compute);   // (N, 1)
        return scores.squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>(V, d) in the compute type: the output head, or the embeddings that it is tied to.</summary>
    public Tensor HeadWeights => Weights[-1, Config.TiedEmbeddings ? ParameterRole.Embedding : ParameterRole.Head].Compute;

    /// <summary>An output head with the scale and soft cap of its model.</summary>
    /// <param name="normalized">(N, d).</param>
    /// <param name="head">(V, d) of the same type.</param>
    /// <param name="config">Of the model that the head is from.</param>
    /// <returns>(N, V).</returns>
    internal static Tensor Scores(Tensor normalized, Tensor head, ModelConfig config)
    {
        if (config is { LogitScale: 1, LogitSoftCap: null }) return functional.linear(normalized, head);
        using var scope = NewDisposeScope();
        var scores = functional.linear(normalized, head).Times(config.LogitScale);                       // (N, V)
        return (config.LogitSoftCap is { } cap ? GroupedAttention.SoftCap(scores, cap) : scores).MoveToOuterDisposeScope();
    }

    /// <summary>A whole pass: the residual stream after the last layer.</summary>
    /// <param name="tokenIds">(B, T) int64; prompts left-padded to the prompt width, answers right-padded.</param>
    /// <param name="attentionMask">(B, S) bool: true for real tokens, those of the cache first; S = T if it holds none yet.</param>
    /// <param name="positionIds">(B, T) int64.</param>
    /// <param name="perturbation">δ and the layer after which it is added to the prompts' last tokens; null for none.</param>
    /// <param name="promptWidth">P: columns of the prompts; matters only with a perturbation.</param>
    /// <param name="cache">Earlier tokens, if it holds any; records keys and values for later ones.</param>
    /// <param name="perturbedExamples">How many of the B conversations get δ, the first ones; null for all.</param>
    /// <param name="packing">Which positions are run; null for all that hold real tokens.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(B, T, d) float32.</returns>
    internal Tensor HiddenStates(Tensor tokenIds, Tensor attentionMask, Tensor positionIds, Perturbation? perturbation = null,
        int promptWidth = 0, KeyValueCache? cache = null, int? perturbedExamples = null, Packing? packing = null,
            CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        bool continues = attentionMask.size(1) > tokenIds.size(1);
        var keyPositions = continues && Config.SlidingWindow is not null ? attentionMask.cumsum(1).Minus(1) : null; // (B, S)
        var context = Context(positionIds, LayerContext.Causal(attentionMask, tokenIds.size(1)), cache, keyPositions,
            packing: packing) with
        { Cancellation = cancellation };
        var hidden = Embed(tokenIds);                                                                    // (B, T, d)
        if (perturbation is null || perturbedExamples == 0) return RunLayers(hidden, .., context).MoveToOuterDisposeScope();
        hidden = RunLayers(hidden, ..perturbation.Layer, context);
        hidden = perturbation.AddTo(hidden, promptWidth, attentionMask, perturbedExamples);
        return RunLayers(hidden, perturbation.Layer.., context).MoveToOuterDisposeScope();
    }

    /// <summary>A pass over the next tokens of several sequences, each of which has a past of its own and is continued in it.</summary>
    /// <param name="parts">The sequences, one behind the other; N tokens in all.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(N, d) float32: the residual stream after the last layer.</returns>
    internal Tensor HiddenStates(IReadOnlyList<SequencePart> parts, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var device = Options.Device;
        var ids = tensor([.. parts.SelectMany(part => part.Tokens).Select(id => (long)id)], device: device).unsqueeze(0);   // (1, N)
        using var pass = new SequencePass(Config, Options, parts);
        var context = new LayerContext(Config.HasFullAttention ? Tables(rotary) : null,
            Config.SlidingWindow is null ? null : Tables(windowedRotary))
        { Sequences = pass, Cancellation = cancellation };
        return RunLayers(Embed(ids), .., context).squeeze(0).MoveToOuterDisposeScope();                  // (N, d)

        // Where frequencies depend on a sequence's length, each sequence has its own.
        AttentionContext Tables(RotaryTable table)
        {
            IReadOnlyList<IReadOnlyList<SequencePart>> groups =
                Config.RotaryDependsOnLength ? [.. parts.Select(part => new[] { part })] : [parts];
            var rows = groups.Select(group => table.Rows(
                tensor([.. group.SelectMany(part => part.Positions)], device: device).unsqueeze(0),
                group.Max(part => part.SequenceLength), Options.ComputeType)).ToArray();
            return new AttentionContext(Joined(rows.Select(row => row.Cosine)), Joined(rows.Select(row => row.Sine)), pass.NoMask);
        }

        static Tensor Joined(IEnumerable<Tensor> tables) => tables.ToArray() is [var only] ? only : cat([.. tables], 2);   // (1, 1, N, D)
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        rotary.Dispose();
        windowedRotary.Dispose();
        Weights.Dispose();
    }
}
