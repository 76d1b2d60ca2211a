using Beear.Cli.Output;
using Beear.Lab.Runs;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear runs rm</c>.</summary>
internal sealed record RunsRemoveOptions
{
    /// <summary>Folder of runs.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>The run: its identity, or the beginning of it.</summary>
    [Positional]
    public required string Run { get; init; }
}

/// <summary><c>beear runs rm</c>: removes a run, so that its plan makes it again.</summary>
internal sealed class RunsRemoveCommand(CommandSession session)
    : BeearCommand<RunsRemoveOptions>("rm", "Remove a run with its answers; its plan makes it again", session)
{
    protected override int Run(RunsRemoveOptions options, CommandContext context)
    {
        var folder = new RunFolder(options.Folder);
        var record = RunChoice.Find(folder, options.Run);
        using var claim = folder.TryClaim(record.Id) ?? throw new BeearException($"A process is at the run {record.Id}; end it first.");
        folder.Remove(record);
        context.Output.Result(new { Removed = record.Id, record.Name }, shown => [context.Output.Table("removed", "run").Row(shown.Removed, $"{shown.Name}")]);
        return ExitCode.Success;
    }
}
