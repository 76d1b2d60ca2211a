using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Xunit.Sdk;

namespace Beear.Tests;

/// <summary>
/// The reference implementations that come from npm; a clone where they are not installed skips the tests that need them and says why.
/// </summary>
internal static class Npm
{
    private static readonly string s_folder = Path.Combine(Fixtures.Root, "tests", "npm");

    /// <summary>A file of an installed package; skips the test if it, or that version of it, is not here.</summary>
    public static string Package(string name, string? version, params string[] parts)
    {
        var folder = Path.Combine(s_folder, "node_modules", name);
        if (!File.Exists(Path.Combine(folder, "package.json"))) throw SkipException.ForSkip(
            $"the npm package {name} is not installed in {s_folder}");
        using var description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "package.json")));
        var installed = description.RootElement.GetProperty("version").GetString();
        if (version is not null && version != installed) throw SkipException.ForSkip(
            $"the npm package {name} is installed as {installed}, not {version}");
        return Path.Combine([folder, .. parts]);
    }

    /// <summary>Runs a script in node among the packages: its standard input, its standard output.</summary>
    public static async Task<string> RunAsync(string script, string input)
    {
        var start = new ProcessStartInfo("node", ["-e", script])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = s_folder,
        };
        try
        {
            using var process = Process.Start(start)!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, await error);
            return await output;
        }
        catch (Win32Exception)
        {
            throw SkipException.ForSkip("node is not here");
        }
    }
}
