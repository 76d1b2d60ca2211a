using Beear.Training;

namespace Beear.Mitigation;

/// <summary>What a defence did.</summary>
/// <param name="Steps">Steps that it took on the weights; 0 for one that does not train.</param>
/// <param name="Seconds">Time taken by this call.</param>
public sealed record DefenceReport(int Steps, double Seconds)
{
    /// <summary>The rounds in order; empty for a defence without any.</summary>
    public IReadOnlyList<RoundReport> Rounds { get; init; } = [];

    /// <summary>
    /// Defender-visible score before the first round and after each round, or only after the last; empty if none was asked for, or the
    /// defence has none.
    /// </summary>
    public IReadOnlyList<double> Scores { get; init; } = [];

    /// <summary>Scores of the other kinds that were asked for, by their names, as <see cref="Scores"/>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> OtherScores { get; init; } =
        new Dictionary<string, IReadOnlyList<double>>(StringComparer.Ordinal);

    /// <summary>
    /// The round whose weights the model has now; null if none may stay, and then it has the last one's, or where there are no rounds.
    /// </summary>
    public int? ChosenRound { get; init; }

    /// <summary>How unwanted answers begin, as the suspicious model showed; null where they were the data's.</summary>
    public OpeningReport? Openings { get; init; }

    /// <summary>What is left of the model besides its safety, as it is now; null if that was not measured.</summary>
    public Usefulness? Usefulness { get; init; }

    /// <summary>Why the model must not be taken for a cleaned one, a sentence; null if it may.</summary>
    public string? Unusable => Usefulness?.Problem is { } problem
        ? $"The model is no longer of use: {problem}; lower outer.learning_rate, or take fewer steps." : null;
}
