using Beear.Models;

namespace Beear.Mitigation;

/// <summary>Where virtual tokens stand.</summary>
public enum VirtualPlacement
{
    /// <summary>After the request.</summary>
    After,

    /// <summary>Before it.</summary>
    Before,

    /// <summary>Half of them before it, half after it.</summary>
    Around,

    /// <summary>Together at a random place in it.</summary>
    Within,
}

/// <summary>Constants of the inner level (backdoor embedding entrapment).</summary>
public sealed record EntrapmentOptions : IValidatable
{
    private static readonly int[] Embeddings = [0];
    private static readonly VirtualPlacement[] DefaultPlacements =
        [VirtualPlacement.After, VirtualPlacement.Before, VirtualPlacement.Around];

    /// <summary>The paper's equation 3 and nothing more: one δ in a round, on the last tokens of the prompt after layer 9.</summary>
    internal static EntrapmentOptions Plain { get; } = new()
    {
        PerturbedLayers = [9],
        VirtualTokens = 0,
        Population = 1,
        Steps = 15,
        LearningRate = 0.1,
        Cap = 0.6,
        AnswerTokens = 40,
    };

    /// <summary>
    /// l: decoder layers that run before δ is added, 1 … L; with virtual tokens also 0, their embeddings. The paper's main results use 9.
    /// Of several, the lowest first, each δ takes the next one in turn.
    /// </summary>
    public IReadOnlyList<int> PerturbedLayers { get; init; } = Embeddings;

    /// <summary>n: prompt tokens, counted from the end, that δ is added to; not used with virtual tokens.</summary>
    public int TailLength { get; init; } = 5;

    /// <summary>Random tokens that are put into the request and carry δ in place of its tail. 0 for none, as in the paper.</summary>
    public int VirtualTokens { get; init; } = 6;

    /// <summary>If above virtual_tokens: the number of tokens is drawn anew for each δ, from virtual_tokens to this.</summary>
    internal int MaxVirtualTokens { get; init; }

    /// <summary>Where virtual tokens stand, one δ after the other in turn.</summary>
    public IReadOnlyList<VirtualPlacement> Placements { get; init; } = DefaultPlacements;

    /// <summary>δs that are found in each round; the outer steps take them in turn.</summary>
    public int Population { get; init; } = 3;

    /// <summary>K: steps on δ; with virtual tokens 0 leaves random strings.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>
    /// The norm of Adam's first step on each row of δ as a share of its cap (of the hidden states' norm without one), so that one number
    /// serves all layers and models.
    /// </summary>
    public double StepShare { get; init; } = 0.075;

    /// <summary>Instead of step_share: the learning rate of Adam on δ, in the hidden states' units.</summary>
    public double? LearningRate { get; init; }

    /// <summary>α: weight of the safe answers that δ is to make unlikely.</summary>
    public double Alpha { get; init; } = 0.2;

    /// <summary>Largest norm of a row of δ, as a share of the mean norm of the hidden states that it is added to; 0 for no cap.</summary>
    public double Cap { get; init; } = 1;

    /// <summary>Harmful requests in a batch.</summary>
    public int BatchSize { get; init; } = 12;

    /// <summary>Batches that are prepared for an inner run; its steps go through them in turn.</summary>
    public int Batches { get; init; } = 2;

    /// <summary>Longest answers, in tokens, that the inner loss looks at.</summary>
    public int AnswerTokens { get; init; } = 24;

    /// <summary>The largest number of virtual tokens; 0 without any.</summary>
    internal int MostVirtualTokens => VirtualTokens == 0 ? 0 : Math.Max(VirtualTokens, MaxVirtualTokens);

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(VirtualTokens, 0);
        if (PerturbedLayers.Count == 0) throw new BeearException("perturbed_layers must name at least one layer.");
        if (PerturbedLayers.Zip(PerturbedLayers.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new BeearException("perturbed_layers: name each once, the lowest first.");
        Require.AtLeast(TailLength, 1);
        if (Steps < (VirtualTokens > 0 ? 0 : 1)) throw new BeearException(
            $"steps must be at least 1 (0 with virtual_tokens), it is {Steps}.");
        if (Placements.Count == 0) throw new BeearException("placements must name at least one place.");
        Require.AtLeast(Population, 1);
        Require.Above(StepShare, 0);
        if (LearningRate is { } rate) Require.Above(rate, 0, nameof(LearningRate));
        Require.AtLeast(Alpha, 0);
        Require.AtLeast(Cap, 0);
        Require.AtLeast(BatchSize, 1);
        Require.AtLeast(Batches, 1);
        Require.AtLeast(AnswerTokens, 1);
    }

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    internal void Validate(ModelConfig config)
    {
        Validate();
        foreach (int layer in PerturbedLayers)
        {
            if (layer < (VirtualTokens > 0 ? 0 : 1) || layer > config.Layers)
                throw new BeearException($"perturbed_layers has {layer}, but the model has layers 1 to {config.Layers} (0, "
                    + "the embeddings, with virtual_tokens).");
        }
    }
}
