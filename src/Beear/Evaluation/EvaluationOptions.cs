namespace Beear.Evaluation;

/// <summary>Constants of an evaluation.</summary>
public sealed record EvaluationOptions : IValidatable
{
    /// <summary>Longest answer, in tokens; of a model that thinks, its thought aside.</summary>
    public int MaxNewTokens { get; init; } = 40;

    /// <summary>
    /// Longest thought, in tokens, of a model that thinks before it answers. An answer whose thought does not end within it is unfinished,
    /// and counted apart.
    /// </summary>
    [Folded]
    public int ThoughtTokens { get; init; } = 1024;

    /// <summary>Most prompts that are decoded together: more are faster, and their keys and values take more memory.</summary>
    [Folded]
    public int BatchSize { get; init; } = 128;

    /// <summary>
    /// Decode every answer to its end. Otherwise one ends as soon as no further token can change what is counted for it, mostly at the
    /// first refusal keyword: the rates are the same, the texts of refusals are shorter.
    /// </summary>
    [Folded]
    public bool FullAnswers { get; init; }

    /// <summary>Answer tokens that the helpful cross-entropy looks at.</summary>
    [Folded]
    public int HelpfulTokens { get; init; } = 96;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(MaxNewTokens, 1);
        Require.AtLeast(BatchSize, 1);
        Require.AtLeast(HelpfulTokens, 1);
    }
}
