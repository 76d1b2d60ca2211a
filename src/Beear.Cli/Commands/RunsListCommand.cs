using Beear.Cli.Output;
using Beear.Lab.Runs;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear runs list</c>.</summary>
internal sealed record RunsListOptions
{
    /// <summary>Folder of runs.</summary>
    [Positional]
    public required string Folder { get; init; }
}

/// <summary><c>beear runs list</c>: which runs have ended, are under way or are left.</summary>
internal sealed class RunsListCommand(CommandSession session)
    : BeearCommand<RunsListOptions>("list", "List the runs of a folder: ended, under way, left, and how long still", session)
{
    protected override int Run(RunsListOptions options, CommandContext context)
    {
        var status = FolderStatus.Of(new RunFolder(options.Folder));
        context.Output.Result(status, shown => StatusTable.Of(context.Output, shown));
        return ExitCode.Success;
    }
}
