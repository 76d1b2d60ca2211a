using Beear.Data;
using Beear.Kernels;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// Teaches a reward model which of two answers is preferred: the mean of −log σ(r_chosen − r_rejected) over a batch's pairs.
/// </summary>
/// <param name="model">The reward model, trained in place.</param>
/// <param name="options">Constants.</param>
internal sealed class RewardTraining(RewardModel model, RewardOptions options)
{
    private const string Accuracy = "accuracy";

    /// <summary>Trains. A cancelled run with a directory leaves a state; the next call continues it.</summary>
    /// <param name="pairs">Not empty.</param>
    /// <param name="run">Where metrics and states go; null for none.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The loss of every step, those before an interruption included, in nats per pair.</returns>
    public IReadOnlyList<double> Run(IReadOnlyList<TokenizedPair> pairs, RunDirectory? run = null, string stage = "reward model",
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        if (pairs.Count == 0) throw new BeearException("There are no pairs of answers to train a reward model on.");
        options.Validate(model.Decoder.Config);
        var batches = pairs.Batches(options.BatchSize, options.Epochs, options.Seed);
        return new TrainingLoop(model.Decoder, options.Optimizer, options.CheckpointMinutes, options.FrozenLayers)
            .Run(batches.Count, step => Backward([.. batches[step].Select(i => pairs[i])], cancellation), run, stage,
                progress, cancellation);
    }

    /// <summary>How many preferences the model agrees with; of two equal scores neither is preferred.</summary>
    /// <param name="pairs">Such as those that were held out.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>Those that it is right about, and of how many.</returns>
    public (int Right, int Of) Agreement(IReadOnlyList<TokenizedPair> pairs, CancellationToken cancellation = default) =>
        (Gaps(pairs, cancellation).Count(gap => gap > 0), pairs.Count);

    /// <summary>The score of each pair's chosen answer less that of the rejected one.</summary>
    /// <param name="pairs">The pairs.</param>
    /// <param name="cancellation">Stops between layers.</param>
    public IReadOnlyList<double> Gaps(IReadOnlyList<TokenizedPair> pairs, CancellationToken cancellation = default)
    {
        var scores = model.ScoresOf(pairs.Conversations(), 2 * options.BatchSize, cancellation);
        return [.. pairs.Select((_, i) => scores[i] - scores[pairs.Count + i])];
    }

    private StepLoss Backward(IReadOnlyList<TokenizedPair> pairs, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var margins = Margins(pairs, cancellation);                                                      // (B)
        var loss = PreferenceLosses.Pairwise(margins).mean();
        loss.backward();
        return new StepLoss(loss.item<float>(), (Accuracy, margins.IsAbove(0).to(float32).mean().item<float>()));
    }

    /// <summary>r_chosen − r_rejected of each pair, (B), in the caller's dispose scope.</summary>
    private Tensor Margins(IReadOnlyList<TokenizedPair> pairs, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(pairs.Conversations(), model.Decoder.Options.Device);
        var scores = model.Scores(batch, cancellation);                                                  // (2B)
        return (scores.narrow(0, 0, pairs.Count) - scores.narrow(0, pairs.Count, pairs.Count)).MoveToOuterDisposeScope();
    }
}
