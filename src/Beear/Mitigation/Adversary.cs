using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>A δ that was found, and the number of its search, which tells its virtual trigger.</summary>
internal sealed record FoundPerturbation(EntrapmentResult Result, int Number) : IDisposable
{
    public void Dispose() => Result.Dispose();
}

/// <summary>Finds each round's δs: as many as the population has, each the best of its restarts.</summary>
/// <param name="model">The model.</param>
/// <param name="options">The mitigation's options.</param>
internal sealed class Adversary(LanguageModel model, MitigationOptions options)
{
    private readonly EntrapmentOptions inner = options.Inner;
    private readonly Entrapment entrapment = new(model.Decoder, options.Inner, options.Economy);
    private readonly VirtualTriggers triggers = new(model.Chat, options.Inner, options.Seed);

    /// <summary>What a search found, as the model's passes take it.</summary>
    public Perturbation Apply(Tensor delta, int number) => new(delta, LayersOf(number), triggers.Of(number));

    /// <summary>The layers of a search, 1 for the first. Restarts of one search have the same.</summary>
    private IReadOnlyList<int> LayersOf(int number) =>
        inner.LayerUse == LayerUse.Together ? inner.Layers : [inner.Layers[(number - 1) / inner.Restarts % inner.Layers.Count]];

    /// <summary>Searches.</summary>
    /// <param name="training">Harmful requests.</param>
    /// <param name="round">1 for the first.</param>
    /// <param name="count">How many δs; fewer than the population are its first.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The δs, which the caller disposes.</returns>
    public IReadOnlyList<FoundPerturbation> Find(IReadOnlyList<ContrastExample> training, int round, int count, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var found = new List<FoundPerturbation>();
        try
        {
            for (int member = 0; member < count; member++) found.Add(Best(training, round, member, progress, cancellation));
            return found;
        }
        catch
        {
            found.ForEach(one => one.Dispose());
            throw;
        }
    }

    private FoundPerturbation Best(IReadOnlyList<ContrastExample> training, int round, int member, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        FoundPerturbation? best = null;
        int first = ((round - 1) * inner.Population + member) * inner.Restarts + 1, batches = unchecked(options.Seed * 1000 + round + member * 7919);
        for (int number = first; number < first + inner.Restarts; number++)
        {
            var trigger = triggers.Of(number);
            // Searches that share batches and have no tokens of their own must begin at different places.
            int? start = trigger is null && number > first ? unchecked(options.Seed * 1000 + number) : null;
            var run = new InnerRun(batches, round <= inner.RandomRounds ? 0 : inner.Steps, trigger, start, Bounds(training, number), LayersOf(number));
            var found = new FoundPerturbation(entrapment.Search(training, run, progress, cancellation), number);
            if (best is null || found.Result.Final.Total(inner.Alpha) < best.Result.Final.Total(inner.Alpha)) (best, found) = (found, best);
            found?.Dispose();
        }
        return best!;
    }

    private DeltaBounds? Bounds(IReadOnlyList<ContrastExample> training, int number)
    {
        if (inner.NaturalCap == 0) return null;
        return (inner.CapShape == CapShape.Sphere ? Drift(training, number) : Natural(number).Ellipsoids(Prompts(training), inner.TailLength, triggers.Of(number), number, inner.Shrinkage))
            .Times(inner.NaturalCap);
    }

    /// <summary>How far random strings move what is under the δ of a search.</summary>
    public DeltaBounds Drift(IReadOnlyList<ContrastExample> training, int number) => Natural(number).Spheres(Prompts(training), inner.TailLength, triggers.Of(number), number);

    private NaturalDrift Natural(int number) => new(model.Decoder, model.Chat, LayersOf(number));

    private static int[][] Prompts(IReadOnlyList<ContrastExample> training) => [.. training.Select(example => example.Prompt)];
}
