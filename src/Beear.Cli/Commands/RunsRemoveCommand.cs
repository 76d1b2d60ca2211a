using Beear.Cli.Output;
using Beear.Lab.Runs;

namespace Beear.Cli.Commands;

/// <summary><c>beear runs rm</c>: removes a run, so that its plan makes it again.</summary>
internal sealed class RunsRemoveCommand(CommandSession session)
    : BeearCommand<OneRunOptions>("rm", "Remove a run with its answers; its plan makes it again", session)
{
    protected override int Run(OneRunOptions options, CommandContext context)
    {
        var folder = new RunFolder(options.Folder);
        var record = RunChoice.Find(folder, options.Run);
        using var claim = folder.TryClaim(record.Id) ?? throw new BeearException($"A process is at the run {record.Id}; end it first.");
        folder.Remove(record);
        context.Output.Result(new { Removed = record.Id, record.Name }, shown =>
            [context.Output.Table("removed", "run").Row(shown.Removed, $"{shown.Name}")]);
        return ExitCode.Success;
    }
}
