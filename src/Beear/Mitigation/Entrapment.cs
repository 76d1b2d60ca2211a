using Beear.Kernels;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>What an inner run found.</summary>
/// <param name="Delta">δ*, (n, d) float32; the receiver disposes it.</param>
/// <param name="Trajectory">The loss before each step; K of them.</param>
/// <param name="CapValue">Largest allowed norm of any row; +∞ without a cap.</param>
/// <param name="TailNorm">Mean norm of the unperturbed hidden states under δ.</param>
/// <param name="Final">
/// The loss before the last steps, mean over as many as there are prepared batches; without steps that under δ*.
/// </param>
internal sealed record EntrapmentResult(Tensor Delta, IReadOnlyList<InnerLoss> Trajectory, double CapValue, double TailNorm,
    InnerLoss Final) : IDisposable
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

    /// <summary>δ's size as a share of the hidden states' norm.</summary>
    public double Drift => DeltaNorm / TailNorm;

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
internal sealed class Entrapment(Decoder decoder, EntrapmentOptions options, EconomyOptions? economy = null)
{
    /// <summary>Searches δ* from zero on batches drawn from the examples.</summary>
    /// <param name="examples">The defender's harmful requests with both answers.</param>
    /// <param name="seed">Which batches are drawn.</param>
    /// <param name="trigger">Tokens that carry δ; null for the prompts' tails.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public EntrapmentResult Search(IReadOnlyList<ContrastExample> examples, int seed, VirtualTrigger? trigger = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) => Search(examples, new InnerRun(seed, trigger), progress, cancellation);

    /// <summary>Searches δ* on batches drawn from the examples.</summary>
    internal EntrapmentResult Search(IReadOnlyList<ContrastExample> examples, InnerRun run, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        options.Validate(decoder.Config);
        if (examples.Count == 0) throw new BeearException(
            "There are no harmful requests with unwanted answers to search a perturbation with.");
        int positions = run.Trigger?.Tokens.Count ?? options.TailLength;
        var batches = new List<InnerBatch>();
        try
        {
            foreach (var batch in Batches(examples, options, run.BatchSeed))
                batches.Add(Prepare(batch, run.Layer ?? options.PerturbedLayers[0], positions, run.Trigger, cancellation));
            return Search(batches, positions, run, progress, cancellation);
        }
        finally
        {
            batches.ForEach(batch => batch.Dispose());
        }
    }

    private InnerBatch Prepare(ContrastExample[] batch, int layer, int positions, VirtualTrigger? trigger, CancellationToken cancellation)
    {
        long scores = economy?.ScoresAtOnce ?? RowChunks.DefaultScores;
        var parts = new List<InnerProblem>();
        try
        {
            foreach (var part in Parts(batch, positions, trigger))
                parts.Add(new InnerProblem(decoder, part, layer, positions, trigger, scores, cancellation));
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
        int longest = batch.Max(example =>
            example.Unwanted.Length + example.Safe.Length + positions + (trigger is null ? 0 : example.Prompt.Length));
        return batch.Chunk(Math.Max(1, limit / longest));
    }

    /// <summary>Searches δ* from zero on prepared batches, of tails.</summary>
    public EntrapmentResult Search(IReadOnlyList<InnerProblem> problems, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) =>
            Search([.. problems.Select(problem => new InnerBatch([problem]))], options.TailLength, new InnerRun(0), progress, cancellation);

    private EntrapmentResult Search(List<InnerBatch> problems, int positions, InnerRun run, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        double tailNorm = problems.Average(problem => problem.TailNorm);
        using Scalar size = tailNorm;
        var norm = full([1, 1], size, float32, decoder.Options.Device);
        var bounds = options.Cap > 0 ? new DeltaBounds(norm.Times(options.Cap)) : null;
        var delta = zeros([positions, decoder.Config.HiddenSize], float32, decoder.Options.Device);      // (n, d)
        var optimizer = options.LearningRate is { } rate ? new DeltaAdam(delta, rate)
            : new DeltaAdam(delta, options.StepShare, (bounds?.Radii ?? norm).Over(Math.Sqrt(decoder.Config.HiddenSize)));
        var trajectory = new List<Tensor>(options.Steps);
        for (int step = 0; step < options.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            var (losses, gradient) = problems[step % problems.Count].Gradient(delta, options.Alpha);
            trajectory.Add(losses.MoveToOuterDisposeScope());
            optimizer.Step(gradient);
            bounds?.Project(delta);
            // On a GPU, reading a loss would wait for the step.
            string? detail = progress is not null && delta.device_type == TorchSharp.DeviceType.CPU
                ? $"CE(unwanted) {InnerLoss.Read(losses)[0].Unwanted:F2}" : null;
            progress?.Report(new RunProgress("inner level", step + 1, options.Steps, detail));
        }
        IReadOnlyList<InnerLoss> read = trajectory.Count == 0 ? [] : InnerLoss.Read(stack(trajectory, 0));
        // known already
        List<InnerLoss> final = read.Count == 0 ? [.. problems.Select(problem => problem.Loss(delta))] : [.. read.TakeLast(problems.Count)];
        Require.Finite(final.Sum(loss => loss.Unwanted + loss.Safe), "inner level's loss");
        return new EntrapmentResult(delta.DetachFromDisposeScope(), read, bounds?.Radii.max().item<float>()
            ?? double.PositiveInfinity, tailNorm,
            new InnerLoss(final.Average(loss => loss.Unwanted), final.Average(loss => loss.Safe)));
    }

    /// <summary>Draws the batches of an inner run.</summary>
    internal static IEnumerable<ContrastExample[]> Batches(IReadOnlyList<ContrastExample> examples, EntrapmentOptions options, int seed)
    {
        int[] Cut(int[] answer) => answer.Length > options.AnswerTokens ? answer[..options.AnswerTokens] : answer;
        ContrastExample[] shuffled = [.. examples.Select(example =>
            example with { Unwanted = Cut(example.Unwanted), Safe = Cut(example.Safe) })];
        new Random(seed).Shuffle(shuffled);
        return shuffled.Chunk(options.BatchSize).Take(options.Batches);
    }
}

/// <summary>What one search of δ has for itself.</summary>
/// <param name="BatchSeed">Which batches are drawn.</param>
/// <param name="Trigger">Tokens that carry δ; null for the prompts' tails.</param>
/// <param name="Layer">l; null for the options' first.</param>
internal sealed record InnerRun(int BatchSeed, VirtualTrigger? Trigger = null, int? Layer = null);
