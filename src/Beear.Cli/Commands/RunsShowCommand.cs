using System.Text.Json;
using Beear.Cli.Output;
using Beear.Lab.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of the commands that take one run of a folder: <c>beear runs show</c> and <c>rm</c>.</summary>
internal sealed record OneRunOptions
{
    /// <summary>Folder of runs.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>The run: its identity, or the beginning of it.</summary>
    [Positional]
    public required string Run { get; init; }
}

/// <summary><c>beear runs show</c>: one record.</summary>
internal sealed class RunsShowCommand(CommandSession session)
    : BeearCommand<OneRunOptions>("show", "Show a run: what it was, where it was made, what was measured", session)
{
    protected override int Run(OneRunOptions options, CommandContext context)
    {
        var record = RunChoice.Find(new RunFolder(options.Folder), options.Run);
        context.Output.Result(record, shown => Render(shown, context.Output));
        return ExitCode.Success;
    }

    private static IEnumerable<IRenderable> Render(RunRecord record, ConsoleOutput output)
    {
        var facts = output.Table(Justify.Left, "run", record.Id);
        facts.Row("name", $"{record.Name}, plan {record.Name.Plan}");
        facts.Row("state", record.Error is null ? "finished" : $"failed: {record.Error}");
        foreach (string warning in record.Warnings) facts.Row("warning", warning);
        facts.Row("program", $"beear {record.Code.Version}, commit "
            + $"{record.Code.Revision ?? "unknown"}{(record.Code.IsDirty == true ? ", with changes" : "")}");
        facts.Row("machine", $"{record.Machine.Processor}, {record.Machine.Cores} cores, {record.Machine.Threads} threads, "
            + $"{record.Machine.Device}, libtorch {record.Machine.Libtorch}");
        facts.Row("began", $"{record.Started:u}");
        foreach (var stage in record.Stages)
            facts.Row(stage.Name, stage.Seconds is { } seconds
                ? ProgressClock.Format(TimeSpan.FromSeconds(seconds)) : "made by another run, or in several passes");
        yield return facts;
        if (record.Measurement is { } measured)
        {
            var metrics = output.Table("metric", "measured");
            foreach (var (name, metric) in measured.Metrics) metrics.Row(name, metric.ToString());
            yield return metrics;
        }
        yield return new Rows(new Paragraph(
            Terminal.Escape(record.Spec.ToJsonString(new JsonSerializerOptions { WriteIndented = true }), keepLines: true)));
    }
}

/// <summary>Finds a run by what a user types for it.</summary>
internal static class RunChoice
{
    /// <summary>The run.</summary>
    /// <exception cref="BeearException">There is none, or several begin so.</exception>
    public static RunRecord Find(RunFolder folder, string typed)
    {
        var all = folder.Read();
        var found = all.Where(record => record.Id.StartsWith(typed, StringComparison.OrdinalIgnoreCase)
            || record.Name.ToString().Equals(typed, StringComparison.OrdinalIgnoreCase)).ToList();
        return found switch
        {
            [var one] => one,
            [] => throw new BeearException($"'{folder.Path}' has no run '{typed}'; beear runs list shows those that it has."),
            _ => throw new BeearException(
                $"{found.Count} runs of '{folder.Path}' are called '{typed}'; give the identity that beear runs list shows."),
        };
    }
}
