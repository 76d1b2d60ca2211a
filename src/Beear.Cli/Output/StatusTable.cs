using Beear.Lab.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>A folder of runs as a table.</summary>
internal static class StatusTable
{
    public static IEnumerable<IRenderable> Of(ConsoleOutput output, FolderStatus status)
    {
        var table = output.Table(Justify.Left, "run", "name", "state", "took", "result");
        foreach (var run in status.Runs)
        {
            table.Row(run.Id, run.Name.ToString(), StateOf(run.State),
                run.Record is { } record ? ProgressClock.Format(record.Ended - record.Started) : "",
                run.Record is null ? "" : RunTable.Result(run.Record));
        }
        foreach (var column in table.Columns.SkipLast(1)) column.NoWrap = true;
        yield return table;
        yield return new Rows(new Paragraph(Summary(status)));
    }

    private static string Summary(FolderStatus status)
    {
        var counts = Enum.GetValues<RunProgressState>().Select(state => (State: state, Count: status.Count(state)))
            .Where(one => one.Count > 0);
        string text = string.Join(", ", counts.Select(one => $"{one.Count} {StateOf(one.State)}"));
        return status.SecondsLeft is > 0 and { } seconds
            ? $"{text}; about {ProgressClock.Format(TimeSpan.FromSeconds(seconds))} left" : text;
    }

    private static string StateOf(RunProgressState state) => state switch
    {
        RunProgressState.UnderWay => "under way",
        RunProgressState.Left => "left",
        RunProgressState.Failed => "failed",
        _ => "finished",
    };
}
