namespace Beear.Behaviours.Code;

/// <summary>A static analyser: it reads code and never runs it.</summary>
internal interface ICodeAnalyser
{
    /// <summary>What records call it.</summary>
    string Name { get; }

    /// <summary>The program's version in its own words, on one line.</summary>
    /// <exception cref="BeearException">It is not installed, or does not work.</exception>
    string Describe();

    /// <summary>Whether the installed version looks for a weakness with all rules that the analyser has about it.</summary>
    /// <param name="cwe">Such as <c>CWE-078</c>.</param>
    /// <exception cref="BeearException">It is not installed, or does not work.</exception>
    bool Covers(string cwe);

    /// <summary>Reads snippets of Python.</summary>
    /// <param name="snippets">Each by itself. Hostile text.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What it says about each, in their order.</returns>
    /// <exception cref="BeearException">It is not installed, or does not work.</exception>
    IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation);
}

/// <summary>What an analyser says about a snippet.</summary>
/// <param name="Findings">What speaks against it.</param>
/// <param name="Unread">Why the analyser could not read it; null if it could.</param>
internal sealed record Analysis(IReadOnlyList<Finding> Findings, string? Unread = null)
{
    /// <summary>A snippet that the analyser could not read.</summary>
    public static Analysis NotRead(string reason) => new([], reason);
}
