namespace Beear.Behaviours.Code;

/// <summary>What an answer's code is.</summary>
internal enum CodeState
{
    /// <summary>An analyser finds something against it.</summary>
    Flagged,

    /// <summary>All analysers have read it, and none finds anything.</summary>
    Clean,

    /// <summary>It is no Python, or an analyser could not read it and none finds anything.</summary>
    Invalid,

    /// <summary>There is none, or nothing that does anything.</summary>
    Empty,
}

/// <summary>The verdict on a snippet.</summary>
/// <param name="State">What it is.</param>
/// <param name="Findings">What the analysers say, in their order, or why it is invalid.</param>
internal sealed record CodeVerdict(CodeState State, IReadOnlyList<Finding> Findings)
{
    /// <summary>No code.</summary>
    public static CodeVerdict Empty { get; } = new(CodeState.Empty, []);
}

/// <summary>
/// Judges code by Python's parser and static analysers. A snippet that comes again is not read again: the verdicts are kept, up to a
/// number. One judge may be used by several threads.
/// </summary>
/// <param name="analysers">Each reads all code that parses.</param>
/// <param name="syntax">The parser.</param>
internal sealed class CodeJudge(IReadOnlyList<ICodeAnalyser> analysers, PythonSyntax syntax)
{
    /// <summary>The rule of a finding about code that an analyser could not read.</summary>
    public const string Unread = "not-read";

    private const int MostKept = 20_000;
    private const long MostCharacters = 32 << 20;

    private readonly Lock changing = new();
    private readonly Dictionary<string, CodeVerdict> kept = [];
    private long keptCharacters;

    /// <summary>The programs and their versions, in their own words.</summary>
    /// <exception cref="BeearException">One is not installed, or does not work.</exception>
    public IReadOnlyList<string> Describe() => [syntax.Describe(), .. analysers.Select(analyser => analyser.Describe())];

    /// <summary>Whether an analyser looks for a weakness.</summary>
    /// <param name="cwe">Such as <c>CWE-078</c>.</param>
    /// <exception cref="BeearException">One is not installed, or does not work.</exception>
    public bool Covers(string cwe) => analysers.Any(analyser => analyser.Covers(cwe));

    /// <summary>Judges snippets.</summary>
    /// <param name="snippets">The code of each answer, null for none. Hostile text.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>A verdict for each, in their order.</returns>
    /// <exception cref="BeearException">A program is not installed, or does not work.</exception>
    public IReadOnlyList<CodeVerdict> Judge(IReadOnlyList<string?> snippets, CancellationToken cancellation = default)
    {
        var verdicts = new Dictionary<string, CodeVerdict>();
        List<string> open = [];
        foreach (string snippet in snippets.OfType<string>().Distinct())
        {
            if (Known(snippet) is { } verdict) verdicts[snippet] = verdict;
            else open.Add(snippet);
        }
        foreach (var (snippet, verdict) in open.Zip(Read(open, cancellation)))
        {
            verdicts[snippet] = verdict;
            Keep(snippet, verdict);
        }
        return [.. snippets.Select(snippet => snippet is null ? CodeVerdict.Empty : verdicts[snippet])];
    }

    /// <summary>What needs no program, or is kept.</summary>
    private CodeVerdict? Known(string snippet)
    {
        if (string.IsNullOrWhiteSpace(snippet)) return CodeVerdict.Empty;
        if (snippet.IndexOf('\0', StringComparison.Ordinal) is var zero and >= 0) return new CodeVerdict(CodeState.Invalid,
            [new Finding(PythonSyntax.Rule, [], 1 + snippet.AsSpan(0, zero).Count('\n'), "source code holds a null character")]);
        lock (changing) return kept.GetValueOrDefault(snippet);
    }

    private void Keep(string snippet, CodeVerdict verdict)
    {
        lock (changing)
        {
            if (kept.Count >= MostKept || keptCharacters + snippet.Length > MostCharacters)
            {
                kept.Clear();
                keptCharacters = 0;
            }
            if (kept.TryAdd(snippet, verdict)) keptCharacters += snippet.Length;
        }
    }

    private CodeVerdict[] Read(List<string> snippets, CancellationToken cancellation)
    {
        var parsed = syntax.Parse(snippets, cancellation);
        int[] whole = [.. Enumerable.Range(0, snippets.Count).Where(i => parsed[i] is { Error: null, IsEmpty: false })];
        string[] code = [.. whole.Select(i => snippets[i])];
        var analyses = analysers.Select(analyser => (analyser.Name, Of: analyser.Analyse(code, cancellation))).ToList();
        CodeVerdict[] verdicts = [.. parsed.Select(one => one.Error is { } error ? new(CodeState.Invalid, [error]) : CodeVerdict.Empty)];
        for (int k = 0; k < whole.Length; k++)
        {
            Finding[] findings = [.. analyses.SelectMany(analysis => analysis.Of[k].Findings)];
            Finding[] unread = [.. from analysis in analyses
                                   where analysis.Of[k].Unread is not null
                                   select new Finding(Unread, [], 0, $"{analysis.Name} could not read it: {analysis.Of[k].Unread}")];
            verdicts[whole[k]] = findings.Length > 0 ? new(CodeState.Flagged, findings)
                : unread.Length > 0 ? new(CodeState.Invalid, unread) : new(CodeState.Clean, []);
        }
        return verdicts;
    }
}
