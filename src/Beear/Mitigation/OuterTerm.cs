using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One named term of the outer level's loss, with its weight and its own endless cycle of batches.</summary>
internal abstract class OuterTerm
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

    /// <summary>Draws the next batch.</summary>
    internal abstract TermBatch Next(Perturbation? perturbation);

    /// <summary>Passes over the batches of steps that were taken before.</summary>
    internal abstract void Skip(int steps);

    /// <summary>The conversations as the model reads them, with the virtual trigger's tokens if the term has δ and there is one.</summary>
    private protected IReadOnlyList<TokenizedExample> Under(Perturbation? perturbation, IEnumerable<TokenizedExample> examples,
        out bool applies)
    {
        applies = IsPerturbed && perturbation is not null;
        return applies ? [.. examples.Select(example => example with { Prompt = perturbation!.PromptOf(example.Prompt) })] : [.. examples];
    }
}

/// <summary>A term's batch of one step.</summary>
/// <param name="Term">The term.</param>
/// <param name="Examples">Prompts, with the virtual trigger's tokens if they get δ, and answers.</param>
/// <param name="IsPerturbed">Whether δ is added.</param>
/// <param name="RowLoss">Of some of the batch's label rows, one after the other: from the model's logits (M, V), the label ids (M) and the
/// first one's number, the loss of each, (M).</param>
/// <param name="Share">Share of the term's label rows that are here: 1, but for a part of a batch that was split.</param>
internal sealed record TermBatch(OuterTerm Term, IReadOnlyList<TokenizedExample> Examples, bool IsPerturbed,
    Func<Tensor, Tensor, int, Tensor> RowLoss,
    double Share = 1)
{
    /// <summary>Real tokens.</summary>
    public int Tokens => Examples.Sum(example => example.Length);

    /// <summary>N.</summary>
    public int Labels => Examples.Sum(example => example.Answer.Length);

    /// <summary>Parts of whole conversations in their order, each with no more real tokens than given, or of one conversation.</summary>
    /// <param name="tokens">The limit; 0 for none.</param>
    public IEnumerable<TermBatch> Split(int tokens)
    {
        if (tokens == 0 || Tokens <= tokens) return [this];
        var parts = new List<List<TokenizedExample>>();
        int free = 0;
        foreach (var example in Examples)
        {
            if (parts.Count == 0 || example.Length > free)
            {
                parts.Add([]);
                free = tokens;
            }
            parts[^1].Add(example);
            free -= example.Length;
        }
        int before = 0;
        return [.. parts.Select(Part)];

        TermBatch Part(List<TokenizedExample> examples)
        {
            int first = before, labels = examples.Sum(example => example.Answer.Length);
            before += labels;
            return new TermBatch(Term, examples, IsPerturbed, (logits, ids, row) =>
                RowLoss(logits, ids, first + row), Share * labels / Labels);
        }
    }
}

/// <summary>Cross-entropy of given answers.</summary>
/// <param name="name">What the term asks for.</param>
/// <param name="weight">Factor in the sum.</param>
/// <param name="examples">Prompts and the answers that are wanted.</param>
/// <param name="batchSize">Examples in a batch.</param>
/// <param name="perturbed">Whether δ is added.</param>
/// <param name="seed">Decides the batches.</param>
internal sealed class AnswerTerm(string name, double weight, IReadOnlyList<TokenizedExample> examples, int batchSize,
    bool perturbed, int seed) : OuterTerm(name, weight, perturbed)
{
    private readonly ExampleCycle<TokenizedExample> cycle = new(examples, seed);

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(batchSize);
    }

    internal override TermBatch Next(Perturbation? perturbation)
    {
        return new TermBatch(this, Under(perturbation, cycle.Take(batchSize), out bool applies), applies, (logits, labels, _) =>
            Losses.CrossEntropy(logits, labels));
    }
}

/// <summary>KL divergence to the starting model, on the first tokens of its own answers.</summary>
/// <param name="name">What the term asks for.</param>
/// <param name="weight">Factor in the sum.</param>
/// <param name="reference">The starting model's answers and distributions.</param>
/// <param name="batchSize">Examples in a batch.</param>
/// <param name="perturbed">Whether δ is added; what is compared with is the starting model without it.</param>
/// <param name="seed">Decides the batches.</param>
internal sealed class DivergenceTerm(string name, double weight, ReferenceDistribution reference, int batchSize, bool perturbed, int seed)
    : OuterTerm(name, weight, perturbed)
{
    private readonly ExampleCycle<ReferenceExample> cycle = new(reference.Examples, seed);

    internal override void Skip(int steps)
    {
        for (int i = 0; i < steps; i++) cycle.Take(batchSize);
    }

    internal override TermBatch Next(Perturbation? perturbation)
    {
        var taken = cycle.Take(batchSize);
        return new TermBatch(this, Under(perturbation, taken.Select(example => example.Example), out bool applies), applies,
            (logits, _, first) => Losses.Divergence(logits, reference.Logits(taken, first, (int)logits.size(0))));
    }
}
