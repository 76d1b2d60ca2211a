using System.CommandLine;
using Beear.Cli.Commands;

namespace Beear.Cli;

/// <summary>The commands, in the order that help shows them.</summary>
internal static class CommandList
{
    public static IEnumerable<Command> All(CommandSession session) => [new ChatCommand(session), new InspectCommand(session)];
}
