using System.Diagnostics;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Training;

/// <summary>What one step of training found.</summary>
/// <param name="Loss">Its loss, in nats.</param>
/// <param name="More">Other figures for the metrics, by their names there.</param>
internal readonly record struct StepLoss(double Loss, params IReadOnlyList<(string Name, double Value)> More);

/// <summary>
/// Steps of one optimiser over one model, with metrics, progress, and states that a run continues from to the very same weights.
/// </summary>
/// <param name="decoder">The model.</param>
/// <param name="optimizerOptions">Constants of AdamW.</param>
/// <param name="checkpointMinutes">Minutes between states; 0 for none but that of a cancelled run.</param>
/// <param name="frozenLayers">Decoder layers, counted from the embeddings, that stay as they are; 0 trains everything.</param>
internal sealed class TrainingLoop(Decoder decoder, OptimizerOptions optimizerOptions, double checkpointMinutes, int frozenLayers = 0)
{
    /// <summary>Takes the steps; of a run with a state, those that are left. A cancelled run with a directory leaves a state.</summary>
    /// <param name="steps">Steps in all.</param>
    /// <param name="backward">Leaves the gradients of a step's loss, 0 for the first step's.</param>
    /// <param name="run">Where metrics and states go; null for none.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The loss of every step, those before an interruption included.</returns>
    public IReadOnlyList<double> Run(int steps, Func<int, StepLoss> backward, RunDirectory? run, string stage,
        IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        var settings = optimizerOptions.For(decoder.Config.HiddenSize);
        var trained = decoder.Weights.Trained(frozenLayers);
        using var optimizer = new AdamW(trained, settings);
        var losses = new List<double>();
        TrainingState.Continue(run, decoder, optimizer.Restore, steps, losses);
        var sinceState = Stopwatch.StartNew();
        foreach (var parameter in trained) parameter.RequiresGradient = true;
        try
        {
            for (int step = optimizer.StepCount; step < steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                FreedMemory.Settle();
                var found = backward(step);
                double loss = AdamW.FiniteLoss(found.Loss, step + 1);
                double learningRate = settings.LearningRateAt(step, steps);
                double norm = optimizer.Step(learningRate);
                losses.Add(loss);
                run?.Append(Line(stage, step + 1, found, norm, learningRate));
                progress?.Report(new RunProgress(stage, step + 1, steps, $"loss {loss:F3}"));
                if (run is not null && checkpointMinutes > 0 && sinceState.Elapsed.TotalMinutes >= checkpointMinutes)
                {
                    TrainingState.Save(run, decoder, optimizer.State(), optimizer.StepCount, losses);
                    sinceState.Restart();
                }
            }
        }
        catch (OperationCanceledException) when (run is not null)
        {
            TrainingState.Save(run, decoder, optimizer.State(), optimizer.StepCount, losses);
            throw;
        }
        finally
        {
            decoder.Weights.ClearGradients();
            decoder.Weights.RequireGradients(false);
        }
        return losses;
    }

    private static Dictionary<string, object> Line(string stage, int step, StepLoss found, double gradientNorm, double learningRate)
    {
        var line = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["stage"] = stage,
            ["step"] = step,
            ["loss"] = found.Loss,
            ["gradient_norm"] = gradientNorm,
            ["learning_rate"] = learningRate,
        };
        foreach (var (name, value) in found.More) line.Add(name, value);
        return line;
    }
}
