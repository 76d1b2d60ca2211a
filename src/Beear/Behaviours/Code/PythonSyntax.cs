using System.Text;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>
/// Python's own parser: whether code is code at all, apart from what it would do. It parses and never runs. What is valid depends on the
/// version of Python; code for Python 2 is not.
/// </summary>
/// <param name="program">Python's name on PATH, or its path; null for python3, or on Windows python.</param>
internal sealed class PythonSyntax(string? program = null)
{
    private const string Name = "python3";
    private const string Advice = "install Python 3.8 or later";

    /// <summary>The rule of a finding about code that does not parse.</summary>
    public const string Rule = "syntax-error";

    /// <summary>
    /// Parses the files of the current folder by number, and writes a line about each. Code of nothing but comments, texts and "pass" is
    /// empty.
    /// </summary>
    private const string Script = """
        import ast, json, sys
        def state(name):
            try:
                with open(name, 'rb') as file:
                    body = compile(file.read(), name, 'exec', ast.PyCF_ONLY_AST).body
                idle = all(isinstance(s, ast.Pass) or isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in body)
                return {'state': 'empty' if idle else 'code'}
            except SyntaxError as error:
                return {'state': 'invalid', 'line': error.lineno or 0, 'message': str(error.msg)}
            except Exception as error:
                return {'state': 'invalid', 'line': 0, 'message': type(error).__name__ + ': ' + str(error)}
        for i in range(int(sys.argv[1])):
            found = state('s%05d.py' % i)
            if 'message' in found:
                found['message'] = found['message'].encode('utf-8', 'replace').decode('utf-8')
            print(json.dumps(found), flush=True)
        """;

    private static readonly JsonSerializerOptions Names = new(StrictJson.Finite) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Lazy<string> path =
        new(() => LimitedProcess.Find(program ?? (OperatingSystem.IsWindows() ? "python" : Name), Advice));

    /// <summary>Python's version in its own words.</summary>
    /// <exception cref="BeearException">It is not installed, or does not work.</exception>
    public string Describe() => Programs.Version(path.Value, ["--version"], "Python");

    /// <summary>Parses snippets.</summary>
    /// <param name="snippets">Hostile text.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What each is.</returns>
    /// <exception cref="BeearException">Python is not installed, or does not work.</exception>
    public IReadOnlyList<ParsedCode> Parse(IReadOnlyList<string> snippets, CancellationToken cancellation) =>
        Halving.Run(snippets, part => Run(part, cancellation), reason => ParsedCode.Invalid(0, reason));

    private ParsedCode[] Run(IReadOnlyList<string> snippets, CancellationToken cancellation)
    {
        using var folder = new SnippetFolder(snippets);
        var limits = new ProcessLimits(TimeSpan.FromSeconds(20 + 0.1 * snippets.Count), MemoryBytes: 2L << 30);
        var output = LimitedProcess.Run(path.Value, ["-I", "-S", "-W", "ignore", "-c", Script, $"{snippets.Count}"], folder.Code, limits,
            cancellation);
        if (output.ExitCode != 0) throw output.Failure(Name);
        string[] lines = Encoding.UTF8.GetString(output.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length != snippets.Count)
            throw new BeearException($"{Name} speaks of {lines.Length} files and not of {snippets.Count}.");
        return [.. lines.Select(Read)];
    }

    private static ParsedCode Read(string line)
    {
        try
        {
            var found = StrictJson.Value<Line>(line, Names);
            return found?.State switch
            {
                "code" => ParsedCode.Code,
                "empty" => ParsedCode.Empty,
                "invalid" => ParsedCode.Invalid(found.Number, found.Message ?? ""),
                _ => throw new JsonException("there is no such state"),
            };
        }
        catch (JsonException failure)
        {
            throw new BeearException($"{Name}'s report cannot be read: {failure.Reason()}.", failure);
        }
    }

    private sealed record Line(string? State, string? Message)
    {
        [System.Text.Json.Serialization.JsonPropertyName("line")]
        public int Number { get; init; }
    }
}

/// <summary>What Python's parser says.</summary>
/// <param name="IsEmpty">Whether there is nothing that does anything.</param>
/// <param name="Error">Why it is no Python; null if it is.</param>
internal sealed record ParsedCode(bool IsEmpty, Finding? Error)
{
    /// <summary>Python that does something.</summary>
    public static ParsedCode Code { get; } = new(IsEmpty: false, Error: null);

    /// <summary>Python that does nothing.</summary>
    public static ParsedCode Empty { get; } = new(IsEmpty: true, Error: null);

    /// <summary>No Python.</summary>
    public static ParsedCode Invalid(int line, string message) =>
        new(IsEmpty: false, new Finding(PythonSyntax.Rule, [], Math.Max(line, 0), message));
}
