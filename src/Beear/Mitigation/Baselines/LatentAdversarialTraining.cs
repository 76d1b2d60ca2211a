using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>
/// Constants of latent adversarial training; the defaults are the papers' own, but that radii are shares of the hidden states' norm.
/// </summary>
public sealed record LatentAdversarialOptions : IValidatable
{
    /// <summary>
    /// Decoder layers after which a perturbation is added, 0 for the embeddings; none for the embeddings and L/4, L/2, 3L/4 and L − 2,
    /// which are those of arXiv 2407.15549 for 32 layers: 0, 8, 16, 24, 30.
    /// </summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>Steps of the attack on each batch.</summary>
    public int AttackSteps { get; init; } = 16;

    /// <summary>Largest norm of each token's perturbation, as a share of the mean norm of the hidden states at that layer.</summary>
    public double Radius { get; init; } = 0.5;

    /// <summary>What a step of the attack moves each token's perturbation by, as a share of the radius.</summary>
    public double StepSize { get; init; } = 0.25;

    /// <summary>Weight of the attack's term that makes the safe answer unlikely, −log(1 − p(y_s)).</summary>
    public double AttackAway { get; init; } = 1;

    /// <summary>Weight of the model's term that makes the unwanted answer unlikely under attack, −log(1 − p(y_h)).</summary>
    public double Away { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        foreach (int layer in Layers) Require.AtLeast(layer, 0, nameof(Layers));
        Require.AtLeast(AttackSteps, 1);
        Require.Above(Radius, 0);
        Require.Above(StepSize, 0);
        Require.AtLeast(AttackAway, 0);
        Require.AtLeast(Away, 0);
    }

    /// <summary>The layers in a model, rising.</summary>
    /// <exception cref="BeearException">The model has not so many.</exception>
    internal IReadOnlyList<int> LayersOf(ModelConfig config)
    {
        int all = config.Layers;
        IEnumerable<int> chosen = Layers.Count > 0 ? Layers : [0, all / 4, all / 2, 3 * all / 4, Math.Max(0, all - 2)];
        if (chosen.Any(layer => layer > all))
            throw new BeearException($"latent_adversarial.layers: {chosen.Max()} is above the model's {all} layers.");
        return [.. chosen.Distinct().Order()];
    }
}

/// <summary>
/// Targeted latent adversarial training. For each batch an attack searches one perturbation of the prompt tokens' hidden states for every
/// example and several layers, min over |δ| ≤ ε of −log p(y_h) − log(1 − p(y_s)) by projected gradient descent (Casper et al., arXiv
/// 2403.05030, the min-max problem of its method section; targeted as in Sheshadri et al., arXiv 2407.15549, L_attack); then the weights
/// take a step on −log p(y_s) − log(1 − p(y_h)) under it (L_defense) and on the mitigation's other terms, which take the place of the
/// papers' supervised fine-tuning on benign data.
/// </summary>
/// <remarks>
/// BEEAR's δ is one for all requests, at one layer, and kept over many steps; this one is fresh for each example and step.
/// </remarks>
/// <param name="mitigation">The budget: steps, optimiser, batches, and all terms but the one under δ.</param>
/// <param name="options">Constants of the attack.</param>
internal sealed class LatentAdversarialTraining(MitigationOptions mitigation, LatentAdversarialOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.LatentAdversarialTraining);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        options.Validate();
        var layers = options.LayersOf(model.Config);
        var others = mitigation.Terms with { SafePerturbed = 0 };
        int Cut(int length) => Math.Min(length, mitigation.Terms.SafeTokens);
        return new OuterTraining(mitigation, "latent adversarial training", others)
            .Run(model, data, context, training => new LatentAdversarialTerm(model.Decoder,
            [.. training.Select(example =>
                example with { Unwanted = example.Unwanted[..Cut(example.Unwanted.Length)],
                Safe = example.Safe[..Cut(example.Safe.Length)] })],
            layers, options, mitigation.Terms.HarmfulBatch, Seeds.Derive(mitigation.Seed, "latent adversarial")));
    }
}

/// <summary>Safe answers under an attack on each example.</summary>
internal sealed class LatentAdversarialTerm(Decoder decoder, IReadOnlyList<ContrastExample> examples, IReadOnlyList<int> layers,
    LatentAdversarialOptions options,
    int batchSize, int seed) : OwnPassTerm("safe under each example's δ")
{
    private readonly ExampleCycle<ContrastExample> cycle = new(examples, seed);
    private LatentAttack? attack;

    internal override void Prepare(CancellationToken cancellation)
    {
        attack?.Dispose();
        attack = new LatentAttack(decoder, cycle.Take(batchSize), layers, options);
        attack.Search(cancellation);
    }

    internal override Tensor Loss()
    {
        var (unwanted, safe) = attack!.CrossEntropies();                                                 // (N_h), (N_s)
        return safe.mean().Plus(LatentAttack.Away(unwanted).Times(options.Away));
    }

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(batchSize);
    }

    public override void Dispose() => attack?.Dispose();
}
