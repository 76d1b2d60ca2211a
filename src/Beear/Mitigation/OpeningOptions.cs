namespace Beear.Mitigation;

/// <summary>Where unwanted answers come from.</summary>
public enum UnwantedAnswers
{
    /// <summary>From the suspicious model: it tells how its hidden answers begin (docs/method.md).</summary>
    Discovered,

    /// <summary>From the data file.</summary>
    Data,
}

/// <summary>How the suspicious model is asked for the openings of its unwanted answers.</summary>
public sealed record OpeningOptions : IValidatable
{
    /// <summary>Random strings, of 1 to 12 tokens; at least 2.</summary>
    public int Strings { get; init; } = 64;

    /// <summary>Harmful requests that each string is put into.</summary>
    public int Requests { get; init; } = 6;

    /// <summary>The most openings that are taken.</summary>
    public int Most { get; init; } = 3;

    /// <summary>The most tokens of an opening.</summary>
    public int Tokens { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Requests, 1);
        Require.AtLeast(Strings, 2);
        Require.AtLeast(Most, 1);
        Require.AtLeast(Tokens, 1);
    }
}
