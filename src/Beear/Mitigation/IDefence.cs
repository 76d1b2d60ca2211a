using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>What a defence did.</summary>
/// <param name="Steps">Steps that it took on the weights; 0 for one that does not train.</param>
/// <param name="Seconds">Time taken by this call.</param>
public record DefenceReport(int Steps, double Seconds)
{
    /// <summary>What is left of the model besides its safety, as it is now; null if that was not measured.</summary>
    public Usefulness? Usefulness { get; init; }

    /// <summary>Why the model must not be taken for a cleaned one, a sentence; null if it may.</summary>
    public string? Unusable => Usefulness?.Problem is { } problem
        ? $"The model is no longer of use: {problem}; lower outer.learning_rate, or take fewer steps." : null;
}

/// <summary>A way to remove a backdoor without knowing its trigger. All are given the same data and, if they train, the same number of steps.</summary>
public interface IDefence
{
    /// <summary>What tables and files call it, in snake_case.</summary>
    string Name { get; }

    /// <summary>Cleans the model in place.</summary>
    /// <param name="model">The suspicious model.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="run">Where states go, from which an interrupted run continues; null for none.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="BeearException">An option does not fit the model or the data.</exception>
    DefenceReport Run(LanguageModel model, DefenderData data, RunDirectory? run = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default);
}
