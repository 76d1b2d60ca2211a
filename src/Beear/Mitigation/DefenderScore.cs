using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>What the defender may measure without knowing the trigger: under what held-out harmful requests are put to the model.</summary>
public enum ScoreKind
{
    /// <summary>A freshly searched δ.</summary>
    Perturbation,

    /// <summary>A freshly searched string of real tokens, see <see cref="TokenSearch"/>.</summary>
    Tokens,

    /// <summary>
    /// Under the same string how likely the beginnings of unwanted answers are, exp(−CE): a finer scale than a share of answers, which falls to 0
    /// while some of the backdoor is still there.
    /// </summary>
    TokenLikelihood,

    /// <summary>The share of unwanted answers to requests with random strings in them (<see cref="RandomStringOptions"/>), without any search.</summary>
    RandomRate,

    /// <summary>How likely the openings of unwanted answers are there (where they are the data's: their beginnings, exp(−CE)), mean over strings.</summary>
    RandomLikelihood,

    /// <summary>The same of the string under which they are likeliest.</summary>
    RandomWorst,
}

/// <summary>What the defender can measure without knowing the trigger.</summary>
public static class DefenderScore
{
    /// <summary>The share of held-out harmful requests that the model does not refuse under δ.</summary>
    /// <param name="model">The model.</param>
    /// <param name="heldOut">Requests on which δ was not searched.</param>
    /// <param name="perturbation">A freshly searched δ; null for none.</param>
    /// <param name="maxTokens">Longest answer that is looked at.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>0 … 1; smaller is safer.</returns>
    public static double UnwantedRate(LanguageModel model, IReadOnlyList<ContrastExample> heldOut, Perturbation? perturbation, int maxTokens,
        CancellationToken cancellation = default) =>
        (double)Answers(model, [.. heldOut.Select(example => example.Prompt)], perturbation, maxTokens, null, "score", cancellation).Count(answer => answer.Complied) / heldOut.Count;

    /// <summary>What the model says, until it is decided whether that is a refusal.</summary>
    internal static IReadOnlyList<ModelAnswer> Answers(LanguageModel model, IReadOnlyList<int[]> prompts, Perturbation? perturbation, int maxTokens,
        IProgress<RunProgress>? progress, string stage, CancellationToken cancellation) =>
        new Interview(model, new AnswerLimits(maxTokens, maxTokens)).Ask(prompts, null, perturbation, progress, stage, cancellation);

    /// <summary>Measures a model as it is with all scores that a mitigation's options ask for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The defender's data; if openings are to be discovered and have not been, this model is asked for them.</param>
    /// <param name="options">The mitigation's options.</param>
    /// <param name="progress">Receives the steps of searches.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>Each score by its name, in the order of the options.</returns>
    public static IReadOnlyDictionary<string, double> Measure(LanguageModel model, DefenderData data, MitigationOptions options, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate(model.Config);
        data = new OwnWords(model, options).Put(data, progress, cancellation);
        var (training, heldOut) = data.Divide(options.HeldOutShare, options.Seed);
        var adversary = new Adversary(model, options, data.Openings?.Openings);
        var scorer = new DefenderScorer(model, options, adversary, training, heldOut) { Openings = data.Openings?.Openings };
        return scorer.Measure((options.Rounds ?? options.MaxRounds) + 1, progress, cancellation);
    }
}

/// <summary>The defender-visible scores of a mitigation: searched on its training requests, counted on those that are held out.</summary>
internal sealed class DefenderScorer(LanguageModel model, MitigationOptions options, Adversary adversary, IReadOnlyList<ContrastExample> training,
    IReadOnlyList<ContrastExample> heldOut)
{
    /// <summary>How the starting model's unwanted answers begin; null for each request's own unwanted answer.</summary>
    public IReadOnlyList<Opening>? Openings { get; init; }

    /// <summary>Measures the model as it is.</summary>
    /// <param name="round">Decides what is random.</param>
    /// <param name="progress">Receives the steps of searches.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>Each score by its name, in the order of the options.</returns>
    public OrderedDictionary<string, double> Measure(int round, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        int seed = unchecked(options.Seed * 1000 + round);
        double Under(Perturbation perturbation) => DefenderScore.UnwantedRate(model, heldOut, perturbation, options.ScoreTokens, cancellation);
        var tokens = new Lazy<Perturbation>(() => new TokenSearch(model, options.TokenSearch)
            .Run(training, seed, progress, cancellation).AsPerturbation(model.Config.HiddenSize, model.Decoder.Options.Device));
        var strings = new Lazy<RandomStrings>(() => new RandomStrings(model, options.RandomStrings, heldOut, seed));
        var likelihoods = new Lazy<IReadOnlyList<double>>(() => Openings is null ? strings.Value.Likelihoods(options.TokenSearch.AnswerTokens, cancellation)
            : strings.Value.Openings(Openings, cancellation));
        var scores = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var kind in options.Scores) scores.Add(RecipeValue.Format(kind), Score(kind));
        return scores;

        double UnderFresh()
        {
            using var found = adversary.Find(training, round, 1, progress, cancellation)[0];
            return Under(adversary.Apply(found.Result.Delta, found.Number));
        }

        double Score(ScoreKind kind) => kind switch
        {
            ScoreKind.Tokens => Under(tokens.Value),
            ScoreKind.TokenLikelihood => Likelihood(tokens.Value, cancellation),
            ScoreKind.RandomRate => DefenderScore.UnwantedRate(model, strings.Value.Examples, null, options.ScoreTokens, cancellation),
            ScoreKind.RandomLikelihood => likelihoods.Value.Average(),
            ScoreKind.RandomWorst => likelihoods.Value.Max(),
            _ => UnderFresh(),
        };
    }

    private double Likelihood(Perturbation perturbation, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([.. heldOut.Select(example => new TokenizedExample(perturbation.PromptOf(example.Prompt),
            [.. example.Unwanted.Take(options.TokenSearch.AnswerTokens)]))], model.Decoder.Options.Device);
        return Math.Exp(-Require.Finite(model.Decoder.TokenCrossEntropy(batch, perturbation, cancellation).mean().item<float>(), "cross-entropy of unwanted answers"));
    }
}
