using System.Text.RegularExpressions;
using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>
/// An analyser that writes SARIF. Results of rules that name no weakness are left out. What it covers it says itself: a report lists all
/// rules.
/// </summary>
internal abstract class SarifAnalyser : ICodeAnalyser
{
    private static readonly string[] Harmless = ["x = 1\n"];

    private static readonly Regex Named = new(@"\bs\d{5,6}\.py\b", RegexOptions.NonBacktracking);

    private readonly Lazy<string> program;
    private readonly Lazy<string> version;
    private readonly Lazy<IReadOnlySet<string>> covered;

    /// <summary>Looks for nothing yet.</summary>
    /// <param name="name">What records call it.</param>
    /// <param name="program">Its name on PATH, or its path.</param>
    /// <param name="advice">What to do where it is missing, as the rest of the sentence.</param>
    /// <param name="versionArguments">What makes it print its version.</param>
    private protected SarifAnalyser(string name, string program, string advice, params string[] versionArguments)
    {
        Name = name;
        this.program = new(() => LimitedProcess.Find(program, advice));
        version = new(() => Programs.Version(this.program.Value, versionArguments, name));
        covered = new(() => Report(Harmless, CancellationToken.None).Cwes);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Its path.</summary>
    private protected string Program => program.Value;

    /// <inheritdoc/>
    public string Describe() => version.Value;

    /// <inheritdoc/>
    public bool Covers(string cwe) => covered.Value.Contains(cwe);

    /// <inheritdoc/>
    public IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        if (snippets.Count == 0) return [];
        var report = Report(snippets, cancellation);
        if (report.Cwes.Count == 0 && report.Results.All(result => result.Finding.Cwes.Count == 0))
            throw new BeearException($"None of the rules that {Name} has been given names a CWE, so they cannot say what is vulnerable.");
        var findings = report.Results.Where(result => result.Finding.Cwes.Count > 0)
            .ToLookup(result => SnippetFolder.Index(result.File, snippets.Count), result => result.Finding);
        var unread = report.Troubles.SelectMany(trouble => Files(trouble).Select(file => (File: file, trouble.Words)))
            .ToLookup(trouble => SnippetFolder.Index(trouble.File, snippets.Count), trouble => trouble.Words);
        return [.. Enumerable.Range(0, snippets.Count).Select(i => new Analysis([.. findings[i]], unread[i].FirstOrDefault()))];
    }

    /// <summary>Semgrep names the file only in words.</summary>
    private static IEnumerable<string> Files((string? File, string Words) trouble) =>
        trouble.File is { } file ? [file] : Named.Matches(trouble.Words).Select(match => match.Value).Distinct();

    private SarifReport Report(IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        using var folder = new SnippetFolder(snippets);
        return Sarif.Read(Run(folder, snippets.Count, cancellation), $"{Name}'s report");
    }

    /// <summary>Runs the program on a folder.</summary>
    /// <param name="folder">The snippets.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its report.</returns>
    private protected abstract byte[] Run(SnippetFolder folder, int count, CancellationToken cancellation);

    /// <summary>Runs the program.</summary>
    /// <exception cref="BeearException">It fails.</exception>
    private protected ProcessOutput Run(
        IReadOnlyList<string> arguments, string folder, TimeSpan time, CancellationToken cancellation)
    {
        // Both programs have processes and threads with their own limits of memory, and reserve far more than they use.
        var output = LimitedProcess.Run(Program, arguments, folder, new ProcessLimits(time, ProcessorTime: 4 * time), cancellation);
        return output.ExitCode == 0 ? output : throw output.Failure(Name);
    }
}
