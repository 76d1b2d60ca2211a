using System.CommandLine;
using Beear.Cli.Commands;

namespace Beear.Cli;

/// <summary>The commands, in the order that help shows them.</summary>
internal static class CommandList
{
    public static IEnumerable<Command> All(CommandSession session)
    {
        yield return new DemoCommand(session);
        yield return new PlantCommand(session);
        yield return new CleanCommand(session);
        yield return new GateCommand(session);
        yield return new MitigateCommand(session);
        yield return new EvaluateCommand(session);
        yield return new RunCommand(session);
        yield return new RunsCommand(session);
        yield return new SubmitCommand(session);
        yield return new WatchCommand(session);
        yield return new ReportCommand(session);
        yield return new StudioCommand(session);
        yield return new ChatCommand(session);
        yield return new ServeCommand(session);
        yield return new InspectCommand(session);
        yield return new ExportCommand(session);
        yield return new PullCommand(session);
        yield return new SignCommand(session);
        yield return new VerifyCommand(session);
        yield return new BenchCommand(session);
        yield return new CalibrateCommand(session);
        yield return new DriftCommand(session);
        yield return new ReproduceCommand(session);
        yield return new OrganismCommand(session);
    }
}
