using Beear.Kernels;
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
    /// <param name="hidden">(B, T, d) float32; where the context packs, (N, d): the rows that are run.</param>
    /// <param name="context">Shared by all layers of the pass.</param>
    /// <returns>The same shape, float32; everything else is the caller's dispose scope's.</returns>
    public Tensor Run(Tensor hidden, LayerContext context)
    {
        hidden = Add(hidden, Attention(Before(hidden, attentionNorm), context), postAttentionNorm);      // (…, d)
        return Add(hidden, FeedForward(Before(hidden, feedForwardNorm)), postFeedForwardNorm);           // (…, d)
    }

    private Tensor Before(Tensor hidden, Parameter? norm) =>
        norm is null ? hidden.to(computeType) : Norms.Apply(hidden, norm.Master, config, computeType);

    private Tensor Add(Tensor hidden, Tensor result, Parameter? norm)
    {
        if (norm is not null) result = Norms.Apply(result.to(float32), norm.Master, config, float32);
        return hidden.Plus(config.ResidualScale == 1 ? result : result.Times(config.ResidualScale));
    }

    private Tensor Attention(Tensor x, LayerContext context)
    {
        var shared = context.Of(kind);
        long queryHeads = config.QueryHeads, groups = config.KeyValueHeads, headSize = config.HeadSize;

        var stacked = queryKeyValue.Apply(x);                                                            // (…, (H+2G)·D)
        if (queryNorm is not null) stacked = NormalizeQueriesAndKeys(stacked);
        long batch = shared.Cosine.size(0), tokens = shared.Cosine.size(2);
        if (context.Packing is { Copies: not null } packing) stacked = packing.Repeat(stacked);          // (M, (H+2G)·D)
        var shape = new HeadShape(batch, tokens, queryHeads, groups, headSize, kind.Rotates ? RotatedSize : 0, context.Packing?.Positions);
        // (B, H, T, D), (B, G, T, D) twice
        var (queries, keys, values) = AttentionHeads.Split(stacked.flatten(0, -2), shape, shared.Cosine, shared.Sine);
        if (context.Sequences is { } sequences)
            return attentionOutput.Apply(sequences.Attend(layer, kind, queries, keys, values, Attend));  // (1, N, d)
        if (context.Cache is { } cache) (keys, values) = cache.Extend(layer, keys, values);              // (B, G, S, D)
        var mixed = tokens == 1 && config.AttentionSoftCap is null
            ? StepAttention.Apply(queries, keys, values, shared.Mask, config.AttentionScale)
            : AttentionHeads.Join(Attend(queries, keys, values, shared.Mask), shape with { Rows = context.Packing?.Rows });
        return attentionOutput.Apply(context.Packing is null ? mixed.view(batch, tokens, -1) : mixed);   // (…, d)
    }

    /// <summary>Mixed values, (B, H, T, D).</summary>
    private Tensor Attend(Tensor queries, Tensor keys, Tensor values, Tensor mask)
    {
        if (queries.device_type == TorchSharp.DeviceType.CUDA && computeType == ScalarType.BFloat16 && config.AttentionSoftCap is null)
            return AttendOnCuda(queries, keys, values, mask);
        return GroupedAttention.Apply(queries, keys, values, mask, config.AttentionScale, config.AttentionSoftCap);
    }

    /// <summary>The same in libtorch's fused attention, which never holds all scores. It scales by 1/√D.</summary>
    private Tensor AttendOnCuda(Tensor queries, Tensor keys, Tensor values, Tensor mask)
    {
        double rest = config.AttentionScale * Math.Sqrt(config.HeadSize);
        if (Math.Abs(rest - 1) > 1e-6) queries = queries.Times(rest);
        return functional.scaled_dot_product_attention(queries, ForEachQuery(keys), ForEachQuery(values), mask);   // (B, H, T, D)

        Tensor ForEachQuery(Tensor heads) => config.QueryHeads == config.KeyValueHeads ? heads
            : heads.unsqueeze(2).expand(-1, -1, config.QueryHeads / config.KeyValueHeads, -1, -1).flatten(1, 2);
    }

    /// <summary>Norms of queries and keys, over each head or over all of a token's; values stay.</summary>
    /// <param name="stacked">(…, (H+2G)·D).</param>
    private Tensor NormalizeQueriesAndKeys(Tensor stacked)
    {
        long queries = (long)config.QueryHeads * config.HeadSize, keys = (long)config.KeyValueHeads * config.HeadSize;
        return cat([Part(0, queries, queryNorm!), Part(queries, keys, keyNorm!), stacked.narrow(-1, queries + keys, keys)], -1);

        Tensor Part(long start, long width, Parameter norm)
        {
            var rows = stacked.narrow(-1, start, width).to(float32);                                     // (…, H·D)
            bool eachHead = config.QueryKeyNorm == QueryKeyNorm.EachHead;
            if (eachHead) rows = rows.unflatten(rows.ndim - 1, -1, config.HeadSize);                     // (…, H, D)
            var normalized = Norms.Apply(rows, norm.Master, config, computeType);
            return eachHead ? normalized.flatten(-2) : normalized;
        }
    }

    private int RotatedSize => (kind.Windowed ? config.WindowedRotary : config.Rotary).RotatedSize;

    private Tensor FeedForward(Tensor x)
    {
        var projected = gateUp.Apply(x);                                                                 // (…, 2F), without a gate (…, F)
        if (!config.GatedFeedForward) return down.Apply(Activate(projected));                            // (…, d)
        if (config.Activation == Activation.Silu) return down.Apply(SwiGlu.Apply(projected));            // (…, d)
        var halves = projected.chunk(2, -1);
        return down.Apply(Activate(halves[0]) * halves[1]);                                              // (…, d)
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
