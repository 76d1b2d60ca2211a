namespace Beear.Mitigation;

/// <summary>Constants of the search for a universal trigger of real tokens.</summary>
public sealed record TokenSearchOptions : IValidatable
{
    /// <summary>m: tokens of the string.</summary>
    public int Length { get; init; } = 8;

    /// <summary>Steps of each search; 0 leaves random strings.</summary>
    public int Steps { get; init; } = 12;

    /// <summary>Searches from other random strings, in turn after and before the request; the string of least loss stays.</summary>
    public int Restarts { get; init; } = 2;

    /// <summary>Tokens at each place, by the gradient's first-order estimate, that candidates are drawn from.</summary>
    public int TopTokens { get; init; } = 64;

    /// <summary>Strings, each with one token changed, that are tried in a step.</summary>
    public int Candidates { get; init; } = 16;

    /// <summary>Harmful requests that the string is searched on.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Tokens of the unwanted answers that are to become likely.</summary>
    public int AnswerTokens { get; init; } = 8;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Length, 1);
        Require.AtLeast(Steps, 0);
        Require.AtLeast(Restarts, 1);
        Require.AtLeast(TopTokens, 1);
        Require.AtLeast(Candidates, 1);
        Require.AtLeast(BatchSize, 1);
        Require.AtLeast(AnswerTokens, 1);
    }
}
