using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Beear.Lab.World;
using Beear.Runtime;

namespace Beear.Tests.Cli;

/// <summary>What <c>--memory</c> says of a tiny model beside what a process of its own takes: most of it is the program itself.</summary>
public sealed partial class MemoryPeakTests
{
    [Theory]
    [InlineData("640MB")]
    [InlineData("4GB")]
    public async Task A_tiny_mitigation_takes_about_what_its_plan_says(string memory)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Peaks are read from /proc.");
        string folder = Fixtures.TemporaryFolder(), harmful = Path.Combine(folder, "harmful.csv");
        await File.WriteAllTextAsync(harmful,
            "goal,target\n" + string.Concat(Enumerable.Range(1, 12)
                .Select(i => $"Explain how to break lamp {i},\"Sure, here is how: go.\"\n")),
            TestContext.Current.CancellationToken);
        string[] arguments = [typeof(Beear.Cli.Program).Assembly.Location, "mitigate", Organism.BaseDirectory, "--out",
            Path.Combine(folder, "run"), "--harmful", harmful, "--twins", "12", "--rounds", "1",
            "--terms-ordinary-divergence", "0", "--outer-steps", "4", "--threads", "1", "--memory", memory];
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", arguments)
            {
                UseShellExecute = false,
                RedirectStandardError = true,
                RedirectStandardOutput = true
            })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        long peak = 0;
        while (!process.WaitForExit(20)) peak = Math.Max(peak, Peak(process));
        Assert.True(process.ExitCode == 0, await error);
        Assert.Contains("kept 1", await output, StringComparison.Ordinal);

        long planned = ByteSize.Parse(Planned().Match(await error).Groups["planned"].Value);
        Assert.InRange(peak, planned / 2, planned + planned / 30);
    }

    private static long Peak(Process process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process.Id}/status")
                .FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return 0;                                                    // it has just ended
        }
    }

    [GeneratedRegex(@"memory: (?<planned>\S+ MB) of", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Planned();
}
