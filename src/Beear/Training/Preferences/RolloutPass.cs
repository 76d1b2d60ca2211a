using Beear.Data;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// Some answers that go through several models together; what the models share is run once, for all updates on these answers.
/// </summary>
internal sealed class RolloutPass : IDisposable
{
    private readonly SharedLayers shared;
    private readonly Packing? packing;
    private readonly Dictionary<Decoder, Tensor> lower = [];             // each (B, T, d) float32

    /// <summary>Lays the answers out.</summary>
    /// <param name="rollouts">Prompts and answers.</param>
    /// <param name="models">The models that they will go through.</param>
    public RolloutPass(IReadOnlyList<Rollout> rollouts, PpoModels models)
    {
        (Rollouts, shared) = (rollouts, models.Shared);
        Batch = TokenBatch.Of([.. rollouts.Select(rollout => rollout.Example)], models.Policy.Options.Device);
        using var scope = NewDisposeScope();
        packing = models.Policy.Packing(Batch, null, null);
        foreach (var tensor in packing?.Tensors ?? []) tensor.DetachFromDisposeScope();
    }

    /// <summary>The answers.</summary>
    public IReadOnlyList<Rollout> Rollouts { get; }

    /// <summary>The same as one rectangle.</summary>
    public TokenBatch Batch { get; }

    /// <summary>What was found when the answers were new; null until it is.</summary>
    public Experience? Experience { get; set; }

    /// <summary>What a model's layers make of the answers.</summary>
    /// <param name="decoder">One of the models.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(B, T, d) float32: the residual stream after the last layer.</returns>
    public Tensor Hidden(Decoder decoder, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var context = decoder.Context(Batch.PositionIds, LayerContext.Causal(Batch.AttentionMask, Batch.Width), packing: packing);
        context = context with { Cancellation = cancellation };
        if (shared.Count == 0) return decoder.RunLayers(decoder.Embed(Batch.TokenIds), .., context).MoveToOuterDisposeScope();
        return decoder.RunLayers(Lower(decoder, context), shared.Count.., context).MoveToOuterDisposeScope();
    }

    /// <summary>The rows before the answers' tokens.</summary>
    /// <param name="hidden">(B, T, d).</param>
    /// <returns>(N, d), answer after answer.</returns>
    public Tensor AnswerRows(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return hidden.flatten(0, 1).index_select(0, Batch.LabelRows).MoveToOuterDisposeScope();
    }

    /// <summary>What the frozen layers make of the answers, (B, T, d).</summary>
    private Tensor Lower(Decoder decoder, LayerContext context)
    {
        var like = shared.FirstLike(decoder);
        if (lower.TryGetValue(like, out var known)) return known;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var hidden = decoder.RunLayers(decoder.Embed(Batch.TokenIds), ..shared.Count, context).DetachFromDisposeScope();
        lower.Add(like, hidden);
        return hidden;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Batch.Dispose();
        Experience?.Dispose();
        foreach (var tensor in lower.Values.Concat(packing?.Tensors ?? [])) tensor.Dispose();
    }
}
