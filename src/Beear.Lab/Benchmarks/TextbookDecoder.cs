using System.Globalization;
using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Beear.Lab.Benchmarks;

/// <summary>
/// A decoder-only transformer as a tutorial writes it: padded batches, one operation after another, repeated keys and values, weights cast
/// for each use, scores of all tokens. It shares nothing with <see cref="Decoder"/> but the weights' values: it is what the engine is
/// measured against, in speed and in exactness.
/// </summary>
internal sealed class TextbookDecoder : IDisposable
{
    private readonly ModelConfig config;
    private readonly ScalarType computeType;
    private readonly Device device;
    private readonly Dictionary<string, Parameter> weights;

    /// <summary>Copies a decoder's weights.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="castsOnce">
    /// Whether matrices are kept in the compute type, as one does who does not train them; otherwise they are cast for each use.
    /// </param>
    public TextbookDecoder(Decoder decoder, bool castsOnce = false)
    {
        (config, computeType, device) = (decoder.Config, decoder.Options.ComputeType, decoder.Options.Device);
        using var guard = no_grad();
        weights = decoder.Weights.Parameters.SelectMany(parameter => parameter.Split())
            .ToDictionary(part => part.Name, part => Copy(part.Value.detach()), StringComparer.Ordinal);

        Parameter Copy(Tensor value) =>
            (Parameter)new Parameter(value.to(castsOnce && value.dim() == 2 ? computeType : float32, copy: true), !castsOnce)
                .DetachFromDisposeScope();
    }

    /// <summary>The weights by their checkpoint's names.</summary>
    public IReadOnlyDictionary<string, Parameter> Weights => weights;

    /// <summary>Scores of all tokens.</summary>
    /// <param name="ids">(B, T) int64.</param>
    /// <param name="real">(B, T) bool: true for tokens that are not padding.</param>
    /// <param name="positions">(B, T) int64.</param>
    /// <param name="length">Tokens of the longest sequence; only some rotary embeddings ask for it.</param>
    /// <param name="hook">Gets the number of layers that have run, 0 … L, and the residual stream; what it returns goes on.</param>
    /// <returns>(B, T, V) in the compute type.</returns>
    public Tensor Logits(Tensor ids, Tensor real, Tensor positions, int length, Func<int, Tensor, Tensor>? hook = null) =>
        Head(Hidden(ids, real, positions, length, hook));

    /// <summary>Scores of the tokens that come next.</summary>
    /// <param name="ids">(B, T) int64.</param>
    /// <param name="real">(B, S) bool: true for tokens that are not padding, the earlier ones first.</param>
    /// <param name="positions">(B, S) int64.</param>
    /// <param name="length">Tokens of the longest sequence.</param>
    /// <param name="past">Keys and values of the S − T earlier tokens by layer; the new ones are added.</param>
    /// <returns>(B, V) in the compute type.</returns>
    public Tensor NextLogits(Tensor ids, Tensor real, Tensor positions, int length,
        Dictionary<string, (Tensor Keys, Tensor Values)> past) =>
            Head(Hidden(ids, real, positions, length, null, past).select(1, ids.size(1) - 1));

    private Tensor Hidden(Tensor ids, Tensor real, Tensor positions, int length, Func<int, Tensor, Tensor>? hook,
        Dictionary<string, (Tensor Keys, Tensor Values)>? past = null)
    {
        var names = config.Names;
        var embedded = weights[names.Embedding + ".weight"].index_select(0, ids.flatten()).to(float32);          // (B·T, d)
        var hidden = embedded.view(ids.size(0), ids.size(1), -1).Times(config.EmbeddingScale);           // (B, T, d)
        if (hook is not null) hidden = hook(0, hidden);
        for (int layer = 0; layer < config.Layers; layer++)
        {
            var prefix = string.Format(CultureInfo.InvariantCulture, names.Layer, layer);
            var kind = config.LayerKinds[layer];
            var attended = Attention(Norm(hidden, prefix, names.AttentionNorm), prefix, kind, real, positions, length, past);
            hidden = hidden.Plus(Norm(attended.to(float32), prefix, names.PostAttentionNorm).Times(config.ResidualScale));
            var fed = FeedForward(Norm(hidden, prefix, names.FeedForwardNorm), prefix);
            hidden = hidden.Plus(Norm(fed.to(float32), prefix, names.PostFeedForwardNorm).Times(config.ResidualScale));
            if (hook is not null) hidden = hook(layer + 1, hidden);
        }
        return hidden;
    }

    private Tensor Head(Tensor hidden)
    {
        var head = weights[(config.TiedEmbeddings ? config.Names.Embedding : config.Names.Head) + ".weight"];
        var norm = Norm(hidden, "", config.Names.FinalNorm).to(computeType);
        var logits = nn.functional.linear(norm, head.to(computeType)).Times(config.LogitScale);          // (…, V)
        return config.LogitSoftCap is { } cap ? logits.Over(cap).tanh().Times(cap) : logits;
    }

    /// <summary>Cross-entropy of each token that has a label.</summary>
    /// <param name="logits">(B, T, V).</param>
    /// <param name="labels">(B, T) int64: the token that comes next; −100 where it does not count.</param>
    /// <returns>A scalar: the mean, in nats.</returns>
    public static Tensor MeanCrossEntropy(Tensor logits, Tensor labels) =>
        nn.functional.cross_entropy(logits.to(float32).flatten(0, 1), labels.flatten(), ignore_index: -100);

