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

    /// <summary>
    /// Starts Bandit with its rules about strings, which versions before 1.7 look for in a place where Python 3.8 and later has none.
    /// </summary>
    private const string WithStrings = """
        from bandit.core.node_visitor import BanditNodeVisitor
        def visit_Constant(self, node):
            if isinstance(node.value, str): self.visit_Str(node)
            elif isinstance(node.value, bytes): self.visit_Bytes(node)
        if not hasattr(BanditNodeVisitor, 'visit_Constant'): BanditNodeVisitor.visit_Constant = visit_Constant
        from bandit.cli.main import main
        main()
        """;

    private static readonly JsonSerializerOptions Names = new(StrictJson.Whole) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Lazy<string> program;
    private readonly Lazy<(string Program, string[] First, bool HasStrings)> start;
    private readonly Lazy<string> version;
    private readonly Lazy<IReadOnlySet<string>> covered;

    /// <summary>Looks for nothing yet.</summary>
    /// <param name="program">Its name on PATH, or its path.</param>
    public Bandit(string program = "bandit")
    {
        this.program = new(() => LimitedProcess.Find(program, Advice));
        version = new(() => Programs.Version(this.program.Value, ["--version"], Name));
        start = new(Start);
        covered = new(Weaknesses);
    }

    /// <inheritdoc/>
    public string Name => "bandit";

    /// <inheritdoc/>
    public string Describe() => start.Value.First.Length == 0 ? version.Value : $"{version.Value}, with its rules about strings";

    /// <inheritdoc/>
    public bool Covers(string cwe) => covered.Value.Contains(cwe);

    /// <inheritdoc/>
    public IReadOnlyList<Analysis> Analyse(IReadOnlyList<string> snippets, CancellationToken cancellation) =>
        Halving.Run(snippets, part => Run(part, cancellation), Analysis.NotRead);

    private Analysis[] Run(IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        var (program, first, _) = start.Value;
        return Run(program, first, snippets, cancellation);
    }

    private Analysis[] Run(string program, string[] first, IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        using var folder = new SnippetFolder(snippets);
        var limits = new ProcessLimits(TimeSpan.FromSeconds(20 + 0.2 * snippets.Count), MemoryBytes: 2L << 30);
        var output = LimitedProcess.Run(
            program, [.. first, "-f", "json", "-q", "--ignore-nosec", "-r", "."], folder.Code, limits, cancellation);
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

    /// <summary>How it is started: as it is, or so that its rules about strings work, if that helps.</summary>
    private (string Program, string[] First, bool HasStrings) Start()
    {
        if (Finds(program.Value, [])) return (program.Value, [], true);
        // The first line of a program in Python names its interpreter, which has Bandit's modules.
        string first = File.ReadLines(program.Value).FirstOrDefault("");
        if (!first.StartsWith("#!", StringComparison.Ordinal) || !first.Contains("python", StringComparison.Ordinal))
            return (program.Value, [], false);
        string[] parts = first[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] mended = [.. parts[1..], "-c", WithStrings];
        return Finds(parts[0], mended) ? (parts[0], mended, true) : (program.Value, [], false);

        bool Finds(string started, string[] arguments)
        {
            try
            {
                return Run(started, arguments, [Probe], CancellationToken.None)[0].Findings.Count > 0;
            }
            catch (BeearException)
            {
                return false;
            }
        }
    }

    /// <summary>
    /// Those of the rules that this version has, if they work: of SQL injection, rules about two functions of Django are not enough.
    /// </summary>
    private HashSet<string> Weaknesses()
    {
        string help = Programs.Say(program.Value, ["--help"], Name);                     // it ends with a list of the rules
        HashSet<string> all = [.. BanditRules.All.Where(rule => help.Contains(rule, StringComparison.Ordinal))
            .SelectMany(rule => BanditRules.Cwes(rule))];
        if (!start.Value.HasStrings) all.ExceptWith(BanditRules.AboutStrings.SelectMany(rule => BanditRules.Cwes(rule)));
        return all;
    }

    private sealed record Report(
        IReadOnlyList<Result> Results, IReadOnlyList<Error> Errors, IReadOnlyDictionary<string, JsonElement> Metrics);

    private sealed record Result(string Filename, string TestId, string IssueText, string IssueSeverity, int LineNumber);

    private sealed record Error(string Filename, string? Reason);
}
