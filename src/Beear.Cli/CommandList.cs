using System.CommandLine;

namespace Beear.Cli;

/// <summary>The commands, in the order that help shows them.</summary>
internal static class CommandList
{
    public static IEnumerable<Command> All(CommandSession session)
    {
        _ = session;
        return [];
    }
}
