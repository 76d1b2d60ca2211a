using System.Diagnostics;
using Beear.Models;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// The outer level on its own: as many steps as the mitigation's, on the same batches, without its δ; perhaps with a baseline's term, or
/// with something else in place of δ. A state is kept after as many steps as a round has.
/// </summary>
/// <param name="options">The mitigation that is compared with.</param>
/// <param name="stage">What progress calls this work.</param>
/// <param name="terms">The terms, if they are not the mitigation's.</param>
internal sealed class OuterTraining(MitigationOptions options, string stage, OuterTermOptions? terms = null)
{
    /// <summary>
    /// Finds what the steps of a round, 1 for the first, have in place of δ, one after the other, from the harmful requests that are
    /// trained on; null for nothing.
    /// </summary>
    public Func<IReadOnlyList<ContrastExample>, int, IReadOnlyList<Perturbation>>? Find { get; init; }

    /// <summary>Makes a term that stands before the others from the harmful requests that are trained on; null for none.</summary>
    public Func<IReadOnlyList<ContrastExample>, OuterTerm>? Term { get; init; }

    /// <summary>
    /// Steps after which something else is taught: a round ends there too, so that no mean of weights is over both. 0 for none.
    /// </summary>
    public int Turn { get; init; }

    /// <summary>
    /// Says whether a further round is to be taken, and may wait until that is known; null for the mitigation's number of rounds.
    /// </summary>
    public Func<bool>? GoesOn { get; init; }

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="context">Where states and news go, and what stops it.</param>
    /// <param name="own">Makes the baseline's term from the harmful requests that are trained on; null for none.</param>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context,
        Func<IReadOnlyList<ContrastExample>, OwnPassTerm>? own = null)
    {
        var (run, progress, cancellation) = context ?? new DefenceContext();
        options.Validate(model.Config);
        var time = Stopwatch.StartNew();
        var (training, _) = data.Divide(options.HeldOutShare, options.Seed);
        using var built = OuterTerms.Build(model, training, data, terms ?? options.Terms, options.Seed, progress, cancellation);
        IReadOnlyList<OuterTerm> all = Term is null ? built.Terms : [Term(training), .. built.Terms];
        using (var removal = new Removal(model.Decoder, all, options.Outer, options.Terms.PassTokens, own?.Invoke(training),
            options.Economy, options.AveragedShare))
        {
            TrainingState.Continue(run, model.Decoder, (read, steps) => removal.Continue(read, steps, isMean: options.AveragedShare > 0),
                options.TotalSteps);
            while (GoesOn?.Invoke() ?? removal.StepCount < options.TotalSteps)
            {
                int done = removal.StepCount, left = options.OuterSteps - done % options.OuterSteps;
                if (done < Turn) left = Math.Min(left, Turn - done);
                var found = Find?.Invoke(training, done / options.OuterSteps + 1);
                var perturbations = Enumerable.Range(done, left).Select(step => found?[step % found.Count]);
                var steps = removal.Run([.. perturbations], options.TotalSteps, progress, stage, cancellation: cancellation);
                run?.Append(new { stage, step = removal.StepCount, losses = steps[^1].Losses });
                if (run is not null) TrainingState.Save(run, model.Decoder, removal.State(), removal.StepCount);
            }
            return new DefenceReport(removal.StepCount, time.Elapsed.TotalSeconds);
        }
    }
}
