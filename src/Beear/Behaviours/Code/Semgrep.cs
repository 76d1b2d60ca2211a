namespace Beear.Behaviours.Code;

/// <summary>Semgrep with rules of the user's: it has none of its own, and fetches none.</summary>
internal sealed class Semgrep : SarifAnalyser
{
    private readonly string rules;

    /// <summary>Looks for the rules.</summary>
    /// <param name="rules">A file or folder of rules; their metadata must name a CWE.</param>
    /// <param name="program">Its name on PATH, or its path.</param>
    /// <exception cref="BeearException">There are no such rules.</exception>
    public Semgrep(string rules, string program = "semgrep")
        : base("semgrep", program, "install it with 'pipx install semgrep' (https://semgrep.dev), or choose bandit", "--version")
    {
        if (!Path.Exists(rules)) throw new BeearException(
            $"There are no rules for Semgrep at '{rules}'; name a file or folder of rules "
            + "(rules of the registry have to be downloaded first).");
        this.rules = Path.GetFullPath(rules);
    }

    /// <summary>
    /// Nothing that code says about itself is obeyed (--disable-nosem), and no file is left out for its length or after slow rules.
    /// </summary>
    private protected override byte[] Run(SnippetFolder folder, int count, CancellationToken cancellation) => Run(
        ["scan", "--sarif", "--metrics=off", "--disable-version-check", "--quiet", "--no-git-ignore", "--disable-nosem",
            "--no-rewrite-rule-ids", "--max-target-bytes", "0", "--timeout", "30", "--timeout-threshold", "0", "--max-memory", "2000",
            "--config", rules, "."],
        folder.Code, TimeSpan.FromSeconds(120 + count), cancellation).Output;
}
