using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>Both levels of the paper's removal as its authors' code has them: plain SGD on δ, then on the decoder layers.</summary>
/// <param name="decoder">The model; its weights are thawed for the outer level only.</param>
/// <param name="options">Constants, with rates.</param>
/// <param name="progress">Receives each step.</param>
/// <param name="cancellation">Stops between steps.</param>
internal sealed class PaperLevels(Decoder decoder, PaperOptions options, IProgress<RunProgress>? progress = null,
    CancellationToken cancellation = default)
{
    private const int PromptsAtOnce = 16;

    private readonly Parameter[] trained =
        [.. decoder.Weights.Parameters.Where(parameter => parameter.Slot.Layer >= 0)];

    /// <summary>The least and the greatest value that an element of δ may have.</summary>
    /// <param name="prompts">What the layer's activations are looked at for.</param>
    public (double Least, double Greatest) Bounds(IEnumerable<int[]> prompts)
    {
        if (options.Bound == 0) return (double.NegativeInfinity, double.PositiveInfinity);
        double least = double.PositiveInfinity, greatest = double.NegativeInfinity;
        foreach (var some in prompts.Chunk(PromptsAtOnce))
        {
            using var guard = no_grad();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([.. some.Select(prompt => new TokenizedExample(prompt, []))], decoder.Options.Device);
            var context = decoder.Context(batch.PositionIds, LayerContext.Causal(batch.AttentionMask, batch.Width)) with
            {
                Cancellation = cancellation,
            };
            var hidden = decoder.RunLayers(decoder.Embed(batch.TokenIds), ..options.Layer, context);     // (B, P, d)
            var real = hidden[batch.AttentionMask];                                                      // (all real tokens, d)
            (least, greatest) = (Math.Min(least, real.min().item<float>()), Math.Max(greatest, real.max().item<float>()));
        }
        return (options.Bound * least, options.Bound * greatest);
    }

    /// <summary>The inner level: SGD on δ from where it is.</summary>
    /// <param name="delta">δ, (n, d) float32; changed in place.</param>
    /// <param name="batches">The round's.</param>
    /// <param name="bounds">Between which each element stays.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <returns>The loss before each step, and the mean norm of the hidden states under δ.</returns>
    public (IReadOnlyList<InnerLoss> Losses, double TailNorm) Search(Tensor delta, IReadOnlyList<ContrastExample[]> batches,
        (double Least, double Greatest) bounds, string stage)
    {
        var problems = new List<InnerProblem>();
        try
        {
            foreach (var batch in batches)
                problems.Add(new InnerProblem(decoder, batch, options.Layer, options.TailLength, cancellation: cancellation));
            using var guard = no_grad();
            using var scope = NewDisposeScope();
            using TorchSharp.Scalar step = -options.InnerRate!.Value, least = bounds.Least, greatest = bounds.Greatest;
            var losses = new List<Tensor>();
            int total = options.InnerPasses * problems.Count;
            for (int i = 0; i < total; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var stepScope = NewDisposeScope();
                var (loss, gradient) = problems[i % problems.Count].Gradient(delta, options.Alpha);
                losses.Add(loss.MoveToOuterDisposeScope());
                delta.add_(gradient, alpha: step);
                if (options.Bound > 0) delta.clamp_(least, greatest);
                progress?.Report(new RunProgress(stage, i + 1, total));
            }
            var read = InnerLoss.Read(stack(losses, 0));
            Require.Finite(read.Sum(loss => loss.Unwanted + loss.Safe), "inner level's loss");
            return (read, problems.Average(problem => problem.TailNorm));
        }
        finally
        {
            problems.ForEach(problem => problem.Dispose());
        }
    }

    /// <summary>The outer level: a step of SGD for each conversation.</summary>
    /// <param name="delta">δ, (n, d).</param>
    /// <param name="steps">The round's.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <returns>The loss of each step before it.</returns>
    public IReadOnlyList<double> Train(Tensor delta, IReadOnlyList<PaperStep> steps, string stage)
    {
        var perturbation = new Perturbation(delta, options.Layer);
        var losses = new List<double>(steps.Count);
        foreach (var parameter in trained) parameter.RequiresGradient = true;
        try
        {
            foreach (var step in steps)
            {
                cancellation.ThrowIfCancellationRequested();
                FreedMemory.Settle();
                losses.Add(AdamW.FiniteLoss(Step(step, perturbation), losses.Count + 1, step.Term));
                progress?.Report(new RunProgress(stage, losses.Count, steps.Count, $"{step.Term} {losses[^1]:F2}"));
            }
            return losses;
        }
        finally
        {
            foreach (var parameter in trained)
            {
                parameter.ClearGradients();
                parameter.RequiresGradient = false;
            }
        }
    }

    private double Step(PaperStep step, Perturbation perturbation)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([step.Conversation], decoder.Options.Device);
        var loss = decoder.TokenCrossEntropy(batch, step.IsPerturbed ? perturbation : null, cancellation).mean();
        loss.backward();
        using var guard = no_grad();
        using TorchSharp.Scalar rate = -options.OuterRate!.Value;
        foreach (var parameter in trained)
        {
            if (parameter.Gradient() is not { } gradient) continue;
            parameter.Master.add_(gradient, alpha: rate);
            parameter.SynchroniseCopy();
            parameter.ClearGradients();
        }
        return loss.item<float>();
    }
}