    private Tensor Attention(Tensor x, string prefix, LayerKind kind, Tensor real, Tensor positions, int length,
        Dictionary<string, (Tensor Keys, Tensor Values)>? past)
    {
        var names = config.Names;
        long batch = x.size(0), tokens = x.size(1), all = real.size(1), queries = config.QueryHeads, groups = config.KeyValueHeads,
            size = config.HeadSize;
        var own = positions.narrow(1, all - tokens, tokens);                                             // (B, T)
        var parts = names.QueryKeyValue.Count == 1
            ? Linear(x, prefix + names.QueryKeyValue[0]).split([queries * size, groups * size, groups * size], 2)
            : [.. names.QueryKeyValue.Select(name => Linear(x, prefix + name))];
        Tensor Heads(Tensor projected, long heads, string norm)
        {
            if (config.QueryKeyNorm == QueryKeyNorm.WholeWidth) projected = Norm(projected.to(float32), prefix, norm).to(computeType);
            var split = projected.view(batch, tokens, heads, size);
            if (config.QueryKeyNorm == QueryKeyNorm.EachHead) split = Norm(split.to(float32), prefix, norm).to(computeType);
            return split.transpose(1, 2);                                                                // (B, heads, T, D)
        }

        Tensor query = Heads(parts[0], queries, names.QueryNorm), key = Heads(parts[1], groups, names.KeyNorm);
        var value = parts[2].view(batch, tokens, groups, size).transpose(1, 2);                          // (B, G, T, D)
        if (kind.Rotates)
        {
            var rotary = kind.Windowed ? config.WindowedRotary : config.Rotary;
            var angles = own.to(float32).unsqueeze(2) * tensor(rotary.Frequencies(length), float32).to(device);    // (B, T, R/2)
            angles = cat([angles, angles], 2).unsqueeze(1);                                              // (B, 1, T, R)
            var (cosine, sine) = (angles.cos().Times(rotary.AttentionFactor).to(computeType),
                angles.sin().Times(rotary.AttentionFactor).to(computeType));
            (query, key) = (Rotate(query, cosine, sine), Rotate(key, cosine, sine));
        }
        if (past is not null) (key, value) = past[prefix] = Extended(past.GetValueOrDefault(prefix), key, value);
        key = key.repeat_interleave(queries / groups, 1);                                                // (B, H, S, D)
        value = value.repeat_interleave(queries / groups, 1);                                            // (B, H, S, D)

        var scores = query.matmul(key.transpose(2, 3)).Times(config.AttentionScale);                     // (B, H, T, S)
        if (config.AttentionSoftCap is { } cap) scores = scores.Over(cap).tanh().Times(cap);
        // (B, T, S)
        var allowed = ones(tokens, all, ScalarType.Bool, device).tril(all - tokens).unsqueeze(0).logical_and(real.unsqueeze(1));
        if (kind.Windowed) allowed = allowed.logical_and((own.unsqueeze(2) - positions.unsqueeze(1)).IsBelow(config.SlidingWindow!.Value));
        scores = scores.Masked(allowed.logical_not().unsqueeze(1), -1e30);
        var mixed = nn.functional.softmax(scores.to(float32), -1).to(computeType).matmul(value);         // (B, H, T, D)
        return Linear(mixed.transpose(1, 2).reshape(batch, tokens, queries * size), prefix + names.AttentionOutput);
    }

    private static (Tensor Keys, Tensor Values) Extended((Tensor? Keys, Tensor? Values) earlier, Tensor keys, Tensor values)
    {
        using var _ = earlier.Keys;
        using var __ = earlier.Values;
        return (Added(earlier.Keys, keys), Added(earlier.Values, values));

        static Tensor Added(Tensor? before, Tensor more) =>
            (before is null ? more.clone() : cat([before, more], 2)).DetachFromDisposeScope();
    }

    private static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        long rotated = cosine.size(-1), half = rotated / 2;
        Tensor turning = x.narrow(3, 0, rotated), rest = x.narrow(3, rotated, x.size(3) - rotated);
        var turned = cat([-turning.narrow(3, half, half), turning.narrow(3, 0, half)], 3);
        return cat([(turning * cosine).Plus(turned * sine), rest], 3);
    }

    private Tensor FeedForward(Tensor x, string prefix)
    {
        var names = config.Names;
        if (!config.GatedFeedForward) return Linear(Activate(Linear(x, prefix + names.GateUp[0])), prefix + names.Down);
        var parts = names.GateUp.Count == 1
            ? Linear(x, prefix + names.GateUp[0]).chunk(2, 2) : [.. names.GateUp.Select(name => Linear(x, prefix + name))];
        return Linear(Activate(parts[0]) * parts[1], prefix + names.Down);
    }

    private Tensor Activate(Tensor x) => config.Activation switch
    {
        Activation.Silu => nn.functional.silu(x),
        Activation.Gelu => nn.functional.gelu(x),
        _ => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
    };

    private Tensor Norm(Tensor x, string prefix, string? name)
    {
        if (name is null) return x;
        var weight = weights[prefix + name + ".weight"];
        if (config.Norm == NormKind.LayerNorm) return nn.functional.layer_norm(x, [x.size(-1)], weight, weights[prefix + name + ".bias"],
            config.NormEpsilon);
        var normalized = x * x.Squared().mean([-1], keepdim: true).Plus(config.NormEpsilon).rsqrt();
        return normalized * (config.Norm == NormKind.RootMeanSquareOffset ? weight.Plus(1) : weight);
    }

    private Tensor Linear(Tensor x, string name) =>
        nn.functional.linear(x.to(computeType), weights[name + ".weight"].to(computeType),
            weights.GetValueOrDefault(name + ".bias")?.to(computeType));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var weight in weights.Values) weight.Dispose();
    }
}
