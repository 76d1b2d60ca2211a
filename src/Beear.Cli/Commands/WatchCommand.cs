using System.Globalization;
using System.Text.Json;
using Beear.Cli.Output;
using Beear.Lab.Runs;
using Beear.Lab.Scheduling;
using Beear.Runtime;
using Spectre.Console;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear watch</c>.</summary>
internal sealed record WatchOptions : IValidatable
{
    /// <summary>Folder of runs.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>Seconds between two looks.</summary>
    public double Interval { get; init; } = 10;

    /// <summary>Look once.</summary>
    public bool Once { get; init; }

    /// <inheritdoc/>
    public void Validate() => Require.Above(Interval, 0);
}

/// <summary>The JSON document.</summary>
internal sealed record WatchDocument(FolderStatus Status, IReadOnlyDictionary<string, IReadOnlyList<SlurmTask>> Jobs);

/// <summary><c>beear watch</c>: follows a plan until all its runs have ended, on this machine or on a cluster.</summary>
internal sealed class WatchCommand(CommandSession session)
    : BeearCommand<WatchOptions>("watch", "Follow a folder of runs until they have ended, with its jobs on a cluster", session)
{
    protected override int Run(WatchOptions options, CommandContext context)
    {
        var folder = new RunFolder(options.Folder);
        string said = "";
        while (true)
        {
            var jobs = Jobs(options.Folder);
            var status = FolderStatus.Of(folder);
            int open = status.Runs.Count(run => run.State is RunProgressState.UnderWay or RunProgressState.Left);
            bool ends = options.Once || open == 0 || (jobs.Count > 0 && jobs.Values.All(tasks => tasks.All(task => !task.IsOpen)));
            string now = string.Create(CultureInfo.InvariantCulture,
                $"{status.Count(RunProgressState.Finished)} of {status.Runs.Count} finished, {status.Count(RunProgressState.Failed)} "
                    + $"failed, {open} left; {Say(jobs)}");
            if (!ends && now != said) context.Output.Note(said = now);
            if (ends)
            {
                context.Output.Result(new WatchDocument(status, jobs), shown =>
                    [.. StatusTable.Of(context.Output, shown.Status), .. Table(context.Output, shown.Jobs)]);
                return status.Runs.All(run => run.State == RunProgressState.Finished) ? ExitCode.Success : ExitCode.BarMissed;
            }
            if (context.Cancellation.WaitHandle.WaitOne(
                TimeSpan.FromSeconds(options.Interval))) context.Cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The jobs that were submitted for the folder, with their tasks.</summary>
    private static Dictionary<string, IReadOnlyList<SlurmTask>> Jobs(string folder)
    {
        string place = Path.Combine(folder, "slurm");
        if (!Directory.Exists(place)) return [];
        var jobs = Directory.EnumerateFiles(place, "*.json").Order(StringComparer.Ordinal).Select(Read).OrderBy(job => job.Submitted);
        return jobs.ToDictionary(job => job.Job, job => Slurm.Tasks(job.Job), StringComparer.Ordinal);
    }

    private static SubmittedJob Read(string file)
    {
        try
        {
            return StrictJson.Value<SubmittedJob>(FileContent.Read(file), StrictJson.Document) ?? throw new JsonException("null");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{file}' is damaged ({failure.Reason()}); delete it.", failure);
        }
    }

    private static string Say(Dictionary<string, IReadOnlyList<SlurmTask>> jobs) => jobs.Count == 0 ? "no job on a cluster"
        : string.Join("; ", jobs.Select(job => $"job {job.Key}: {Counts(job.Value)}"));

    /// <summary>How many tasks are in which state, such as 2 running, 1 pending.</summary>
    private static string Counts(IReadOnlyList<SlurmTask> tasks) =>
        string.Join(", ", tasks.CountBy(task => task.State).Select(count => $"{count.Value} {count.Key.ToLowerInvariant()}"));

    private static IEnumerable<Table> Table(ConsoleOutput output, IReadOnlyDictionary<string, IReadOnlyList<SlurmTask>> jobs)
    {
        if (jobs.Count == 0) yield break;
        var table = output.Table(Justify.Left, "job", "task", "state", "node or reason");
        foreach (var (job, tasks) in jobs)
        {
            foreach (var task in tasks) table.Row(job, task.Task, task.State.ToLowerInvariant(), task.Place);
        }
        yield return table;
    }
}
