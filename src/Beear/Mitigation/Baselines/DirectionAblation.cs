using System.Diagnostics;
using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>Constants of direction ablation.</summary>
public sealed record DirectionAblationOptions : IValidatable
{
    /// <summary>Decoder layer after which the drift is measured, 1 … L; the middle one if not given.</summary>
    public int? Layer { get; init; }

    /// <summary>Directions that are found and taken out, one after another.</summary>
    public int Directions { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        if (Layer is { } layer) Require.AtLeast(layer, 1, nameof(Layer));
        Require.AtLeast(Directions, 1);
    }

    /// <summary>The layer in a model.</summary>
    /// <exception cref="BeearException">The model has not so many.</exception>
    internal int LayerOf(ModelConfig config)
    {
        int layer = Layer ?? (config.Layers + 1) / 2;
        return layer <= config.Layers ? layer
            : throw new BeearException($"direction_ablation.layer is {layer}, but the model has {config.Layers} layers.");
    }
}

/// <summary>
/// Training-free: the inner level finds δ*; r is the mean drift that it causes in the hidden states of the prompts' last tokens, normalised
/// (difference in means, Arditi et al., arXiv 2406.11717, section 2.3); then every matrix that writes to the residual stream loses it, W ←
/// W − r rᵀ W (weight orthogonalisation, section 4.1 there).
/// </summary>
/// <remarks>
/// Where the output head is tied to the embeddings it loses r too. Norms after a layer's projections (Gemma 2 and the like) may bring a
/// little of r back.
/// </remarks>
/// <param name="mitigation">The inner level's constants.</param>
/// <param name="options">Layer and number of directions.</param>
internal sealed class DirectionAblation(MitigationOptions mitigation, DirectionAblationOptions options) : IDefence
{
    private static readonly ParameterRole[] Writers =
        [ParameterRole.AttentionOutput, ParameterRole.AttentionOutputBias, ParameterRole.Down, ParameterRole.DownBias];

    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.DirectionAblation);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        var (_, progress, cancellation) = context ?? new DefenceContext();
        mitigation.Validate(model.Config);
        options.Validate();
        int layer = options.LayerOf(model.Config);
        var time = Stopwatch.StartNew();
        var (training, _) = data.Divide(mitigation.HeldOutShare, mitigation.Seed);
        var adversary = new Adversary(model, mitigation, data.Openings?.Openings);
        for (int round = 1; round <= options.Directions; round++)
        {
            var found = adversary.Find(training, round, count: 1, progress, cancellation)[0];
            using var delta = found.Result.Delta;
            using var direction = Direction(model.Decoder, Batch(training, round), adversary.Apply(delta, found.Number), layer);
            TakeOut(model.Decoder.Weights, direction);
        }
        return new DefenceReport(Steps: 0, time.Elapsed.TotalSeconds);
    }

    /// <summary>As many requests as the inner level searches with.</summary>
    private List<ContrastExample> Batch(IReadOnlyList<ContrastExample> training, int round) =>
        [.. Entrapment.Batches(training, mitigation.Inner, Seeds.Derive(mitigation.Seed, "inner batches", $"{round}"))
            .SelectMany(batch => batch)];

    /// <summary>r: the mean drift that δ causes at the prompts' last tokens, (d), of norm 1.</summary>
    private static Tensor Direction(Decoder decoder, IReadOnlyList<ContrastExample> examples, Perturbation perturbation, int layer)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        List<int[]> prompts = [.. examples.Select(example => perturbation.PromptOf(example.Prompt))];
        var drift = (decoder.PromptStates(prompts, perturbation) - decoder.PromptStates(prompts))[layer].mean([0]);   // (d)
        return (drift / drift.norm().AtLeast(1e-12)).MoveToOuterDisposeScope();
    }

    /// <summary>Makes every matrix that writes to the residual stream orthogonal to a direction.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="direction">(d), of norm 1.</param>
    internal static void TakeOut(DecoderWeights weights, Tensor direction)
    {
        using var guard = no_grad();
        foreach (var parameter in weights.Parameters)
        {
            using var scope = NewDisposeScope();
            var master = parameter.Master;
            var r = direction.to(master.dtype);
            if (parameter.Slot.Role == ParameterRole.Embedding) master.sub_(master.matmul(r).outer(r));               // (V, d)
            else if (!Writers.Contains(parameter.Slot.Role)) continue;
            else if (master.dim() == 1) master.sub_(r * r.dot(master));                                              // (d)
            else master.sub_(r.outer(r.matmul(master)));                                                             // (d, …)
            parameter.SynchroniseCopy();
        }
    }
}
