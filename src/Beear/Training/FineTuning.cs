using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>Constants of supervised fine-tuning.</summary>
public sealed record FineTuningOptions : IValidatable
{
    /// <summary>Passes over the data; at least 1.</summary>
    public int Epochs { get; init; } = 2;

    /// <summary>Examples in a step; at least 1.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Constants of AdamW.</summary>
    public OptimizerOptions Optimizer { get; init; } = new() { LearningRate = 1e-4, WarmupSteps = 8, Decay = LearningRateDecay.Linear };

    /// <summary>Seed of the order of the examples, together with that of the attacker where a backdoor is planted.</summary>
    public int Seed { get; init; }

    /// <summary>Minutes between states that an interrupted run continues from; 0 for none in between.</summary>
    public double CheckpointMinutes { get; init; } = 5;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Epochs, 1);
        Require.AtLeast(BatchSize, 1);
        Require.AtLeast(CheckpointMinutes, 0);
        Optimizer.Validate();
    }
}

/// <summary>Supervised fine-tuning on answers: the loss is the mean cross-entropy over a batch's answer tokens.</summary>
/// <param name="decoder">The model.</param>
/// <param name="options">Constants.</param>
internal sealed class FineTuning(Decoder decoder, FineTuningOptions options)
{
    /// <summary>Trains. A cancelled run with a directory leaves a state; the next call continues it.</summary>
    /// <param name="examples">Prompts and answers; not empty.</param>
    /// <param name="run">Where metrics and states go; null for none.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The loss of every step, those before an interruption included, in nats per token.</returns>
    public IReadOnlyList<double> Run(IReadOnlyList<TokenizedExample> examples, RunDirectory? run = null, string stage = "training",
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        if (examples.Count == 0) throw new BeearException("There is no training data.");
        var batches = Enumerable.Range(0, options.Epochs)
            .SelectMany(epoch => LengthBatcher.Batches(examples, options.BatchSize,
                Seeds.Derive(options.Seed, "epoch", $"{epoch}"))).ToList();
        return new TrainingLoop(decoder, options.Optimizer, options.CheckpointMinutes)
            .Run(batches.Count, step => new StepLoss(Backward(batches[step], cancellation)), run, stage, progress, cancellation);
    }

    private double Backward(IReadOnlyList<TokenizedExample> examples, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(examples, decoder.Options.Device);
        var loss = decoder.TokenCrossEntropy(batch, cancellation: cancellation).mean();
        loss.backward();
        return loss.item<float>();
    }
}
