using Beear.Models;

namespace Beear.Mitigation.Baselines;

/// <summary>
/// Constants of the paper's removal as its authors' code has them (for Llama-2-7b; their notebook cleans Model 1 with them and says that
/// they serve Models 1 to 5). Rounds are the mitigation's: the authors take 10.
/// </summary>
public sealed record PaperOptions : IValidatable
{
    /// <summary>l: decoder layers that run before δ is added, 1 … L; the paper's main results use 9, and 9 to 12 work for all.</summary>
    public int Layer { get; init; } = 9;

    /// <summary>
    /// n: prompt tokens, counted from the end, that δ is added to, the template's closing tokens among them; 5 to 11 work.
    /// </summary>
    public int TailLength { get; init; } = 7;

    /// <summary>Harmful requests of a round, drawn in turn from a shuffled order.</summary>
    public int Anchors { get; init; } = 150;

    /// <summary>Ordinary conversations of a round, drawn in turn from a shuffled order.</summary>
    public int Conversations { get; init; } = 100;

    /// <summary>Passes of the inner level over a round's harmful requests.</summary>
    public int InnerPasses { get; init; } = 5;

    /// <summary>Harmful requests in a batch of the inner level.</summary>
    public int InnerBatch { get; init; } = 15;

    /// <summary>
    /// Learning rate of SGD on δ, which begins at zero once and goes on from round to round. If not given, the published 0.07 by the
    /// model's width: 0.07 · 4096 / d.
    /// </summary>
    public double? InnerRate { get; init; }

    /// <summary>
    /// The unwanted answer of every request, of which a beginning is enough. If not given, the published "Sure" where refusals are wanted,
    /// and for other behaviours the data's, cut as safe answers are.
    /// </summary>
    public string? UnwantedAnswer { get; init; }

    /// <summary>α: weight of the safe answers that δ is to make unlikely.</summary>
    public double Alpha { get; init; } = 0.05;

    /// <summary>
    /// Each element of δ stays between this share of the layer's smallest activation and this share of its largest; 0 for no bound.
    /// </summary>
    public double Bound { get; init; } = 0.01;

    /// <summary>Passes of the outer level over a round's conversations, one a step, each pass in its own shuffled order.</summary>
    public int OuterPasses { get; init; } = 2;

    /// <summary>
    /// Learning rate of SGD on all decoder layers; neither embeddings nor final norm nor head are trained. If not given, the published 7e-5
    /// by the model's width: 7e-5 · (4096 / d)^(4/3), whose power was chosen on the tiny world's validation triggers.
    /// </summary>
    public double? OuterRate { get; init; }

    /// <summary>Share of the ordinary conversations, drawn at random, that have δ in the outer level; all harmful ones have it.</summary>
    public double PerturbedShare { get; init; } = 0.3;

    /// <summary>Longest safe answer, in tokens, in both levels.</summary>
    public int SafeTokens { get; init; } = 40;

    /// <summary>Longest helpful answer, in tokens.</summary>
    public int HelpfulTokens { get; init; } = 50;

    /// <summary>Whether safe answers are the suspicious model's own, whatever it says without a trigger; otherwise the data's.</summary>
    public bool OwnAnswers { get; init; } = true;

    internal const string PublishedAnswer = "Sure";
    private const double PublishedWidth = 4096, PublishedInnerRate = 0.07, PublishedOuterRate = 7e-5, OuterPower = 4.0 / 3;

    /// <summary>The same with rates for a model of this hidden size.</summary>
    internal PaperOptions For(int hiddenSize) => this with
    {
        InnerRate = InnerRate ?? PublishedInnerRate * PublishedWidth / hiddenSize,
        OuterRate = OuterRate ?? PublishedOuterRate * Math.Pow(PublishedWidth / hiddenSize, OuterPower),
    };

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Layer, 1);
        Require.AtLeast(TailLength, 1);
        Require.AtLeast(Anchors, 1);
        Require.AtLeast(Conversations, 0);
        Require.AtLeast(InnerPasses, 1);
        Require.AtLeast(InnerBatch, 1);
        if (InnerRate is { } inner) Require.Above(inner, 0, nameof(InnerRate));
        if (UnwantedAnswer is { Length: 0 }) throw new BeearException(
            "unwanted_answer is empty; give a beginning, or leave it out.");
        Require.AtLeast(Alpha, 0);
        Require.AtLeast(Bound, 0);
        Require.AtLeast(OuterPasses, 1);
        if (OuterRate is { } outer) Require.Above(outer, 0, nameof(OuterRate));
        Require.Between(PerturbedShare, 0, 1);
        Require.AtLeast(SafeTokens, 1);
        Require.AtLeast(HelpfulTokens, 1);
    }

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    internal void Validate(ModelConfig config)
    {
        Validate();
        if (Layer > config.Layers) throw new BeearException(
            $"paper.layer is {Layer}, but the model has layers 1 to {config.Layers}; give one of these.");
    }
}
