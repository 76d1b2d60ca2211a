using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Beear.Tests.Cli;

/// <summary>
/// The program as a process of its own that is killed: at a random moment, and while it writes under a temporary name. The same command
/// then ends as if nothing had happened: the same document, the same files, nothing more. BEEAR_KILLS is how many random moments each
/// command gets, and half as many aimed ones; without it one of both, one after the other. BEEAR_KILL_COMMAND names the only command, and
/// BEEAR_KILL_SEED repeats what failed.
/// </summary>
public sealed partial class KillTests
{
    private static readonly int? Kills = Number("BEEAR_KILLS");
    private static readonly int Seed = Number("BEEAR_KILL_SEED") ?? Random.Shared.Next();
    private readonly TinyJob job = new();

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number : null;

    [Theory]
    [InlineData("plant", "run.json", "twins.json", "state.safetensors", "result.json", "model")]
    [InlineData("mitigate", "run.json", "state.safetensors", "result.json", "model")]
    [InlineData("evaluate", "answers.jsonl")]
    [InlineData("export", "model.gguf")]
    [InlineData("clean", "run.json", "own-answers.json", "evidence.json", "model", "result.json")]
    [InlineData("run", "run.json", "twins.json", "state.safetensors", "model", "result.json")]
    public async Task A_killed_command_ends_as_an_undisturbed_one(string command, params string[] aims)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("BEEAR_KILL_COMMAND") is not { Length: > 0 } only || only == command,
            "BEEAR_KILL_COMMAND names another command");
        var random = new Random(Seed);
        var time = Stopwatch.StartNew();
        var (expected, files) = await Finish(command, "whole", "undisturbed");
        var whole = time.Elapsed;
        var trials = Kills is not { } many ? [["", aims[random.Next(aims.Length)]]]
            : Enumerable.Range(0, many).Select(_ => new[] { "" })
                .Concat(Enumerable.Range(0, many / 2).Select(i => new[] { aims[i % aims.Length] }));
        foreach (var (number, kills) in trials.Index())
        {
            string name = $"trial-{number}", why = $"BEEAR_KILL_SEED={Seed}, {command}, trial {number}";
            foreach (string aim in kills)
            {
                var delay = random.NextDouble() * whole;
                why += aim.Length == 0 ? $", killed after {delay.TotalSeconds:F3} s" : $", killed while it writes {aim}";
                await Kill(command, name, aim.Length == 0 ? elapsed => elapsed >= delay : _ => Writes(job.In(name), aim));
            }
            var (document, left) = await Finish(command, name, why);

            Assert.True(expected == document, $"{why}: {document} instead of {expected}");
            Assert.True(files.SequenceEqual(left),
                $"{why}: {string.Join(", ", left.Except(files))} instead of {string.Join(", ", files.Except(left))}");
            Assert.True(!Directory.EnumerateFileSystemEntries(job.Folder, ".*").Any(), $"{why}: something is left beside it");
        }
    }

    private string[] Arguments(string command, string name) => command switch
    {
        "plant" => job.Plant(name),
        "mitigate" => job.Mitigate(name),
        "evaluate" => job.Evaluate(Path.Combine(Directory.CreateDirectory(job.In(name)).Name, "answers.jsonl")),
        "clean" => job.Clean(name, "--quick"),
        "export" => job.Export(Path.Combine(Directory.CreateDirectory(job.In(name)).Name, "model.gguf")),
        _ => job.Run(name),
    };

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Beear.Cli.dll");

    private static Process Start(string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", [Program, .. arguments])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    /// <summary>Lets the command end; what it printed, and what its folder holds, a line each.</summary>
    private async Task<(string Document, IReadOnlyList<string> Files)> Finish(string command, string name, string why)
    {
        using var process = Start(Arguments(command, name));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{why}: {await error}");
        return (Timeless(await output, name), [.. Files(name).Order(StringComparer.Ordinal)]);
    }

    private async Task Kill(string command, string name, Func<TimeSpan, bool> isTime)
    {
        using var process = Start(Arguments(command, name));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var time = Stopwatch.StartNew();
        while (!process.HasExited && !isTime(time.Elapsed)) Thread.SpinWait(100);
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(output, error);
    }

    private static bool Writes(string folder, string aim)
    {
        try
        {
            return Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder, $".{aim}.*", SearchOption.AllDirectories).Any();
        }
        catch (IOException)
        {
            return false;                                                    // it changes while it is read
        }
    }

    private IEnumerable<string> Files(string name)
    {
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        foreach (string file in Directory.EnumerateFiles(job.In(name), "*", all))
        {
            string relative = Path.GetRelativePath(job.In(name), file);
            // A page of runs tells when each was made.
            if (relative.Contains("locks", StringComparison.Ordinal) || relative.StartsWith("report", StringComparison.Ordinal)) continue;
            byte[] content = relative.Contains(".json", StringComparison.Ordinal)
                ? System.Text.Encoding.UTF8.GetBytes(Timeless(File.ReadAllText(file), name)) : File.ReadAllBytes(file);
            yield return $"{relative}: {Convert.ToHexStringLower(SHA256.HashData(content))}";
        }
    }

    /// <summary>A text without the times, the memory and the folder in it.</summary>
    private string Timeless(string text, string name) =>
        Seconds().Replace(text.Replace(job.In(name), "FOLDER", StringComparison.Ordinal), "");

    [GeneratedRegex("""
        "(?:seconds|started|ended|peak_memory)": ?(?:"[^"]*"|[^,}\s]+)
        """, RegexOptions.None, 1000)]
    private static partial Regex Seconds();
}
