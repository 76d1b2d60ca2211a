using System.Globalization;
using System.Text;

namespace Beear.Lab.Scheduling;

/// <summary>What a task of a job array gets of a cluster; null leaves the cluster's default.</summary>
public sealed record SlurmResources : IValidatable
{
    /// <summary>The partition.</summary>
    public string? Partition { get; init; }

    /// <summary>Longest time of a task, as Slurm writes it, e.g. 4:00:00.</summary>
    public string? Time { get; init; }

    /// <summary>Processors of a task; as many threads are used.</summary>
    public int? Cpus { get; init; }

    /// <summary>Memory of a task, as Slurm writes it, e.g. 16G.</summary>
    public string? Mem { get; init; }

    /// <summary>GPUs of a task, e.g. 1 or h100:1.</summary>
    public string? Gpus { get; init; }

    /// <summary>The account that pays.</summary>
    public string? Account { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        if (Cpus is { } cpus) Require.AtLeast(cpus, 1, nameof(Cpus));
        foreach (string? text in new[] { Partition, Time, Mem, Gpus, Account })
        {
            if (text is not null && (text.Length == 0
                || text.Any(character => !char.IsAsciiLetterOrDigit(character) && !"_-:.,/".Contains(character, StringComparison.Ordinal))))
                throw new BeearException($"'{text}' is nothing that Slurm takes here; use letters, digits and _ - : . , /");
        }
    }

    /// <summary>The lines of a script that ask for it.</summary>
    internal IEnumerable<string> Lines() =>
        from line in new (string Name, string? Value)[]
        {
            ("partition", Partition), ("time", Time), ("cpus-per-task", Cpus?.ToString(CultureInfo.InvariantCulture)), ("mem", Mem),
                ("gpus", Gpus),
            ("account", Account),
        }
        where line.Value is not null
        select $"#SBATCH --{line.Name}={line.Value}";
}

/// <summary>A job array: each task is a shard of a plan. It needs a folder that all nodes see, and nothing else.</summary>
/// <param name="Name">The job's name.</param>
/// <param name="Tasks">How many shards.</param>
/// <param name="Command">The program and its arguments, without the shard.</param>
/// <param name="Logs">Folder of the tasks' output.</param>
/// <param name="WorkingDirectory">Where the tasks run.</param>
/// <param name="Resources">What each gets.</param>
public sealed record SlurmJob(string Name, int Tasks, IReadOnlyList<string> Command, string Logs, string WorkingDirectory,
    SlurmResources Resources)
{
    /// <summary>The script that sbatch is given.</summary>
    public string Script()
    {
        var text = new StringBuilder("#!/bin/bash\n");
        string[] lines =
        [
            $"#SBATCH --job-name=beear-{Safe(Name)}", $"#SBATCH --array=1-{Tasks.ToString(CultureInfo.InvariantCulture)}",
                "#SBATCH --requeue",
            "#SBATCH --open-mode=append", $"#SBATCH --chdir={WorkingDirectory}", $"#SBATCH --output={Logs}/%A_%a.log", .. Resources.Lines(),
        ];
        foreach (string line in lines) text.Append(line).Append('\n');
        // A task that was requeued or preempted goes on where its shard's folder ends.
        text.Append("exec ").AppendJoin(' ', Command.Select(Quoted)).Append(" --shard \"${SLURM_ARRAY_TASK_ID}/").Append(Tasks).Append('"');
        if (Resources.Cpus is not null) text.Append(" --threads \"${SLURM_CPUS_PER_TASK}\"");
        return text.Append('\n').ToString();
    }

    /// <summary>A word as a shell takes it, whatever is in it.</summary>
    internal static string Quoted(string word) =>
        word.Length > 0 && word.All(character => char.IsAsciiLetterOrDigit(character)
            || "_-./:=,".Contains(character, StringComparison.Ordinal))
        ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Safe(string name) =>
        string.Concat(name.Select(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' ? character : '-'));
}

/// <summary>A task of a job array, as the cluster says it.</summary>
/// <param name="Task">Its number, 1 for the first; a range as Slurm writes it for tasks that wait together.</param>
/// <param name="State">For example RUNNING, PENDING, COMPLETED.</param>
/// <param name="Place">The node, or why it waits.</param>
public sealed record SlurmTask(string Task, string State, string Place)
{
    /// <summary>Whether it may still do something.</summary>
    public bool IsOpen => State is "RUNNING" or "PENDING" or "CONFIGURING" or "COMPLETING" or "SUSPENDED" or "REQUEUED" or "REQUEUE_HOLD"
        or "PREEMPTED" or "STOPPED";
}
