using Beear.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Beear.Models;

/// <summary>
/// The one decoder-only transformer. A pass is <see cref="Embed"/>, <see cref="RunLayers"/> over one or more ranges of layers, and
/// <see cref="Logits"/> for the rows that matter; whatever stands between two ranges (such as a perturbation δ) is the caller's.
/// </summary>
/// <remarks>The residual stream is float32; matrix products run in <see cref="ModelOptions.ComputeType"/>.</remarks>
public sealed class Decoder : IDisposable
{
    private readonly RotaryTable rotary;
    private readonly double attentionScale;

    private Decoder(ModelConfig config, DecoderWeights weights, ModelOptions options)
    {
        Config = config;
        Weights = weights;
        Options = options;
        rotary = new RotaryTable(config.Rotary);
        attentionScale = 1 / Math.Sqrt(config.HeadSize);
    }

    /// <summary>Loads the weights of a checkpoint.</summary>
    /// <exception cref="BeearException">The config is not understood, or a tensor is missing, misshapen or not finite.</exception>
    public static Decoder Load(Checkpoint checkpoint, ModelOptions options)
    {
        var config = ModelConfig.FromJson(checkpoint.Config);
        return new Decoder(config, DecoderWeights.Load(config, checkpoint, options), options);
    }

    /// <summary>Fresh weights in the shapes of a config.</summary>
    /// <param name="config">The shapes.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="options">Device and number formats.</param>
    public static Decoder Random(ModelConfig config, int seed, ModelOptions options) =>
        new(config, DecoderWeights.Random(config, seed, options), options);

    /// <summary>The shapes.</summary>
    public ModelConfig Config { get; }

    /// <summary>The weights.</summary>
    public DecoderWeights Weights { get; }

    /// <summary>Device and number formats.</summary>
    public ModelOptions Options { get; }

    /// <summary>Makes what all layers of a pass share.</summary>
    /// <param name="positionIds">(B, T) int64; 0 at a sequence's first real token.</param>
    /// <param name="allowed">(B, T, S) bool: whether query t may attend to key s; see <see cref="LayerContext.Causal"/>.</param>
    /// <param name="cache">Earlier tokens.</param>
    public LayerContext Context(Tensor positionIds, Tensor allowed, KeyValueCache? cache = null)
    {
        // Only some kinds of scaling ask for the exact length, which costs a look at the device.
        int length = Config.Rotary.DependsOnLength ? (int)positionIds.max().item<long>() + 1 : (int)allowed.shape[2];
        var (cosine, sine) = rotary.Rows(positionIds, length, Options.ComputeType);
        return new LayerContext(cosine, sine, LayerContext.AdditiveMask(allowed, Options.ComputeType), cache);
    }

    /// <summary>Token embeddings.</summary>
    /// <param name="tokenIds">(B, T) int64.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor Embed(Tensor tokenIds)
    {
        // From the master weights: rows of frequent tokens gather many gradients, whose sum would lose digits in bfloat16.
        using var scope = NewDisposeScope();
        var rows = Weights[-1, ParameterRole.Embedding].Master.index_select(0, tokenIds.flatten()).to(float32);   // (B·T, d)
        return rows.view(tokenIds.shape[0], tokenIds.shape[1], Config.HiddenSize).MoveToOuterDisposeScope();
    }

    /// <summary>Runs decoder layers [start, end) of <paramref name="layers"/>.</summary>
    /// <param name="hidden">(B, T, d) float32.</param>
    /// <param name="layers">E.g. <c>0..l</c> or <c>l..L</c>.</param>
    /// <param name="context">Shared by all layers of the pass.</param>
    /// <returns>(B, T, d) float32: the residual stream after the last of the layers.</returns>
    public Tensor RunLayers(Tensor hidden, Range layers, LayerContext context)
    {
        var (start, count) = layers.GetOffsetAndLength(Config.Layers);
        var stream = hidden.alias();
        for (int layer = start; layer < start + count; layer++)
        {
            using var scope = NewDisposeScope();
            using var input = stream;                                    // each layer's input is let go as soon as its output exists
            stream = Layer(input, layer, context).MoveToOuterDisposeScope();
        }
        return stream;
    }

    /// <summary>The final norm.</summary>
    /// <param name="rows">(…, d) float32: the residual stream after the last layer.</param>
    /// <returns>(…, d) in the compute type.</returns>
    public Tensor Normalize(Tensor rows) => Norm(rows, -1, ParameterRole.FinalNorm);

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
    public Tensor Head(Tensor normalized) =>
        functional.linear(normalized, Weights[-1, Config.TiedEmbeddings ? ParameterRole.Embedding : ParameterRole.Head].Compute);

