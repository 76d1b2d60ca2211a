using System.Text.Json;
using Beear.Cli.Output;
using Beear.Lab.Runs;
using Beear.Lab.Scheduling;
using Beear.Runtime;

namespace Beear.Cli.Commands;

/// <summary>Where a plan is sent.</summary>
internal enum Scheduler
{
    /// <summary>A Slurm cluster, by sbatch.</summary>
    Slurm,
}

/// <summary>Options of <c>beear submit</c>.</summary>
internal sealed record SubmitOptions : IValidatable
{
    /// <summary>YAML file of a plan.</summary>
    [Positional]
    public required string Plan { get; init; }

    /// <summary>Folder of runs, which all nodes see.</summary>
    public required string Out { get; init; }

    /// <summary>Where the plan is sent.</summary>
    public Scheduler On { get; init; }

    /// <summary>Tasks of the job array, each a shard of the plan; as many as there are planted models if not given.</summary>
    public int? Tasks { get; init; }

    /// <summary>What each task gets.</summary>
    [Inline]
    public SlurmResources Resources { get; init; } = new();

    /// <summary>Only these arms of the plan.</summary>
    public IReadOnlyList<string> Arms { get; init; } = [];

    /// <summary>Only these triggers of the plan.</summary>
    public IReadOnlyList<string> Triggers { get; init; } = [];

    /// <summary>Only these seeds of the plan.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [];

    /// <summary>Print the script and submit nothing.</summary>
    public bool DryRun { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        if (Tasks is { } tasks) Require.AtLeast(tasks, 1, nameof(Tasks));
    }
}

/// <summary>A submitted job, as the folder keeps it for <c>beear watch</c>.</summary>
internal sealed record SubmittedJob(string Job, int Tasks, string Plan, DateTimeOffset Submitted);

/// <summary><c>beear submit</c>: a plan as one job array.</summary>
internal sealed class SubmitCommand(CommandSession session)
    : BeearCommand<SubmitOptions>("submit", "Send a plan to a cluster as one job array; beear watch follows it", session)
{
    protected override int Run(SubmitOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("a plan lists its seeds, and --seeds chooses among them");
        var plan = PlanSettings.Selected(PlanSettings.Read(options.Plan), options.Arms, options.Triggers, options.Seeds);
        var matrix = PlanSettings.Prepare(plan, null, context);
        var folder = new RunFolder(options.Out);
        new Runner(matrix, folder).Check(context.Cancellation);          // what is wrong is said here, and not by every task
        int plants = matrix.Wanted(_ => null).DistinctBy(run => run.Spec.PlantId).Count();
        string place = Path.GetFullPath(Path.Combine(options.Out, "slurm"));
        var job = new SlurmJob(matrix.Name, Math.Min(options.Tasks ?? plants, plants),
            [.. Program(), "run", Path.GetFullPath(options.Plan), "--out", Path.GetFullPath(options.Out),
            .. Flags("--arms", options.Arms), .. Flags("--triggers", options.Triggers),
                .. Flags("--seeds", options.Seeds.Select(seed => $"{seed}"))],
            place, Environment.CurrentDirectory, options.Resources);
        if (options.DryRun)
        {
            context.Output.Stream(Terminal.Escape(job.Script(), keepLines: true));
            return ExitCode.Success;
        }
        folder.Open(context.Cancellation);
        Directory.CreateDirectory(place);
        string script = Path.Combine(place, $"{matrix.Name}.sh");
        AtomicOutput.WriteText(script, job.Script());
        var submitted = new SubmittedJob(Slurm.Submit(script), job.Tasks, matrix.Name, DateTimeOffset.UtcNow);
        AtomicOutput.WriteText(Path.Combine(place, $"{submitted.Job}.json"),
            JsonSerializer.Serialize(submitted, StrictJson.Document) + "\n");
        context.Output.Result(submitted, shown =>
            [context.Output.Table("job", "tasks", "plan").Row(shown.Job, $"{shown.Tasks}", shown.Plan)]);
        context.Output.Note($"beear watch {options.Out} follows it");
        return ExitCode.Success;
    }

    private static IEnumerable<string> Flags(string flag, IEnumerable<string> values) =>
        values.SelectMany(value => (string[])[flag, value]);

    /// <summary>How this program was started.</summary>
    private static string[] Program()
    {
        string path = Environment.ProcessPath ?? "beear";
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? [path, Path.Combine(AppContext.BaseDirectory, "Beear.Cli.dll")] : [path];
    }
}
