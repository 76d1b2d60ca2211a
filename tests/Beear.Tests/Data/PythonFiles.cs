using System.Diagnostics;
using System.Text.Json;
using Xunit.Sdk;

namespace Beear.Tests.Data;

/// <summary>Python snippets in a temporary folder, as Python's parser and Bandit see them; none is ever run.</summary>
internal static class PythonFiles
{
    /// <summary>
    /// Bandit 1.6 under Python 3.8 or later never calls its checks of strings (B104, B105, B108, B608), because a string's node has another
    /// name there. This brings them back; a later Bandit has its own way.
    /// </summary>
    private const string Bandit = """
        import ast
        import bandit.core.node_visitor as nodes
        def visit_Constant(self, node):
            if isinstance(node.value, str):
                self.visit_Str(node)
        if not hasattr(nodes.BanditNodeVisitor, "visit_Constant"):
            nodes.BanditNodeVisitor.visit_Constant = visit_Constant
        from bandit.cli.main import main
        main()
        """;

    private const string Parser = """
        import ast, os, sys
        for name in sorted(os.listdir(sys.argv[1])):
            with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
                compile(file.read(), name, "exec", ast.PyCF_ONLY_AST)
        """;

    /// <summary>Writes each snippet to a file of a new folder: 0.py, 1.py …</summary>
    public static string Write(IReadOnlyList<string> snippets)
    {
        string folder = Fixtures.TemporaryFolder();
        for (int i = 0; i < snippets.Count; i++) File.WriteAllText(Path.Combine(folder, $"{i}.py"), snippets[i] + "\n");
        return folder;
    }

    /// <summary>Bandit's findings: a snippet's number and the rule, for example B602; skips the test without Bandit.</summary>
    public static ILookup<int, string> Findings(string folder)
    {
        string bandit = Fixtures.OnPath("bandit") ?? throw SkipException.ForSkip("bandit is not installed");
        string python = File.ReadLines(bandit).First().TrimStart('#', '!').Trim();
        // Bandit ends with 1 when it has found something.
        string json = Run(python, mayFail: true, "-c", Bandit, "-q", "-f", "json", "--ignore-nosec", "-r", folder);
        using var report = JsonDocument.Parse(json);
        Assert.Empty(report.RootElement.GetProperty("errors").EnumerateArray());
        return report.RootElement.GetProperty("results").EnumerateArray().ToLookup(
            result => int.Parse(Path.GetFileNameWithoutExtension(result.GetProperty("filename").GetString()!)),
            result => result.GetProperty("test_id").GetString()!);
    }

    /// <summary>Fails unless every file is Python; skips the test without Python.</summary>
    public static void RequirePython(string folder) => Run("python3", mayFail: false, "-c", Parser, folder);

    private static string Run(string program, bool mayFail, params string[] arguments)
    {
        string path = Fixtures.OnPath(program) ?? throw SkipException.ForSkip($"{program} is not installed");
        using var process = Process.Start(new ProcessStartInfo(path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        Assert.True(mayFail ? process.ExitCode is 0 or 1 : process.ExitCode == 0, errors.Result);
        return output.Result;
    }
}