    /// <summary>A whole pass: the residual stream after the last layer.</summary>
    /// <param name="tokenIds">(B, T) int64; prompts left-padded to the prompt width, answers right-padded.</param>
    /// <param name="attentionMask">(B, T) bool: true for real tokens.</param>
    /// <param name="positionIds">(B, T) int64.</param>
    /// <param name="perturbation">δ and the layer after which it is added to the prompts' last tokens; null for none.</param>
    /// <param name="promptWidth">P: columns of the prompts; matters only with a perturbation.</param>
    /// <param name="cache">Records keys and values for later tokens.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor HiddenStates(Tensor tokenIds, Tensor attentionMask, Tensor positionIds, Perturbation? perturbation = null,
        int promptWidth = 0, KeyValueCache? cache = null)
    {
        using var scope = NewDisposeScope();
        var context = Context(positionIds, LayerContext.Causal(attentionMask, tokenIds.shape[1]), cache);
        var hidden = Embed(tokenIds);                                                                    // (B, T, d)
        if (perturbation is null) return RunLayers(hidden, .., context).MoveToOuterDisposeScope();
        hidden = RunLayers(hidden, ..perturbation.Layer, context);
        hidden = perturbation.AddTo(hidden, promptWidth);
        return RunLayers(hidden, perturbation.Layer.., context).MoveToOuterDisposeScope();
    }

    private Tensor Layer(Tensor hidden, int layer, LayerContext context)
    {
        hidden = hidden + Attention(Norm(hidden, layer, ParameterRole.AttentionNorm), layer, context);   // (B, T, d)
        return hidden + FeedForward(Norm(hidden, layer, ParameterRole.FeedForwardNorm), layer);          // (B, T, d)
    }

    private Tensor Attention(Tensor x, int layer, LayerContext context)
    {
        long batch = x.shape[0], tokens = x.shape[1];
        long queryHeads = Config.QueryHeads, groups = Config.KeyValueHeads, headSize = Config.HeadSize, repeat = queryHeads / groups;

        var stacked = functional.linear(x, Weights[layer, ParameterRole.QueryKeyValue].Compute,
            Weights.Find(layer, ParameterRole.QueryKeyValueBias));                                       // (B, T, (H+2G)·D)
        var heads = stacked.view(batch, tokens, queryHeads + 2 * groups, headSize).transpose(1, 2);      // (B, H+2G, T, D)
        var rotated = Rotate(heads.narrow(1, 0, queryHeads + groups), context);                          // (B, H+G, T, D)
        var queries = rotated.narrow(1, 0, queryHeads);                                                  // (B, H, T, D)
        var keys = rotated.narrow(1, queryHeads, groups);                                                // (B, G, T, D)
        var values = heads.narrow(1, queryHeads + groups, groups);                                       // (B, G, T, D)
        if (context.Cache is { } cache) (keys, values) = cache.Extend(layer, keys, values);              // (B, G, S, D)
        long all = keys.shape[2];

        // The R = H/G query heads of a group stand under each other, so that keys and values need no copies.
        var grouped = queries.reshape(batch, groups, repeat * tokens, headSize);                         // (B, G, R·T, D)
        var scores = (grouped * attentionScale).matmul(keys.transpose(2, 3));                            // (B, G, R·T, S)
        scores = scores.view(batch, groups * repeat, tokens, all) + context.Mask;                        // (B, H, T, S)
        var shares = functional.softmax(scores, -1).view(batch, groups, repeat * tokens, all);           // (B, G, R·T, S)
        var mixed = shares.matmul(values).view(batch, queryHeads, tokens, headSize)
            .transpose(1, 2).reshape(batch, tokens, queryHeads * headSize);                              // (B, T, H·D)
        return functional.linear(mixed, Weights[layer, ParameterRole.AttentionOutput].Compute,
            Weights.Find(layer, ParameterRole.AttentionOutputBias));                                     // (B, T, d)
    }

    private static Tensor Rotate(Tensor x, LayerContext context)
    {
        long half = x.shape[3] / 2;
        var turned = cat([x.narrow(3, half, half).neg(), x.narrow(3, 0, half)], 3);                      // (B, H, T, D)
        return x * context.Cosine + turned * context.Sine;
    }

    private Tensor FeedForward(Tensor x, int layer)
    {
        var gateUp = functional.linear(x, Weights[layer, ParameterRole.GateUp].Compute, Weights.Find(layer, ParameterRole.GateUpBias));   // (B, T, 2F)
        var halves = gateUp.chunk(2, -1);
        var activated = functional.silu(halves[0]) * halves[1];                                          // (B, T, F)
        return functional.linear(activated, Weights[layer, ParameterRole.Down].Compute, Weights.Find(layer, ParameterRole.DownBias));     // (B, T, d)
    }

    private Tensor Norm(Tensor x, int layer, ParameterRole role)
    {
        var scale = (x * x).mean([-1], keepdim: true).add(Config.NormEpsilon).rsqrt();                   // (B, T, 1)
        return (x * scale * Weights[layer, role].Master).to(Options.ComputeType);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        rotary.Dispose();
        Weights.Dispose();
    }
}
