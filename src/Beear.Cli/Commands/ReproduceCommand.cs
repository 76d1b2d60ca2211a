using System.CommandLine;

namespace Beear.Cli.Commands;

/// <summary><c>beear reproduce</c>: the paper's tables.</summary>
internal sealed class ReproduceCommand : Command
{
    public ReproduceCommand(CommandSession session)
        : base("reproduce", "Reproduce the paper's tables, at the scale of the machine at hand") => Add(new Table1Command(session));
}
