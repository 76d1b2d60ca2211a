using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>What an inner run found.</summary>
/// <param name="Delta">δ*, (k·n, d) float32: n rows for each perturbed layer; the receiver disposes it.</param>
/// <param name="Trajectory">The loss before each step; K of them.</param>
/// <param name="CapValue">Largest allowed norm of any row; +∞ without a cap.</param>
/// <param name="TailNorms">Mean norm of the unperturbed hidden states under δ, at each perturbed layer.</param>
/// <param name="Final">The loss under δ*, mean over the prepared batches.</param>
public sealed record EntrapmentResult(Tensor Delta, IReadOnlyList<InnerLoss> Trajectory, double CapValue, IReadOnlyList<double> TailNorms, InnerLoss Final) : IDisposable
{
    /// <summary>Mean norm of δ's rows.</summary>
    public double DeltaNorm
    {
        get
        {
            using var scope = NewDisposeScope();
            return Delta.norm(-1).mean().item<float>();
        }
    }

    /// <summary>The loss before the first step.</summary>
    public InnerLoss Initial => Trajectory.Count > 0 ? Trajectory[0] : Final;

    /// <summary>δ's size as a share of the hidden states' norm, mean over the layers.</summary>
    public double Drift
    {
        get
        {
            using var scope = NewDisposeScope();
            using var sizes = Delta.norm(-1).view(TailNorms.Count, -1).mean([1]).cpu();                  // (k)
            return sizes.data<float>().ToArray().Zip(TailNorms).Average(pair => pair.First / pair.Second);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Delta.Dispose();
}

/// <summary>
/// The inner level: with the model frozen, finds one δ that drives all the defender's harmful requests toward unwanted answers,
/// δ* = argmin mean[CE(y_h) − α·CE(y_s)] (paper, equation 3).
/// </summary>
/// <param name="decoder">The model.</param>
/// <param name="options">Constants.</param>
/// <param name="economy">Its split and its limit of scores hold here too; null for its defaults.</param>
public sealed class Entrapment(Decoder decoder, EntrapmentOptions options, EconomyOptions? economy = null)
{
    /// <summary>Searches δ* from zero on batches drawn from the examples.</summary>
    /// <param name="examples">The defender's harmful requests with both answers.</param>
    /// <param name="seed">Which batches are drawn.</param>
    /// <param name="trigger">Tokens that carry δ; null for the prompts' tails.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public EntrapmentResult Search(IReadOnlyList<ContrastExample> examples, int seed, VirtualTrigger? trigger = null, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) => Search(examples, new InnerRun(seed, options.Steps, trigger), progress, cancellation);

    /// <summary>Searches δ* on batches drawn from the examples.</summary>
    internal EntrapmentResult Search(IReadOnlyList<ContrastExample> examples, InnerRun run, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        options.Validate(decoder.Config);
        if (examples.Count == 0) throw new BeearException("There are no harmful requests with unwanted answers to search a perturbation with.");
        int positions = run.Trigger?.Tokens.Count ?? options.TailLength;
        var batches = new List<InnerBatch>();
        try
        {
            foreach (var batch in Batches(examples, options, run.BatchSeed)) batches.Add(Prepare(batch, run.Layers ?? options.Layers, positions, run.Trigger));
            return Search(batches, positions, run, progress, cancellation);
        }
        finally
        {
            batches.ForEach(batch => batch.Dispose());
        }
    }

    private InnerBatch Prepare(ContrastExample[] batch, IReadOnlyList<int> layers, int positions, VirtualTrigger? trigger)
    {
        long scores = economy?.ScoresAtOnce ?? RowChunks.DefaultScores;
        var parts = new List<InnerProblem>();
        try
        {
            foreach (var part in Parts(batch, positions, trigger)) parts.Add(new InnerProblem(decoder, part, layers, positions, trigger, scores));
            return new InnerBatch(parts);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Parts of which a step touches no more tokens than a split allows, or one conversation.</summary>
    private IEnumerable<ContrastExample[]> Parts(ContrastExample[] batch, int positions, VirtualTrigger? trigger)
    {
        if (economy is not { SplitTokens: > 0 and var limit } || decoder.Config.RotaryDependsOnLength) return [batch];
        int longest = batch.Max(example => example.Unwanted.Length + example.Safe.Length + positions + (trigger is null ? 0 : example.Prompt.Length));
        return batch.Chunk(Math.Max(1, limit / longest));
    }

    /// <summary>Searches δ* from zero on prepared batches, of tails.</summary>
    public EntrapmentResult Search(IReadOnlyList<InnerProblem> problems, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default) =>
        Search([.. problems.Select(problem => new InnerBatch([problem]))], options.TailLength, new InnerRun(0, options.Steps), progress, cancellation);

    private EntrapmentResult Search(List<InnerBatch> problems, int positions, InnerRun run, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        double[] tailNorms = Mean([.. problems.Select(problem => problem.TailNorms)]);                   // of each layer
        var norms = tensor(tailNorms, float32, decoder.Options.Device).repeat_interleave(positions).unsqueeze(1);   // (k·n, 1)
        var bounds = run.Bounds ?? (options.Cap > 0 ? new DeltaBounds(norms * options.Cap) : null);
        var delta = Start(norms, run, bounds);                                                           // (k·n, d)
        var optimizer = options.StepShare == 0 ? new DeltaAdam(delta, options.LearningRate)
            : new DeltaAdam(delta, options.StepShare, (bounds?.Outer ?? norms) / Math.Sqrt(decoder.Config.HiddenSize));
        var trajectory = new List<Tensor>(run.Steps);
        for (int step = 0; step < run.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            var (losses, gradient) = problems[step % problems.Count].Gradient(delta, options.Alpha);
            trajectory.Add(losses.MoveToOuterDisposeScope());
            optimizer.Step(gradient);
            bounds?.Project(delta);
            // On a GPU, reading a loss would wait for the step.
            string? detail = progress is not null && delta.device_type == TorchSharp.DeviceType.CPU ? $"CE(unwanted) {InnerLoss.Read(losses)[0].Unwanted:F2}" : null;
            progress?.Report(new RunProgress("inner level", step + 1, run.Steps, detail));
        }
        var final = problems.Select(problem => problem.Loss(delta)).ToList();
        IReadOnlyList<InnerLoss> read = trajectory.Count == 0 ? [] : InnerLoss.Read(stack(trajectory, 0));
        return new EntrapmentResult(delta.DetachFromDisposeScope(), read, bounds?.Outer.max().item<float>() ?? double.PositiveInfinity, tailNorms,
            new InnerLoss(final.Average(loss => loss.Unwanted), final.Average(loss => loss.Safe)));
    }

    private static double[] Mean(IReadOnlyList<double[]> all) => [.. all[0].Select((_, i) => all.Average(one => one[i]))];

    /// <summary>What was given, zeros, or rows in random directions of half the allowed size.</summary>
    /// <param name="norms">(k·n, 1): of the hidden states.</param>
    /// <param name="run">What the search has for itself.</param>
    /// <param name="bounds">Where δ stays; null for no bounds.</param>
    private Tensor Start(Tensor norms, InnerRun run, DeltaBounds? bounds)
    {
        if (run.Start is { } start) return start.clone();
        long[] shape = [norms.size(0), decoder.Config.HiddenSize];
        if (run.StartSeed is not { } given) return zeros(shape, float32, decoder.Options.Device);
        using var generator = new Generator((ulong)given, CPU);
        var directions = randn(shape, generator: generator).to(decoder.Options.Device);
        return directions / directions.norm(-1, keepdim: true) * (bounds is null ? norms : norms.minimum(bounds.Inner)) / 2;
    }

    /// <summary>Draws the batches of an inner run.</summary>
    internal static IEnumerable<ContrastExample[]> Batches(IReadOnlyList<ContrastExample> examples, EntrapmentOptions options, int seed)
    {
        int[] Cut(int[] answer) => answer.Length > options.AnswerTokens ? answer[..options.AnswerTokens] : answer;
        ContrastExample[] shuffled = [.. examples.Select(example => example with { Unwanted = Cut(example.Unwanted), Safe = Cut(example.Safe) })];
        new Random(seed).Shuffle(shuffled);
        return shuffled.Chunk(options.BatchSize).Take(options.Batches);
    }
}

/// <summary>What one search of δ has for itself.</summary>
/// <param name="BatchSeed">Which batches are drawn.</param>
/// <param name="Steps">K.</param>
/// <param name="Trigger">Tokens that carry δ; null for the prompts' tails.</param>
/// <param name="StartSeed">Seed of a random beginning; null begins at zero.</param>
/// <param name="Bounds">Where δ stays; null for the options' cap.</param>
/// <param name="Layers">Perturbed layers; null for the options'.</param>
/// <param name="Start">δ to begin with; null for none.</param>
internal sealed record InnerRun(int BatchSeed, int Steps, VirtualTrigger? Trigger = null, int? StartSeed = null, DeltaBounds? Bounds = null,
    IReadOnlyList<int>? Layers = null, Tensor? Start = null);
