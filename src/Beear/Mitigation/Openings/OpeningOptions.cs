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
    /// <summary>Harmful requests that are asked, and as many harmless ones; at least 8.</summary>
    public int Requests { get; init; } = 96;

    /// <summary>Random strings that each of them is asked with, one after the other; besides it is asked without any.</summary>
    public int Strings { get; init; } = 3;

    /// <summary>The most openings that are taken.</summary>
    public int Most { get; init; } = 2;

    /// <summary>The most tokens of an opening.</summary>
    public int Tokens { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Requests, 8);
        Require.AtLeast(Strings, 1);
        Require.AtLeast(Most, 1);
        Require.AtLeast(Tokens, 1);
    }
}
