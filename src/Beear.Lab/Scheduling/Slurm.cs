using System.ComponentModel;
using System.Diagnostics;

namespace Beear.Lab.Scheduling;

/// <summary>The cluster's commands: sbatch, squeue, and sacct where the cluster keeps accounts, else scontrol.</summary>
public static class Slurm
{
    private const int LongestAnswer = 60_000;                            // milliseconds
    private const char Bar = '|';

    /// <summary>Submits a script.</summary>
    /// <returns>The job's number.</returns>
    /// <exception cref="BeearException">There is no Slurm here, or it refuses.</exception>
    public static string Submit(string script)
    {
        var (code, output, error) = Run("sbatch", "--parsable", script);
        string job = output.Trim().Split(';')[0];
        return code == 0 && job.Length > 0 && job.All(char.IsAsciiDigit)
            ? job : throw new BeearException($"sbatch refuses the job: {Sentence(error)}");
    }

    /// <summary>The tasks of a job: those that wait or run, and those that have ended, as far as the cluster remembers them.</summary>
    /// <exception cref="BeearException">There is no Slurm here.</exception>
    public static IReadOnlyList<SlurmTask> Tasks(string job)
    {
        var open = Run("squeue", "--noheader", "--jobs", job, "--format", "%K|%T|%R");
        List<SlurmTask> tasks = [.. Lines(open.Output).Select(parts => new SlurmTask(parts[0], parts[1], parts[2]))];
        var ended = Accounts(job) ?? Controlled(job);
        return [.. tasks, .. ended.Where(task => tasks.All(other => other.Task != task.Task))];
    }

    /// <summary>What the accounts say; null on a cluster that keeps none.</summary>
    private static List<SlurmTask>? Accounts(string job)
    {
        try
        {
            var (code, output, _) = Run("sacct", "--noheader", "--parsable2", "--allocations", "--jobs", job, "--format",
                "JobID,State,NodeList");
            var lines = Lines(output).ToList();
            return code == 0 && lines.Count > 0 ? [.. lines.Where(parts => parts[0].Contains('_', StringComparison.Ordinal))
                .Select(parts => new SlurmTask(parts[0].Split('_')[1], parts[1].Split(' ')[0], parts[2]))] : null;
        }
        catch (BeearException)
        {
            return null;
        }
    }

    /// <summary>What the controller remembers of jobs that have ended lately.</summary>
    private static IEnumerable<SlurmTask> Controlled(string job)
    {
        var (code, output, _) = Run("scontrol", "--oneliner", "show", "job", job);
        if (code != 0) yield break;
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string? Value(string key) => line.Split(' ')
                .FirstOrDefault(part => part.StartsWith($"{key}=", StringComparison.Ordinal))?[(key.Length + 1)..];
            if (Value("ArrayTaskId") is { } task
                && Value("JobState") is { } state) yield return new SlurmTask(task, state, Value("NodeList") ?? "");
        }
    }

    private static IEnumerable<string[]> Lines(string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(Bar)).Where(parts => parts.Length == 3);

    private static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(LongestAnswer))
            {
                process.Kill(entireProcessTree: true);
                throw new BeearException($"{program} does not answer; ask whoever runs the cluster.");
            }
            return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
        }
        catch (Win32Exception failure)
        {
            throw new BeearException($"There is no {program} on PATH; run this on a machine that submits to a Slurm cluster.", failure);
        }
    }

    private static string Sentence(string error) =>
        error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()?.Trim() ?? "it gives no reason.";
}
