using System.CommandLine;

namespace Beear.Cli.Commands;

/// <summary><c>beear organism</c>: the built-in tiny chat model.</summary>
internal sealed class OrganismCommand : Command
{
    public OrganismCommand(CommandSession session)
        : base("organism", "The tiny chat model that comes with the program, and its backdoored variants")
    {
        Add(new OrganismListCommand(session));
        Add(new OrganismMakeCommand(session));
        Add(new OrganismShowCommand(session));
        Add(new OrganismTrainCommand(session));
    }
}
