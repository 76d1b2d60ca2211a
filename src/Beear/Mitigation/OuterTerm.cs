using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One named term of the outer level's loss, with its weight and its own endless cycle of batches.</summary>
public abstract class OuterTerm
{
    private protected OuterTerm(string name, double weight, bool perturbed)
    {
        Name = name;
        Weight = weight;
        IsPerturbed = perturbed;
    }

    /// <summary>What the term asks for, e.g. "safe under δ".</summary>
    public string Name { get; }

    /// <summary>Its factor in the sum; above 0.</summary>
    public double Weight { get; }

    /// <summary>Whether δ is added in its passes.</summary>
    public bool IsPerturbed { get; }

    /// <summary>The mean loss over the next batch's label tokens, unweighted.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="perturbation">δ; null in the control, where the perturbed terms are computed without it.</param>
    /// <returns>A scalar with its graph, in the caller's dispose scope.</returns>
    public Tensor NextLoss(Decoder decoder, Perturbation? perturbation) => Loss(decoder, IsPerturbed ? perturbation : null);

    /// <summary>Passes over the batches of steps that were taken before.</summary>
    internal abstract void Skip(int steps);

    private protected abstract Tensor Loss(Decoder decoder, Perturbation? perturbation);
}

/// <summary>Cross-entropy of given answers.</summary>
/// <param name="name">What the term asks for.</param>
/// <param name="weight">Factor in the sum.</param>
/// <param name="examples">Prompts and the answers that are wanted.</param>
/// <param name="batchSize">Examples in a batch.</param>
/// <param name="perturbed">Whether δ is added.</param>
/// <param name="seed">Decides the batches.</param>
public sealed class AnswerTerm(string name, double weight, IReadOnlyList<TokenizedExample> examples, int batchSize, bool perturbed, int seed)
    : OuterTerm(name, weight, perturbed)
{
    private readonly ExampleCycle<TokenizedExample> cycle = new(examples, seed);

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(batchSize);
    }

    private protected override Tensor Loss(Decoder decoder, Perturbation? perturbation)
    {
        using var scope = NewDisposeScope();
        var taken = cycle.Take(batchSize);
        if (perturbation is not null) taken = [.. taken.Select(example => example with { Prompt = perturbation.PromptOf(example.Prompt) })];
        using var batch = TokenBatch.Of(taken, decoder.Options.Device);
        return decoder.TokenCrossEntropy(batch, perturbation).mean().MoveToOuterDisposeScope();
    }
}

/// <summary>KL divergence to the starting model, on the first tokens of its own answers.</summary>
/// <param name="name">What the term asks for.</param>
/// <param name="weight">Factor in the sum.</param>
/// <param name="reference">The starting model's answers and distributions.</param>
/// <param name="batchSize">Examples in a batch.</param>
/// <param name="seed">Decides the batches.</param>
public sealed class DivergenceTerm(string name, double weight, ReferenceDistribution reference, int batchSize, int seed)
    : OuterTerm(name, weight, perturbed: false)
{
    private readonly ExampleCycle<ReferenceExample> cycle = new(reference.Examples, seed);

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(batchSize);
    }

    private protected override Tensor Loss(Decoder decoder, Perturbation? perturbation)
    {
        using var scope = NewDisposeScope();
        var examples = cycle.Take(batchSize);
        using var batch = TokenBatch.Of([.. examples.Select(example => example.Example)], decoder.Options.Device);
        var logits = decoder.Logits(decoder.LabelHidden(batch));                                         // (N, V)
        return Losses.Divergence(logits, reference.Logits(examples)).mean().MoveToOuterDisposeScope();
    }
}
