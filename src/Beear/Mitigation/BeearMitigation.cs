using System.Diagnostics;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// The whole removal (paper, algorithm 1): rounds of the inner level, which finds δ* against the weights as they are, and the outer
/// level, which trains them to be safe under it. Each round's fresh δ* also scores the weights that the round before left, on
/// requests that it was not searched on; the loop stops on that score alone and keeps the weights that it likes best.
/// </summary>
/// <param name="options">All constants.</param>
public sealed class BeearMitigation(MitigationOptions options)
{
    /// <summary>Cleans the model in place.</summary>
    /// <param name="model">The suspicious model.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="run">Where the state after each round goes, from which an interrupted run continues; null for none.</param>
    /// <param name="onRound">Receives each finished round.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public MitigationReport Run(LanguageModel model, DefenderData data, RunDirectory? run = null, Action<RoundReport>? onRound = null,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate(model.Config);
        var time = Stopwatch.StartNew();
        var (training, heldOut) = data.Divide(options.HeldOutShare, options.Seed);
        using var terms = OuterTerms.Build(model, training, data, options.Terms, options.Seed, progress, cancellation);
        using var removal = new Removal(model.Decoder, terms.Terms, options.Outer, options.Terms.PassTokens);
        using var state = MitigationState.Open(run, model.Decoder, removal);
        var entrapment = new Entrapment(model.Decoder, options.Inner);
        var triggers = new VirtualTriggers(model.Chat, options.Inner.VirtualTokens, options.Seed);
        int maxRounds = options.Rounds ?? options.MaxRounds;
        while (true)
        {
            int round = state.Rounds.Count + 1;
            using var found = entrapment.Search(training, unchecked(options.Seed * 1000 + round), triggers.Of(round), progress, cancellation);
            var perturbation = new Perturbation(found.Delta, options.Inner.PerturbedLayer, triggers.Of(round));
            state.AddScore(DefenderScore.UnwantedRate(model, heldOut, perturbation, options.ScoreTokens, cancellation), model.Decoder,
                keepBest: options.Rounds is null);
            bool enough = options.Rounds is null && round > 1 && state.Scores[^1] <= options.StopScore;
            if (round > maxRounds || enough) break;

            state.Keep(found.Delta);
            var steps = removal.Run(Schedule(state.Deltas, triggers, round), maxRounds * options.OuterSteps, progress, $"round {round}, outer level", cancellation);
            var report = new RoundReport(round, found.Trajectory[0].Unwanted, found.Final.Unwanted, found.Final.Safe, found.DeltaNorm, found.Drift,
                state.Scores[^1], steps[0].Losses, steps[^1].Losses);
            state.Rounds.Add(report);
            run?.Append(report);
            onRound?.Invoke(report);
            state.Save();
        }
        // A fixed number of rounds is what was asked for; otherwise the best-scored round's weights stay.
        int chosen = options.Rounds ?? state.RestoreBest(model.Decoder);
        Restoration.Run(model, terms, options, progress, cancellation);
        return new MitigationReport(state.Rounds, state.Scores, chosen, time.Elapsed.TotalSeconds);
    }

    /// <summary>Which δ each outer step of a round uses: the newest, and at a share of the steps an earlier one, evenly spread.</summary>
    private Perturbation?[] Schedule(List<Tensor> deltas, VirtualTriggers triggers, int round)
    {
        var random = new Random(unchecked(options.Seed * 1000 + round));
        return [.. Enumerable.Range(0, options.OuterSteps).Select(step =>
        {
            bool replay = deltas.Count > 1 && Math.Floor((step + 1) * options.Replay) > Math.Floor(step * options.Replay);
            int chosen = replay ? random.Next(deltas.Count - 1) : deltas.Count - 1;
            return new Perturbation(deltas[chosen], options.Inner.PerturbedLayer, triggers.Of(chosen + 1));
        })];
    }
}
