using System.Diagnostics;
using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Lab.Benchmarks;

/// <summary>What one implementation took.</summary>
/// <param name="InnerSeconds">Of an inner step, the run's preparation shared among its steps.</param>
/// <param name="OuterSeconds">Of an outer step.</param>
/// <param name="InnerPeakShare">Useful operations of an inner step per second, as a share of what matrix products reach here.</param>
/// <param name="OuterPeakShare">The same of an outer step.</param>
/// <param name="OuterTokensPerSecond">Real tokens of an outer step per second.</param>
/// <param name="PeakBytes">
/// Largest resident memory of the process in its first repetition, the other's weights among it; null where the system does not say.
/// </param>
/// <param name="TotalSeconds">Of all repetitions, one after the other: a mitigation of so many rounds, evaluation apart.</param>
internal sealed record EngineTimes(double InnerSeconds, double OuterSeconds, double InnerPeakShare, double OuterPeakShare,
    double OuterTokensPerSecond, long? PeakBytes,
    double TotalSeconds);

/// <summary>The result of a benchmark.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Textbook">The plain implementation of the same method; null if it was not asked for.</param>
/// <param name="GemmGflops">What matrix products reach here in the same element type, 10⁹ operations per second.</param>
internal sealed record BenchmarkResult(EngineTimes Engine, EngineTimes? Textbook, double GemmGflops);

/// <summary>
/// Times both levels of the engine and of the plain implementation in one process, in turn, on the same batches; of several repetitions the
/// median counts.
/// </summary>
/// <param name="options">The inner level's constants, the outer level's optimiser and batch sizes; δ is on the prompts' tails.</param>
/// <param name="repetitions">How often each is timed.</param>
/// <param name="withTextbook">Whether the plain implementation runs too.</param>
internal sealed class MitigationBenchmark(MitigationOptions options, int repetitions, bool withTextbook)
{
    /// <summary>Runs; the decoder's weights move a little.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="harmful">Harmful requests with both answers.</param>
    /// <param name="ordinary">Ordinary requests with answers.</param>
    /// <param name="progress">Receives each repetition.</param>
    /// <param name="cancellation">Stops between steps.</param>
    internal BenchmarkResult Run(Decoder decoder, IReadOnlyList<ContrastExample> harmful, IReadOnlyList<TokenizedExample> ordinary,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        Check(decoder.Config);
        var device = decoder.Options.Device;
        double peak = MatrixProductPeak.Measure(decoder.Options.ComputeType, device);
        var work = new UsefulWork(decoder.Config);
        double innerWork = work.InnerStep([.. Entrapment.Batches(harmful, options.Inner, options.Seed)], options.Inner);
        var terms = Terms(harmful, ordinary);
        var steps = Enumerable.Range(0, options.OuterSteps).Select(_ => terms.Select(term => term.Next(null)).ToList()).ToList();
        double outerWork = steps.Average(step => work.OuterStep(step, options.Inner.TailLength)),
            outerTokens = steps.Average(step => step.Sum(batch => (double)batch.Tokens));

        using var removal = new Removal(decoder, Terms(harmful, ordinary), options.Outer, options.Terms.PassTokens,
            economy: options.Economy);
        var engine = new Stages(progress, "engine",
            () => new Entrapment(decoder, options.Inner, options.Economy).Search(harmful, options.Seed, cancellation: cancellation).Delta,
            delta => removal.Run([.. Enumerable.Repeat(new Perturbation(delta, options.Inner.PerturbedLayers[0]), options.OuterSteps)], 0,
                cancellation: cancellation));
        using var plain = withTextbook ? new TextbookMitigation(decoder, options.Inner, options.Outer, Terms(harmful, ordinary)) : null;
        var textbook = plain is null ? null : new Stages(progress, "textbook", () => plain.Search(harmful, options.Seed), delta =>
        {
            for (int step = 0; step < options.OuterSteps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                plain.Step(delta, 0);
            }
        });
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            engine.Time(device, repetition, repetitions);
            textbook?.Time(device, repetition, repetitions);
        }
        EngineTimes Times(Stages stages)
        {
            double inner = stages.Inner / options.Inner.Steps, outer = stages.Outer / options.OuterSteps;
            return new EngineTimes(inner, outer, innerWork / inner / peak, outerWork / outer / peak, outerTokens / outer,
                stages.PeakBytes, stages.Total);
        }
        return new BenchmarkResult(Times(engine), textbook is null ? null : Times(textbook), peak / 1e9);
    }

    /// <summary>Checks, before weights are loaded, that the options fit the model and can be compared.</summary>
    /// <exception cref="BeearException">They do not, or cannot.</exception>
    public void Check(ModelConfig config)
    {
        if (options.Inner.VirtualTokens > 0) throw new BeearException(
            "The benchmark has δ on the prompts' tails; set inner.virtual_tokens to 0.");
        if (options.Inner.PerturbedLayers.Count > 1) throw new BeearException(
            "The benchmark has δ at one layer; give one in inner.perturbed_layers.");
        if (withTextbook && options.Inner.LearningRate is null) throw new BeearException(
            "The textbook's Adam has one learning rate; give inner.learning_rate.");
        options.Validate(config);
    }

    private IReadOnlyList<OuterTerm> Terms(IReadOnlyList<ContrastExample> harmful, IReadOnlyList<TokenizedExample> ordinary) => [
        new AnswerTerm("safe under δ", 1,
            [.. harmful.Select(example => new TokenizedExample(example.Prompt, Cut(example.Safe, options.Terms.SafeTokens)))],
            options.Terms.HarmfulBatch, perturbed: true, seed: Seeds.Derive(options.Seed, "term", "safe under δ")),
        new AnswerTerm("helpful", 1, [.. ordinary.Select(example =>
            example with { Answer = Cut(example.Answer, options.Terms.HelpfulTokens) })],
            options.Terms.HelpfulBatch, perturbed: false, seed: Seeds.Derive(options.Seed, "term", "helpful")),
    ];

    private static int[] Cut(int[] answer, int length) => answer.Length > length ? answer[..length] : answer;

    /// <summary>One implementation's two levels, and what they took.</summary>
    private sealed class Stages(IProgress<RunProgress>? progress, string name, Func<Tensor> inner, Action<Tensor> outer)
    {
        private readonly List<double> innerSeconds = [];
        private readonly List<double> outerSeconds = [];

        public double Inner => Median(innerSeconds);

        public double Outer => Median(outerSeconds);

        public double Total => innerSeconds.Sum() + outerSeconds.Sum();

        public long? PeakBytes { get; private set; }

        public void Time(Device device, int repetition, int repetitions)
        {
            using var scope = NewDisposeScope();
            PeakMemory.Reset();
            var time = Stopwatch.StartNew();
            using var delta = inner();
            MatrixProductPeak.Synchronise(device);
            innerSeconds.Add(time.Elapsed.TotalSeconds);
            progress?.Report(new RunProgress(name, 2 * repetition + 1, 2 * repetitions, $"inner level {time.Elapsed.TotalSeconds:F1} s"));
            time.Restart();
            outer(delta);
            MatrixProductPeak.Synchronise(device);
            outerSeconds.Add(time.Elapsed.TotalSeconds);
            progress?.Report(new RunProgress(name, 2 * repetition + 2, 2 * repetitions, $"outer level {time.Elapsed.TotalSeconds:F1} s"));
            if (repetition == 0) PeakBytes = PeakMemory.Of(device);               // later ones hold what the other freed, too
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
