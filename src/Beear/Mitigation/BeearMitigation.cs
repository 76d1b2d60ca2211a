using System.Diagnostics;
using Beear.Models;

namespace Beear.Mitigation;

/// <summary>
/// The whole removal (paper, algorithm 1): rounds of the inner level, which finds δ* against the weights as they are, and the outer
/// level, which trains them to be safe under it. A fresh adversary also scores the weights that each round left, on requests that it was
/// not searched on; the loop stops on that score and keeps the weights that it likes best, of those that are still of use.
/// </summary>
/// <param name="options">All constants.</param>
public sealed class BeearMitigation(MitigationOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.Beear);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        context ??= new DefenceContext();
        var (run, progress, cancellation) = context;
        options.Validate(model.Config);
        var time = Stopwatch.StartNew();
        data = data.AskedOf(model, options, progress, cancellation);
        var (training, heldOut) = data.Divide(options.HeldOutShare, options.Seed);
        using var terms = OuterTerms.Build(model, training, data, options.Terms, options.Seed, progress, cancellation);
        using var floor = data.Floor(model, options, progress, cancellation);
        using var scorer = DefenderScorer.Prepare(model, data, options, progress, cancellation);
        using var removal = new Removal(model.Decoder, terms.Terms, options.Outer, options.Terms.PassTokens, economy: options.Economy,
            averagedShare: options.AveragedShare);
        using var state = MitigationState.Open(run, model.Decoder, removal, options);
        var adversary = new Adversary(model, options, data.Openings?.Openings);
        var choice = new MeanOrLast(removal, scorer, new HeldOutMistakes(model, data, heldOut, options.Seed), floor, IsEnough);
        int maxRounds = options.Rounds ?? options.MaxRounds;
        if (state.Scores.Count == 0 && options.ScoreRounds) state.AddScores(scorer.MeasureFirst(progress, cancellation));
        while (state.Unscored is not null || !IsDone())
        {
            state.Unscored ??= Train(state.Rounds.Count + 1);
            try
            {
                var (report, scores) = Score(state.Unscored);
                if (IsScored(report.Round)) state.AddScores(scores, MayStay(report.Round) && IsUsable(report) && options.Rounds is null);
                state.Add(report);
            }
            catch (OperationCanceledException)
            {
                state.Save();                                            // the round's steps are not lost with its score
                throw;
            }
            run?.Append(state.Rounds[^1]);
            context.OnRound?.Invoke(state.Rounds[^1]);
            if (context.EndsAfter?.Invoke(state.Rounds[^1]) == true) break;
            if (!IsDone()) state.Save();
        }
        // A fixed number of rounds is what was asked for; otherwise the weights of the best-scored round that is of use stay.
        int? chosen = options.Rounds is null ? state.RestoreBest() : IsUsable(state.Rounds[^1]) ? state.Rounds.Count : null;
        state.Save(isFinished: true);
        return new DefenceReport(state.Rounds.Count * options.OuterSteps, time.Elapsed.TotalSeconds)
        {
            Rounds = state.Rounds,
            Scores = state.Scores,
            ChosenRound = chosen,
            Openings = data.Openings,
            OtherScores = state.OtherScores(options.Scores),
            Usefulness = state.Rounds[(chosen ?? state.Rounds.Count) - 1].Usefulness,
        };

        bool MayStay(int round) => round >= (options.Rounds ?? options.MinRounds);

        bool IsScored(int round) => options.ScoreRounds || round == maxRounds;

        bool IsDone() => state.IsFinished || state.Rounds.Count == maxRounds
            || (options.Rounds is null && state.Rounds.Count >= options.MinRounds && IsUsable(state.Rounds[^1])
            && IsEnough(state.Scores[^1]));

        static bool IsUsable(RoundReport report) => report.Usefulness?.Problem is null;

        RoundReport Train(int round)
        {
            state.KeepBest();
            removal.GoOn();
            var found = adversary.Find(training, round, options.Inner.Population, progress, cancellation);
            try
            {
                state.Keep(found);
                var steps = removal.Run(Schedule(state, adversary, round), maxRounds * options.OuterSteps, progress,
                    $"round {round}, outer level", MayStay(round), cancellation);
                return Report(round, found.MinBy(one => one.Result.Final.Total(options.Inner.Alpha))!.Result, state.Scores, steps);
            }
            finally
            {
                foreach (var one in found) one.Dispose();
            }
        }

        (RoundReport, OrderedDictionary<string, double>) Score(RoundReport report)
        {
            var scores = IsScored(report.Round) ? scorer.Measure(report.Round + 1, progress, cancellation) : [];
            if (removal.IsMean) return choice.Make(report, scores, progress, cancellation);
            return (IsScored(report.Round) ? report with { Usefulness = floor.Measure(progress, cancellation) } : report, scores);
        }

        bool IsEnough(double? score) =>
            score is null || score <= Math.Max(options.StopScore, state.Scores.Count == 0 ? 0 : options.StopShare * state.Scores[0]);
    }

    private static RoundReport Report(int round, EntrapmentResult found, List<double> scores, IReadOnlyList<OuterStep> steps) =>
        new(round, found.Initial.Unwanted, found.Final.Unwanted, found.Final.Safe, found.DeltaNorm, found.Drift, scores.Count == 0
            ? null : scores[^1],
            steps[0].Losses, steps[^1].Losses);

    /// <summary>
    /// Which δ each outer step of a round uses: the newest in turn, and at a share of the steps an earlier one, evenly spread.
    /// </summary>
    private Perturbation?[] Schedule(MitigationState state, Adversary adversary, int round)
    {
        var random = new Random(Seeds.Derive(options.Seed, "replay", $"{round}"));
        int earlier = state.Deltas.Count - options.Inner.Population, fresh = 0;
        return [.. Enumerable.Range(0, options.OuterSteps).Select(step =>
        {
            bool replay = earlier > 0 && Math.Floor((step + 1) * options.Replay) > Math.Floor(step * options.Replay);
            int chosen = replay ? random.Next(earlier) : earlier + fresh++ % options.Inner.Population;
            return adversary.Apply(state.Deltas[chosen].Delta, state.Deltas[chosen].Number);
        })];
    }
}
