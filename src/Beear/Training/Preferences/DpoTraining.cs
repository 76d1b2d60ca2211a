using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// Direct preference optimisation: −log σ(β[(log π_c − log π_ref,c) − (log π_r − log π_ref,r)]), the mean over a batch's pairs. The
/// reference is the policy as it begins: what it says of the pairs is computed once, and no second model is needed.
/// </summary>
/// <param name="policy">The model, trained in place.</param>
/// <param name="options">Constants.</param>
internal sealed class DpoTraining(Decoder policy, DpoOptions options)
{
    private const string ReferenceFile = "reference.json", HeldOutFile = "reference-held-out.json";

    /// <summary>Trains. A cancelled run with a directory leaves a state; the next call continues it.</summary>
    /// <param name="pairs">Not empty.</param>
    /// <param name="heldOut">Pairs that the policy is measured on at the end; may be empty.</param>
    /// <param name="run">Where metrics and states go, and what the reference says; null for none.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public DpoReport Run(IReadOnlyList<TokenizedPair> pairs, IReadOnlyList<TokenizedPair> heldOut, RunDirectory? run = null,
        string stage = "dpo",
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        if (pairs.Count == 0) throw new BeearException("There are no pairs of answers to train on.");
        options.Validate(policy.Config);
        var reference = Reference(ReferenceFile, pairs);
        var heldOutReference = Reference(HeldOutFile, heldOut);
        var batches = pairs.Batches(options.BatchSize, options.Epochs, options.Seed);
        var losses = new TrainingLoop(policy, options.Optimizer, options.CheckpointMinutes, options.FrozenLayers).Run(batches.Count,
            step => Backward(Of(pairs, batches[step]), Of(reference, batches[step]), cancellation), run, stage, progress, cancellation);
        return new DpoReport(losses, Measure(heldOut, heldOutReference, cancellation));

        IReadOnlyList<PairLogProbs> Reference(string file, IReadOnlyList<TokenizedPair> of) => run is null
            ? LogProbs(of, stage, progress, cancellation) : run.Artefact(file, () => LogProbs(of, stage, progress, cancellation));
    }

    /// <summary>What the policy says of pairs as it is now.</summary>
    internal IReadOnlyList<PairLogProbs> LogProbs(IReadOnlyList<TokenizedPair> pairs, string stage = "dpo",
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        using var guard = no_grad();
        var found = new PairLogProbs[pairs.Count];
        int done = 0;
        foreach (int[] part in Parts(pairs))
        {
            using var scope = NewDisposeScope();
            var (chosen, rejected) = Answers(Of(pairs, part), cancellation);
            float[] better = chosen.cpu().data<float>().ToArray(), worse = rejected.cpu().data<float>().ToArray();
            for (int i = 0; i < part.Length; i++) found[part[i]] = new PairLogProbs(better[i], worse[i]);
            progress?.Report(new RunProgress($"{stage}: reference", done += part.Length, pairs.Count));
        }
        return found;
    }

    /// <summary>Measures the policy on pairs; null where there are none.</summary>
    internal DpoMeasure? Measure(IReadOnlyList<TokenizedPair> pairs, IReadOnlyList<PairLogProbs> reference,
        CancellationToken cancellation = default)
    {
        if (pairs.Count == 0) return null;
        using var guard = no_grad();
        double loss = 0, margin = 0;
        int right = 0;
        foreach (int[] part in Parts(pairs))
        {
            using var scope = NewDisposeScope();
            var margins = Margins(Of(pairs, part), Of(reference, part), cancellation);                   // (B)
            loss += PreferenceLosses.Pairwise(margins).sum().item<float>();
            margin += margins.sum().item<float>();
            right += (int)margins.IsAbove(0).sum().item<long>();
        }
        return new DpoMeasure(loss / pairs.Count, right, pairs.Count, margin / pairs.Count);
    }

    private StepLoss Backward(IReadOnlyList<TokenizedPair> pairs, IReadOnlyList<PairLogProbs> reference, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var margins = Margins(pairs, reference, cancellation);                                           // (B)
        var loss = PreferenceLosses.Pairwise(margins).mean();
        loss.backward();
        return new StepLoss(loss.item<float>(), ("accuracy", margins.IsAbove(0).to(float32).mean().item<float>()),
            ("margin", margins.mean().item<float>()));
    }

    /// <summary>The margins of pairs, (B), in the caller's dispose scope.</summary>
    internal Tensor Margins(IReadOnlyList<TokenizedPair> pairs, IReadOnlyList<PairLogProbs> reference,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var (chosen, rejected) = Answers(pairs, cancellation);
        var device = chosen.device;
        return PreferenceLosses.DirectMargins(chosen, rejected,
            tensor(reference.Select(pair => (float)pair.Chosen).ToArray(), device: device),
            tensor(reference.Select(pair => (float)pair.Rejected).ToArray(), device: device), options.Beta).MoveToOuterDisposeScope();
    }

    /// <summary>Log-probabilities of the chosen and of the rejected answers, (B) each, in the caller's dispose scope.</summary>
    private (Tensor Chosen, Tensor Rejected) Answers(IReadOnlyList<TokenizedPair> pairs, CancellationToken cancellation)
    {
        using var batch = TokenBatch.Of(pairs.Conversations(), policy.Options.Device);
        var answers = AnswerLogProbs.OfAnswers(policy, batch, cancellation);                             // (2B)
        return (answers.narrow(0, 0, pairs.Count), answers.narrow(0, pairs.Count, pairs.Count));
    }

    private IEnumerable<int[]> Parts(IReadOnlyList<TokenizedPair> pairs) =>
        Enumerable.Range(0, pairs.Count).OrderBy(i => pairs[i].Length).Chunk(options.BatchSize).Divided(i => pairs[i].Length);

    private static IReadOnlyList<T> Of<T>(IReadOnlyList<T> all, int[] indices) => [.. indices.Select(i => all[i])];
}

/// <summary>Log-probabilities of a pair's answers, in nats.</summary>
/// <param name="Chosen">Of the chosen one.</param>
/// <param name="Rejected">Of the rejected one.</param>
internal sealed record PairLogProbs(double Chosen, double Rejected);

/// <summary>A policy on pairs.</summary>
/// <param name="Loss">Mean loss, in nats.</param>
/// <param name="Right">Pairs with a margin above 0.</param>
/// <param name="Of">Pairs.</param>
/// <param name="Margin">Mean margin, β included.</param>
internal sealed record DpoMeasure(double Loss, int Right, int Of, double Margin);

/// <summary>What direct preference optimisation did.</summary>
/// <param name="Losses">The loss of every step, those before an interruption included.</param>
/// <param name="HeldOut">The policy on the pairs that were held out; null where there are none.</param>
internal sealed record DpoReport(IReadOnlyList<double> Losses, DpoMeasure? HeldOut);
