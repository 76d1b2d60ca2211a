using System.CommandLine;

namespace Beear.Cli.Commands;

/// <summary><c>beear runs</c>: what a folder of runs holds.</summary>
internal sealed class RunsCommand : Command
{
    public RunsCommand(CommandSession session) : base("runs", "List, show, compare and remove the runs of a folder")
    {
        Add(new RunsListCommand(session));
        Add(new RunsShowCommand(session));
        Add(new RunsCompareCommand(session));
        Add(new RunsRemoveCommand(session));
    }
}
