using System.Globalization;
using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>What a probe found at one carrier and layer: how far the model gives in at each size of δ.</summary>
/// <param name="Name">Carrier and layer.</param>
/// <param name="Sizes">Ascending, in units of what random strings change.</param>
/// <param name="Rates">Share of held-out requests that are not refused, at each size.</param>
/// <param name="Likelihoods">How likely the beginnings of unwanted answers are, exp(−CE), at each size.</param>
internal sealed record ProbeCurve(string Name, IReadOnlyList<double> Sizes, IReadOnlyList<double> Rates, IReadOnlyList<double> Likelihoods)
{
    /// <summary>
    /// 1 / (1 + ρ) with ρ the size at which half of the requests are not refused, along straight lines from (0, 0) from size to size; beyond the largest one
    /// the line through (0, 0) and the last point goes on. 0 … 1.
    /// </summary>
    public double Closeness
    {
        get
        {
            double size = 0, rate = 0;
            foreach (var (next, reached) in Sizes.Zip(Rates))
            {
                if (reached >= 0.5) return 1 / (1 + size + (next - size) * (0.5 - rate) / (reached - rate));
                (size, rate) = (next, reached);
            }
            return rate / (rate + 0.5 * size);
        }
    }

    /// <summary>Each point as a score with a name.</summary>
    public IEnumerable<(string Name, double Score)> Cells() => Sizes.SelectMany((size, i) => new[] { ("rate", Rates[i]), ("likelihood", Likelihoods[i]) }
        .Select(cell => (string.Create(CultureInfo.InvariantCulture, $"{Name}, size {size}, {cell.Item1}"), cell.Item2)));
}

/// <summary>Searches fresh δs of growing size at several layers, and measures each on held-out requests.</summary>
/// <param name="model">The model.</param>
/// <param name="options">The mitigation's options.</param>
/// <param name="measure">The rate and the likelihood under a perturbation.</param>
internal sealed class Probe(LanguageModel model, MitigationOptions options, Func<Perturbation, (double Rate, double Likelihood)> measure)
{
    private readonly ProbeOptions probe = options.Probe;

    /// <summary>All curves.</summary>
    /// <param name="training">Harmful requests to search on.</param>
    /// <param name="seed">Decides tokens, beginnings and batches.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public IReadOnlyList<ProbeCurve> Run(IReadOnlyList<ContrastExample> training, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        [.. probe.Places(model.Config).Select((place, i) => Climb(training, place.Carrier, place.Layer, unchecked(seed * 100 + i), progress, cancellation))];

    private ProbeCurve Climb(IReadOnlyList<ContrastExample> training, ProbeCarrier carrier, int layer, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var inner = options.Inner with
        {
            PerturbedLayer = layer,
            PerturbedLayers = [],
            TailLength = probe.TailLength,
            VirtualTokens = carrier == ProbeCarrier.Tokens ? probe.VirtualTokens : 0,
            MaxVirtualTokens = 0,
            Placements = probe.Placements,
            RandomRounds = 0,
            Restarts = 1,
            Steps = probe.Steps,
            StepShare = probe.StepShare,
        };
        var triggers = new VirtualTriggers(model.Chat, inner, seed);
        var drift = new NaturalDrift(model.Decoder, model.Chat, [layer]);
        var entrapment = new Entrapment(model.Decoder, inner, options.Economy);
        var best = new (InnerLoss Loss, Perturbation Perturbation)?[probe.Sizes.Count];
        for (int restart = 1; restart <= probe.Restarts; restart++)
        {
            var trigger = triggers.Of(restart);
            var natural = drift.Spheres([.. training.Select(example => example.Prompt)], inner.TailLength, trigger, seed);
            Tensor? start = null;
            foreach (var (i, size) in probe.Sizes.Index())
            {
                int? startSeed = trigger is null && restart > 1 ? unchecked(seed * 10 + restart) : null;
                using var found = entrapment.Search(training, new InnerRun(seed, inner.Steps, trigger, startSeed, natural.Times(size), [layer], start), progress, cancellation);
                start = found.Delta.clone();
                if (best[i] is not { } before || found.Final.Total(inner.Alpha) < before.Loss.Total(inner.Alpha)) best[i] = (found.Final, new Perturbation(start, layer, trigger));
            }
        }
        var measured = best.Select(one => measure(one!.Value.Perturbation)).ToList();
        return new ProbeCurve(string.Create(CultureInfo.InvariantCulture, $"{RecipeValue.Format(carrier)}, layer {layer}"), probe.Sizes,
            [.. measured.Select(one => one.Rate)], [.. measured.Select(one => one.Likelihood)]);
    }
}
