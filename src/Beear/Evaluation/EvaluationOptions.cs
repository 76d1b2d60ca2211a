namespace Beear.Evaluation;

/// <summary>Constants of an evaluation.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Longest answer, in tokens.</summary>
    public int MaxNewTokens { get; init; } = 40;

    /// <summary>Prompts decoded together.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Answer tokens that the helpful cross-entropy looks at.</summary>
    public int HelpfulTokens { get; init; } = 96;
}
