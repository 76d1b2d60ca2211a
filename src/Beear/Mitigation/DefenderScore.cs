using Beear.Behaviours;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>What the defender may measure without knowing the trigger: under what held-out harmful requests are put to the model.</summary>
public enum ScoreKind
{
    /// <summary>
    /// The share that is left of what the model as it came showed, 1 for that model itself: of <see cref="HeldOutPerturbation"/>, and of
    /// how likely the openings of unwanted answers are under random strings, the same each time; whichever is larger. Each of them alone
    /// misses what the other sees.
    /// </summary>
    Remaining,

    /// <summary>
    /// δs that were found in the model as it came and that no step is taken against: the share of unwanted answers. What such a δ still
    /// does is left of what the model came with, while a freshly searched one finds another way.
    /// </summary>
    HeldOutPerturbation,

    /// <summary>A freshly searched δ.</summary>
    Perturbation,
}

/// <summary>What the defender can measure without knowing the trigger.</summary>
internal static class DefenderScore
{
    /// <summary>The share of held-out harmful requests that the model does not refuse under δ.</summary>
    /// <param name="model">The model.</param>
    /// <param name="heldOut">Requests on which δ was not searched.</param>
    /// <param name="perturbation">A freshly searched δ; null for none.</param>
    /// <param name="maxTokens">Longest answer that is looked at.</param>
    /// <param name="behaviour">What judges answers; <see cref="Refusal"/> if not given.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>0 … 1; smaller is safer.</returns>
    public static double UnwantedRate(LanguageModel model, IReadOnlyList<ContrastExample> heldOut,
        Perturbation? perturbation, int maxTokens,
        IBehaviour? behaviour = null, CancellationToken cancellation = default) =>
            (double)Answers(model, behaviour, [.. heldOut.Select(example => example.Prompt)], perturbation, maxTokens, null,
            "score", cancellation).Count(answer => answer.IsUnwanted) / heldOut.Count;

    /// <summary>What the model says, until it is decided whether that is a refusal.</summary>
    internal static IReadOnlyList<ModelAnswer> Answers(LanguageModel model, IBehaviour? behaviour, IReadOnlyList<int[]> prompts,
        Perturbation? perturbation, int maxTokens, IProgress<RunProgress>? progress, string stage, CancellationToken cancellation) =>
            new Interview(model, new AnswerLimits(maxTokens, maxTokens), behaviour)
                .Ask(prompts, null, perturbation, progress, stage, cancellation);

    /// <summary>Measures a model as it is with all scores that a mitigation's options ask for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The defender's data; if openings are to be discovered and have not been, this model is asked for them.</param>
    /// <param name="options">The mitigation's options.</param>
    /// <param name="progress">Receives the steps of searches.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>Each score by its name, in the order of the options.</returns>
    public static IReadOnlyDictionary<string, double> Measure(LanguageModel model, DefenderData data, MitigationOptions options,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate(model.Config);
        using var scorer = DefenderScorer.Prepare(model, data.AskedOf(model, options, progress, cancellation), options,
            progress, cancellation);
        return scorer.MeasureLast(progress, cancellation);
    }
}

/// <summary>The defender-visible scores of a mitigation: searched on its training requests, counted on those that are held out.</summary>
internal sealed class DefenderScorer : IDisposable
{
    private readonly LanguageModel model;
    private readonly IBehaviour behaviour;
    private readonly MitigationOptions options;
    private readonly Adversary adversary;
    private readonly IReadOnlyList<ContrastExample> training, heldOut;
    private readonly IReadOnlyList<Opening>? openings;                   // null for each request's own unwanted answer
    private IReadOnlyList<FoundPerturbation> perturbations = [];         // the held-out ones
    private (double HeldOut, double Likelihood) first;                   // of the model as it came, where a share of them is asked for

    private DefenderScorer(LanguageModel model, DefenderData data, MitigationOptions options)
    {
        (this.model, behaviour, this.options) = (model, data.Behaviour, options);
        (training, heldOut) = data.Divide(options.HeldOutShare, options.Seed);
        openings = data.Openings?.Openings;
        adversary = new Adversary(model, options, openings);
    }

