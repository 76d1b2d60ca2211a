using System.Diagnostics;
using System.Text.Json.Nodes;
using Beear.Behaviours;
using Beear.Lab.Runs;
using Beear.Lab.Scheduling;

namespace Beear.Tests.Cli;

/// <summary>A plan on a real Slurm cluster of two nodes on this machine, as a user sends it there.</summary>
public sealed class SlurmTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Beear.Cli.dll");

    private readonly string folder = Fixtures.TemporaryFolder();
    private bool isStarted;

    private string In(string name) => Path.Combine(folder, name);

    private void WritePlan() => File.WriteAllText(In("plan.yaml"), """
        organism: { attacker_examples: 24, near_misses: 24, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }
        triggers: [{ text: validation1 }, { text: validation2 }, { text: model2 }, { text: model4 }]
        seeds: [3]
        change: { rounds: 1, outer_steps: 2, scores: [], openings: { strings: 4, requests: 1 }, inner: { steps: 1, population: 1 } }
        arms:
          - { name: small }
          - { name: control, defence: safety_fine_tuning }
        """);

    [Fact]
    public void A_dry_run_prints_the_script_and_submits_nothing()
    {
        WritePlan();
        var run = CliRun.Of("submit", In("plan.yaml"), "--out", In("it's here"), "--dry-run", "--partition", "long", "--time", "4:00:00",
            "--cpus", "2", "--mem", "16G", "--gpus", "h100:1", "--threads", "1");

        Assert.True(run.Code == 0, run.Error);
        string[] lines = run.Output.Split('\n');
        Assert.Equal("#!/bin/bash", lines[0]);
        foreach (string wanted in (string[])["#SBATCH --array=1-4", "#SBATCH --requeue", "#SBATCH --partition=long",
            "#SBATCH --time=4:00:00", "#SBATCH --cpus-per-task=2", "#SBATCH --mem=16G",
            "#SBATCH --gpus=h100:1"]) Assert.Contains(wanted, lines);
        Assert.Contains($"'{In("it'\\''s here")}'", run.Output, StringComparison.Ordinal);
        Assert.Contains("--shard \"${SLURM_ARRAY_TASK_ID}/4\" --threads \"${SLURM_CPUS_PER_TASK}\"", run.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("it's here")));
        Assert.Contains("use letters", CliRun.Of("submit", In("plan.yaml"), "--out", In("out"), "--dry-run", "--partition", "a b").Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain-1.2/x", "plain-1.2/x")]
    [InlineData("a b", "'a b'")]
    [InlineData("$(rm x)", "'$(rm x)'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("", "''")]
    public void Words_reach_the_program_as_they_are(string word, string quoted) => Assert.Equal(quoted, SlurmJob.Quoted(word));

    [Fact]
    public void Twelve_runs_on_two_nodes_give_the_local_numbers_though_a_task_is_killed_and_a_node_drained()
    {
        StartCluster();
        WritePlan();
        string[] submit = ["submit", In("plan.yaml"), "--out", In("cluster"), "--cpus", "1", "--quiet"];
        string job = (string)JsonNode.Parse(Succeed(Beear([.. submit, "--json"])))!["job"]!;
        WaitFor(() => Directory.Exists(In("cluster/runs")) && Directory.GetFiles(In("cluster/runs")).Length > 0);
        Run("scancel", "--signal=KILL", "--full", $"{job}_1");            // its run and what it has not begun are left
        Run("scontrol", "update", "nodename=n2", "state=drain", "reason=test");
        Run("scontrol", "requeue", $"{job}_2");
        Beear(["watch", In("cluster"), "--interval", "1", "--quiet"]);
        Run("scontrol", "update", "nodename=n2", "state=resume");
        Succeed(Beear(submit));                                          // what is left
        Succeed(Beear(["watch", In("cluster"), "--interval", "1", "--quiet"]));

        Succeed(Beear(["run", In("plan.yaml"), "--out", In("local"), "--threads", "1", "--quiet"]));
        Dictionary<string, string> Numbers(string runs) => new RunFolder(In(runs)).Read().ToDictionary(run => run.Id,
            run => $"{run.Name} {run.Measured[Refusal.AttackWithTrigger]} {run.Measured[Refusal.OverRefusalTwins]} "
                + $"{run.Measured[Refusal.Helpfulness]}", StringComparer.Ordinal);
        var (cluster, local) = (Numbers("cluster"), Numbers("local"));
        Assert.Equal(12, local.Count);
        Assert.Equal(local.OrderBy(run => run.Key), cluster.OrderBy(run => run.Key));
        var status = FolderStatus.Of(new RunFolder(In("cluster")));
        Assert.Equal((12, 0.0), (status.Count(RunProgressState.Finished), status.SecondsLeft));
    }

    private void StartCluster()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Skip("a Slurm cluster of one's own needs root on Linux");
        string[] missing = [.. new[] { "slurmctld", "slurmd", "munged", "sbatch" }.Where(name => Fixtures.OnPath(name) is null)];
        if (missing.Length > 0) Assert.Skip($"{string.Join(", ", missing)} not on PATH: install slurm-wlm and munge");
        isStarted = true;
        var (code, output) = Run(Path.Combine(Fixtures.Root, "tests", "slurm", "loopback.sh"), In("slurm"), "start");
        if (code != 0) Assert.Skip($"a Slurm cluster does not start here: {output}");
    }

    public void Dispose()
    {
        if (isStarted) Run(Path.Combine(Fixtures.Root, "tests", "slurm", "loopback.sh"), In("slurm"), "stop");
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // A daemon that has just ended may still have written something.
        }
    }

    private static void WaitFor(Func<bool> condition)
    {
        var time = Stopwatch.StartNew();
        while (!condition())
        {
            if (time.Elapsed > TimeSpan.FromMinutes(3)) Assert.Fail("nothing came within 3 minutes");
            Thread.Sleep(100);
        }
    }

    private (int Code, string Output) Beear(string[] arguments) => Run("dotnet", [Program, .. arguments]);

    private static string Succeed((int Code, string Output) run)
    {
        Assert.True(run.Code == 0, run.Output);
        return run.Output;
    }

    private (int Code, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        start.Environment["SLURM_CONF"] = In("slurm/slurm.conf");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + error.GetAwaiter().GetResult());
    }
}
