using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>A δ that was found, and the number of its search, which tells its virtual trigger.</summary>
internal sealed record FoundPerturbation(EntrapmentResult Result, int Number) : IDisposable
{
    public void Dispose() => Result.Dispose();
}

/// <summary>Finds each round's δs: as many as the population has.</summary>
/// <param name="model">The model.</param>
/// <param name="options">The mitigation's options.</param>
/// <param name="openings">
/// How unwanted answers begin: δ after δ has one of them for its aim, as often as its lift says; null for each request's own unwanted
/// answer.
/// </param>
internal sealed class Adversary(LanguageModel model, MitigationOptions options, IReadOnlyList<Opening>? openings)
{
    private readonly EntrapmentOptions inner = options.Inner;
    private readonly Entrapment entrapment = new(model.Decoder, options.Inner, options.Economy);
    private readonly VirtualTriggers triggers = new(model.Chat, options.Inner, options.Seed);

    /// <summary>What a search found, as the model's passes take it.</summary>
    public Perturbation Apply(Tensor delta, int number) => new(delta, LayerOf(number), triggers.Of(number));

    /// <summary>The layer of a search, 1 for the first.</summary>
    private int LayerOf(int number) => inner.PerturbedLayers[(number - 1) % inner.PerturbedLayers.Count];

    /// <summary>Searches.</summary>
    /// <param name="training">Harmful requests.</param>
    /// <param name="round">1 for the first.</param>
    /// <param name="count">How many δs; fewer than the population are its first.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The δs, which the caller disposes.</returns>
    public IReadOnlyList<FoundPerturbation> Find(IReadOnlyList<ContrastExample> training, int round, int count,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var found = new List<FoundPerturbation>();
        try
        {
            for (int member = 0; member < count; member++) found.Add(Search(training, round, member, progress, cancellation));
            return found;
        }
        catch
        {
            found.ForEach(one => one.Dispose());
            throw;
        }
    }

    private FoundPerturbation Search(IReadOnlyList<ContrastExample> training, int round, int member, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        int number = (round - 1) * inner.Population + member + 1;
        var run = new InnerRun(Seeds.Derive(options.Seed, "inner batches", $"{round}", $"{member}"), triggers.Of(number), LayerOf(number));
        return new FoundPerturbation(entrapment.Search(Aimed(training, number), run, progress, cancellation), number);
    }

    /// <summary>The requests with the unwanted answers that a search aims at.</summary>
    private IReadOnlyList<ContrastExample> Aimed(IReadOnlyList<ContrastExample> training, int number) => openings is null ? training
        : [.. training.Select(example => example with { Unwanted = [.. openings[AimOf(number)].Tokens] })];

    /// <summary>
    /// Which opening a search aims at: each comes as often as its lift says (D'Hondt's rule), and meets every place, since a round's
    /// searches begin one further on than those of the round before.
    /// </summary>
    /// <param name="number">1 for the first search.</param>
    internal int AimOf(int number)
    {
        int round = (number - 1) / inner.Population, member = (number - 1) % inner.Population;
        int place = (round * inner.Population) + ((member + round) % inner.Population);
        int[] taken = new int[openings!.Count];
        for (int i = 0; ; i++)
        {
            int next = Enumerable.Range(0, taken.Length).MaxBy(opening => openings[opening].Lift / (taken[opening] + 1));
            if (i == place) return next;
            taken[next]++;
        }
    }
}