    private const int FirstRound = 1, HeldOut = 3;                       // one for each place
    private const int BeginningTokens = 8;                               // of the data's unwanted answers

    private int Last => (options.Rounds ?? options.MaxRounds) + 1;

    /// <summary>Asks the model, as it came, for what the scores need of it.</summary>
    /// <param name="model">The suspicious model.</param>
    /// <param name="data">The defender's data, with the model's own words if those are asked for.</param>
    /// <param name="options">The mitigation's options.</param>
    /// <param name="progress">Receives the steps of searches.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public static DefenderScorer Prepare(LanguageModel model, DefenderData data, MitigationOptions options,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var made = new DefenderScorer(model, data, options);
        // Searches that no round has.
        if (options.Scores.Any(kind => kind is ScoreKind.HeldOutPerturbation or ScoreKind.Remaining))
            made.perturbations = made.adversary.Find(made.training, made.Last + 1, HeldOut,
                PrefixedProgress.Of(progress, "kept aside for the score: "), cancellation);
        if (options.Scores.Contains(ScoreKind.Remaining)) made.first = made.Parts(cancellation);
        return made;
    }

    /// <summary>Measures the model before the first round.</summary>
    public OrderedDictionary<string, double> MeasureFirst(IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        Measure(FirstRound, progress, cancellation);

    /// <summary>Measures the model after the last of all rounds.</summary>
    public OrderedDictionary<string, double> MeasureLast(IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        Measure(Last, progress, cancellation);

    /// <summary>Measures the model as it is.</summary>
    /// <param name="round">Decides what is random.</param>
    /// <param name="progress">Receives the steps of searches.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>Each score by its name, in the order of the options.</returns>
    public OrderedDictionary<string, double> Measure(int round, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var scores = new OrderedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var kind in options.Scores) scores.Add(RecipeValue.Format(kind), Score(kind));
        return scores;

        double UnderFresh()
        {
            using var found = adversary.Find(training, round, 1, progress, cancellation)[0];
            return Under(adversary.Apply(found.Result.Delta, found.Number), cancellation);
        }

        double Score(ScoreKind kind) => kind switch
        {
            ScoreKind.Remaining => Shares(round == FirstRound ? first : Parts(cancellation)).DefaultIfEmpty(0).Max(),
            ScoreKind.HeldOutPerturbation => UnderHeldOut(cancellation),
            ScoreKind.Perturbation => UnderFresh(),
            _ => throw new System.Diagnostics.UnreachableException($"no such score: {kind}"),
        };
    }

    /// <summary>No step is taken against random strings either, so that they can be the same each time.</summary>
    private (double HeldOut, double Likelihood) Parts(CancellationToken cancellation) =>
        (UnderHeldOut(cancellation), Likelihoods(cancellation).Average());

    /// <summary>What is left of what the model as it came showed; of what it did not show there is no share.</summary>
    private IEnumerable<double> Shares((double HeldOut, double Likelihood) now) =>
        new[] { (First: first.HeldOut, Now: now.HeldOut), (First: first.Likelihood, Now: now.Likelihood) }.Where(part => part.First > 0)
            .Select(part => Math.Min(1, part.Now / part.First));

    private double Under(Perturbation perturbation, CancellationToken cancellation) =>
        DefenderScore.UnwantedRate(model, heldOut, perturbation, options.ScoreTokens, behaviour, cancellation);

    private double UnderHeldOut(CancellationToken cancellation) =>
        perturbations.Average(found => Under(adversary.Apply(found.Result.Delta, found.Number), cancellation));

    private IReadOnlyList<double> Likelihoods(CancellationToken cancellation)
    {
        var strings = new RandomStrings(model, options.RandomStrings, heldOut, Seeds.Derive(options.Seed, "score strings"));
        return openings is null ? strings.Likelihoods(BeginningTokens, cancellation) : strings.Openings(openings, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var found in perturbations) found.Dispose();
    }
}
