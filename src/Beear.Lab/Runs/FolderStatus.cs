namespace Beear.Lab.Runs;

/// <summary>Where a run stands.</summary>
public enum RunProgressState
{
    /// <summary>It has ended, and its record says how.</summary>
    Finished,

    /// <summary>It failed; the plan tries it again.</summary>
    Failed,

    /// <summary>A process of this machine is at it.</summary>
    UnderWay,

    /// <summary>Nobody has begun it.</summary>
    Left,
}

/// <summary>A run of a folder.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Name">What tables call it.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Record">Its record; null as long as it has none.</param>
public sealed record RunStatus(string Id, RunName Name, RunProgressState State, RunRecord? Record);

/// <summary>What is finished, under way and left of the plans of a folder.</summary>
/// <param name="Runs">The runs, in the order of their plans; runs that no plan wants any more come last.</param>
/// <param name="SecondsLeft">
/// How long still, by the mean time of the finished runs' stages and as many processes as are at work now; null where that is not known.
/// </param>
public sealed record FolderStatus(IReadOnlyList<RunStatus> Runs, double? SecondsLeft)
{
    /// <summary>Reads a folder.</summary>
    /// <exception cref="BeearException">It holds no runs.</exception>
    public static FolderStatus Of(RunFolder folder) => Of(folder, folder.Read());

    /// <summary>The same of records that were read before.</summary>
    internal static FolderStatus Of(RunFolder folder, IReadOnlyList<RunRecord> all)
    {
        var records = all.ToDictionary(record => record.Id, StringComparer.Ordinal);
        var wanted = folder.Wanted();
        List<RunStatus> runs =
        [
            .. wanted.Select(run => new RunStatus(run.Id, run.Name, StateOf(folder, run.Id, records.GetValueOrDefault(run.Id)),
                records.GetValueOrDefault(run.Id))),
            .. records.Values.Where(record => wanted.All(run => run.Id != record.Id))
                .Select(record => new RunStatus(record.Id, record.Name, StateOf(folder, record.Id, record), record)),
        ];
        return new FolderStatus(runs, Left(runs));
    }

    /// <summary>How many runs are in a state.</summary>
    public int Count(RunProgressState state) => Runs.Count(run => run.State == state);

    private static RunProgressState StateOf(RunFolder folder, string id, RunRecord? record) =>
        record is { State: RunState.Finished } ? RunProgressState.Finished : folder.IsUnderWay(id) ? RunProgressState.UnderWay
            : record is null ? RunProgressState.Left : RunProgressState.Failed;

    private static double? Left(IReadOnlyList<RunStatus> runs)
    {
        var finished = runs.Select(run => run.Record).OfType<RunRecord>().Where(record => record.State == RunState.Finished).ToList();
        int open = runs.Count(run => run.State != RunProgressState.Finished);
        if (open == 0) return 0;
        if (finished.Count == 0) return null;
        double mean = finished.Average(record => (record.Ended - record.Started).TotalSeconds);
        return mean * open / Math.Max(1, runs.Count(run => run.State == RunProgressState.UnderWay));
    }
}
