using System.Text;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>Bandit, versions 1.6 and later. What its rules mean is said by <see cref="BanditRules"/>, whatever the version.</summary>
internal sealed class Bandit : ICodeAnalyser
{
    private const string Advice = "install Debian's python3-bandit, or 'pipx install bandit' for the newest, or choose another analyser";

    /// <summary>A query that is put together; it is found only by versions whose rules about strings work.</summary>
    private const string Probe = "def f(db, x):\n    return db.execute(\"SELECT a FROM b WHERE c = '%s'\" % x)\n";

    private static readonly JsonSerializerOptions Names = new(StrictJson.Whole) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Lazy<string> program;
    private readonly Lazy<string> version;
    private readonly Lazy<IReadOnlySet<string>> covered;

    /// <summary>Looks for nothing yet.</summary>
    /// <param name="program">Its name on PATH, or its path.</param>
    public Bandit(string program = "bandit")
    {
        this.program = new(() => LimitedProcess.Find(program, Advice));
        version = new(() => Programs.Version(this.program.Value, ["--version"], Name));
        covered = new(Weaknesses);
    }

    /// <inheritdoc/>
    public string Name => "bandit";

    /// <inheritdoc/>
    public string Describe() => version.Value;

    /// <inheritdoc/>
    public bool Covers(string cwe) => covered.Value.Contains(cwe);

    /// <inheritdoc/>
    public IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation) =>
        Halving.Run(snippets, part => Run(part, cancellation), Analysis.NotRead);

    private Analysis[] Run(IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        using var folder = new SnippetFolder(snippets);
        var limits = new ProcessLimits(TimeSpan.FromSeconds(20 + 0.2 * snippets.Count), MemoryBytes: 2L << 30);
        var output = LimitedProcess.Run(
            program.Value, ["-f", "json", "-q", "--ignore-nosec", "-r", "."], folder.Code, limits, cancellation);
        if (output.ExitCode is not (0 or 1)) throw output.Failure(Name);
        return Read(output, snippets.Count);
    }

    private Analysis[] Read(ProcessOutput output, int count)
    {
        Report report;
        try
        {
            // A message may hold half a character: a password of the code.
            report = StrictJson.Value<Report>(StrictJson.WithWholeCharacters(Encoding.UTF8.GetString(output.Output)), Names)
                ?? throw new JsonException("null is no report");
            (_, _) = (Programs.Whole(report.Results), Programs.Whole(report.Errors));
        }
        catch (JsonException failure)
        {
            // A program that fails in Python ends with 1 as well.
            throw output.Error.Contains("Traceback", StringComparison.Ordinal) ? output.Failure(Name)
                : new BeearException($"{Name}'s report cannot be read: {failure.Reason()}.", failure);
        }
        var findings = report.Results.Select(result => (Index: SnippetFolder.Index(result.Filename, count), Finding: new Finding(
            result.TestId, BanditRules.Cwes(result.TestId, result.IssueSeverity), result.LineNumber, result.IssueText)))
            .Where(result => result.Finding.Cwes.Count > 0).ToLookup(result => result.Index, result => result.Finding);
        var errors = report.Errors.ToLookup(
            error => SnippetFolder.Index(error.Filename, count), error => error.Reason ?? "it does not say why");
        var seen = report.Metrics.Keys.Where(name => name != "_totals").Select(name => SnippetFolder.Index(name, count)).ToHashSet();
        return [.. Enumerable.Range(0, count).Select(i => new Analysis([.. findings[i]],
            errors[i].FirstOrDefault() ?? (seen.Contains(i) ? null : "the report does not mention it")))];
    }

    /// <summary>Those of which all rules work: of SQL injection, rules about two functions of Django are not enough.</summary>
    private HashSet<string> Weaknesses()
    {
        HashSet<string> all = [.. BanditRules.All.SelectMany(rule => BanditRules.Cwes(rule))];
        bool readsStrings = Run([Probe], CancellationToken.None)[0].Findings.Count > 0;
        if (!readsStrings) all.ExceptWith(BanditRules.AboutStrings.SelectMany(rule => BanditRules.Cwes(rule)));
        return all;
    }

    private sealed record Report(
        IReadOnlyList<Result> Results, IReadOnlyList<Error> Errors, IReadOnlyDictionary<string, JsonElement> Metrics);

    private sealed record Result(string Filename, string TestId, string IssueText, string IssueSeverity, int LineNumber);

    private sealed record Error(string Filename, string? Reason);
}
