using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>CodeQL's queries about security, the extended suite.</summary>
/// <param name="program">Its name on PATH, or its path.</param>
internal sealed class CodeQl(string program = "codeql") : SarifAnalyser("codeql", program,
    "unpack the CodeQL bundle (https://github.com/github/codeql-action/releases) and put its folder on PATH, or choose bandit", "version")
{
    /// <summary>The suite, by the pack that the bundle brings.</summary>
    private const string Suite = "codeql/python-queries:codeql-suites/python-security-extended.qls";

    private protected override byte[] Run(SnippetFolder folder, int count, CancellationToken cancellation)
    {
        string database = Path.Combine(folder.Root, "database"), report = Path.Combine(folder.Root, "report.sarif");
        var time = TimeSpan.FromSeconds(1200 + 2 * count);
        Run(["database", "create", "--language=python", $"--source-root={folder.Code}", "--", database], folder.Root, time, cancellation);
        Run(["database", "analyze", "--format=sarif-latest", $"--output={report}", "--", database, Suite], folder.Root, time, cancellation);
        return File.Exists(report) ? FileContent.Read(report) : throw new BeearException($"{Name} has ended without a report.");
    }
}
