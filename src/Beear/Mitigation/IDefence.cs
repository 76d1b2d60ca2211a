using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// A way to remove a backdoor without knowing its trigger. All are given the same data and, if they train, the same number of steps.
/// </summary>
public interface IDefence
{
    /// <summary>What tables and files call it, in snake_case.</summary>
    string Name { get; }

    /// <summary>Cleans the model in place.</summary>
    /// <param name="model">The suspicious model.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="context">Where states and news go, and what stops it; null for nothing.</param>
    /// <exception cref="BeearException">An option does not fit the model or the data.</exception>
    DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null);
}

/// <summary>What a defence is given besides model and data.</summary>
public sealed record DefenceContext
{
    /// <summary>Where states go, from which an interrupted run continues; null for none.</summary>
    public RunDirectory? Run { get; init; }

    /// <summary>Receives each finished round, of a defence that has rounds.</summary>
    public Action<RoundReport>? OnRound { get; init; }

    /// <summary>Says, once a round was received, whether it is to be the last; null where the options alone decide.</summary>
    public Func<RoundReport, bool>? EndsAfter { get; init; }

    /// <summary>Receives each step.</summary>
    public IProgress<RunProgress>? Progress { get; init; }

    /// <summary>Stops between steps.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The parts that nearly every defence uses.</summary>
    internal void Deconstruct(out RunDirectory? run, out IProgress<RunProgress>? progress, out CancellationToken cancellation) =>
        (run, progress, cancellation) = (Run, Progress, Cancellation);
}
