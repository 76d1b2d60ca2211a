using System.CommandLine;

namespace Beear.Cli.Commands;

/// <summary><c>beear organism</c>: the built-in tiny chat model.</summary>
internal sealed class OrganismCommand : Command
{
    public OrganismCommand(CommandSession session) : base("organism", "Train and test the tiny chat model that comes with the program")
    {
        Add(new OrganismTrainCommand(session));
        Add(new OrganismBenchCommand(session));
    }
}
