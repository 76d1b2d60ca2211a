using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Beear.Models;

/// <summary>One decoder layer: attention, then the feed-forward layer, each with the norms that its family places around it.</summary>
internal sealed class DecoderLayer(ModelConfig config, DecoderWeights weights, ScalarType computeType, int layer)
{
    private readonly LayerKind kind = config.LayerKinds[layer];
    private readonly Parameter? attentionNorm = weights.Find(layer, ParameterRole.AttentionNorm);
    private readonly Parameter? postAttentionNorm = weights.Find(layer, ParameterRole.PostAttentionNorm);
    private readonly Parameter? feedForwardNorm = weights.Find(layer, ParameterRole.FeedForwardNorm);
    private readonly Parameter? postFeedForwardNorm = weights.Find(layer, ParameterRole.PostFeedForwardNorm);
    private readonly Parameter? queryNorm = weights.Find(layer, ParameterRole.QueryNorm);
    private readonly Parameter? keyNorm = weights.Find(layer, ParameterRole.KeyNorm);
    private readonly Projection queryKeyValue = new(weights, layer, ParameterRole.QueryKeyValue, ParameterRole.QueryKeyValueBias);
    private readonly Projection attentionOutput = new(weights, layer, ParameterRole.AttentionOutput, ParameterRole.AttentionOutputBias);
    private readonly Projection gateUp = new(weights, layer, ParameterRole.GateUp, ParameterRole.GateUpBias);
    private readonly Projection down = new(weights, layer, ParameterRole.Down, ParameterRole.DownBias);

    /// <summary>The residual stream after the layer.</summary>
    /// <param name="hidden">(B, T, d) float32.</param>
    /// <param name="context">Shared by all layers of the pass.</param>
    /// <returns>(B, T, d) float32; everything else is the caller's dispose scope's.</returns>
    public Tensor Run(Tensor hidden, LayerContext context)
    {
        hidden = Add(hidden, Attention(Before(hidden, attentionNorm), context), postAttentionNorm);      // (B, T, d)
        return Add(hidden, FeedForward(Before(hidden, feedForwardNorm)), postFeedForwardNorm);           // (B, T, d)
    }

    private Tensor Before(Tensor hidden, Parameter? norm) =>
        (norm is null ? hidden : Norms.Apply(hidden, norm.Master, config)).to(computeType);

    private Tensor Add(Tensor hidden, Tensor result, Parameter? norm)
    {
        if (norm is not null) result = Norms.Apply(result.to(float32), norm.Master, config);
        return hidden + (config.ResidualScale == 1 ? result : result * config.ResidualScale);
    }

    private Tensor Attention(Tensor x, LayerContext context)
    {
        var shared = context.Of(kind);
        long batch = x.shape[0], tokens = x.shape[1];
        long queryHeads = config.QueryHeads, groups = config.KeyValueHeads, headSize = config.HeadSize, repeat = queryHeads / groups;

        var stacked = queryKeyValue.Apply(x);                                                            // (B, T, (H+2G)·D)
        if (queryNorm is not null) stacked = NormalizeQueriesAndKeys(stacked);
        var heads = stacked.view(batch, tokens, queryHeads + 2 * groups, headSize).transpose(1, 2);      // (B, H+2G, T, D)
        var rotated = heads.narrow(1, 0, queryHeads + groups);                                           // (B, H+G, T, D)
        if (kind.Rotates) rotated = Rotate(rotated, shared);
        var queries = rotated.narrow(1, 0, queryHeads);                                                  // (B, H, T, D)
        var keys = rotated.narrow(1, queryHeads, groups);                                                // (B, G, T, D)
        var values = heads.narrow(1, queryHeads + groups, groups);                                       // (B, G, T, D)
        if (context.Cache is { } cache) (keys, values) = cache.Extend(layer, keys, values);              // (B, G, S, D)
        long all = keys.shape[2];

        // The R = H/G query heads of a group stand under each other, so that keys and values need no copies.
        var grouped = queries.reshape(batch, groups, repeat * tokens, headSize);                         // (B, G, R·T, D)
        var scores = (grouped * config.AttentionScale).matmul(keys.transpose(2, 3));                     // (B, G, R·T, S)
        if (config.AttentionSoftCap is { } cap) scores = SoftCap(scores, cap);
        scores = scores.view(batch, groups * repeat, tokens, all) + shared.Mask;                         // (B, H, T, S)
        var shares = functional.softmax(scores, -1).view(batch, groups, repeat * tokens, all);           // (B, G, R·T, S)
        var mixed = shares.matmul(values).view(batch, queryHeads, tokens, headSize)
            .transpose(1, 2).reshape(batch, tokens, queryHeads * headSize);                              // (B, T, H·D)
        return attentionOutput.Apply(mixed);                                                             // (B, T, d)
    }

    /// <summary>c·tanh(x/c).</summary>
    public static Tensor SoftCap(Tensor x, double cap) => (x / cap).tanh() * cap;

    /// <summary>Norms of queries and keys, over each head or over all of a token's; values stay.</summary>
    /// <param name="stacked">(B, T, (H+2G)·D).</param>
    private Tensor NormalizeQueriesAndKeys(Tensor stacked)
    {
        long queries = (long)config.QueryHeads * config.HeadSize, keys = (long)config.KeyValueHeads * config.HeadSize;
        return cat([Part(0, queries, queryNorm!), Part(queries, keys, keyNorm!), stacked.narrow(2, queries + keys, keys)], 2);

        Tensor Part(long start, long width, Parameter norm)
        {
            var rows = stacked.narrow(2, start, width).to(float32);                                      // (B, T, H·D)
            bool eachHead = config.QueryKeyNorm == QueryKeyNorm.EachHead;
            if (eachHead) rows = rows.unflatten(2, -1, config.HeadSize);                                 // (B, T, H, D)
            var normalized = Norms.Apply(rows, norm.Master, config).to(computeType);
            return eachHead ? normalized.flatten(2) : normalized;
        }
    }

    private Tensor Rotate(Tensor x, AttentionContext shared)
    {
        long rotated = (kind.Windowed ? config.WindowedRotary : config.Rotary).RotatedSize, half = rotated / 2, rest = x.shape[3] - rotated;
        Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half).neg();
        var turned = cat(rest == 0 ? [second, first] : [second, first, x.narrow(3, rotated, rest)], 3);  // (B, H, T, D)
        return x * shared.Cosine + turned * shared.Sine;
    }

    private Tensor FeedForward(Tensor x)
    {
        var projected = gateUp.Apply(x);                                                                 // (B, T, 2F), without a gate (B, T, F)
        if (!config.GatedFeedForward) return down.Apply(Activate(projected));                            // (B, T, d)
        var halves = projected.chunk(2, -1);
        return down.Apply(Activate(halves[0]) * halves[1]);                                              // (B, T, d)
    }

    private Tensor Activate(Tensor x) => config.Activation switch
    {
        Activation.Silu => functional.silu(x),
        Activation.Gelu => functional.gelu(x),
        _ => functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
    };

    /// <summary>A matrix with or without a bias.</summary>
    private sealed class Projection(DecoderWeights weights, int layer, ParameterRole matrix, ParameterRole bias)
    {
        private readonly Tensor matrix = weights[layer, matrix].Compute;
        private readonly Tensor? bias = weights.Find(layer, bias)?.Compute;

        public Tensor Apply(Tensor x) => functional.linear(x, matrix, bias);
    }
}
