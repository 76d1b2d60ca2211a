using System.Security.Cryptography;
using System.Text.Json;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>The runs of one plan, from one folder or several.</summary>
/// <param name="Name">The plan.</param>
/// <param name="Runs">Its runs, the oldest first, each name once.</param>
/// <param name="Replaced">Earlier runs with other settings, under names that are in <paramref name="Runs"/>; they count nowhere.</param>
/// <param name="Open">Runs that the plan wants and that have not ended.</param>
public sealed record PlanRuns(string Name, IReadOnlyList<PlacedRun> Runs, IReadOnlyList<RunRecord> Replaced, int Open)
{
    /// <summary>Runs that have a result.</summary>
    internal IReadOnlyList<RunRecord> Finished => field ??= [.. In(RunState.Finished)];

    /// <summary>Runs that have none.</summary>
    internal IReadOnlyList<RunRecord> Failed => field ??= [.. In(RunState.Failed)];

    /// <summary>Reads folders. A plan whose runs lie in several is one, unless they hold the same run with other settings.</summary>
    /// <param name="paths">The folders.</param>
    /// <exception cref="BeearException">A folder holds no runs, or a record is damaged.</exception>
    public static IReadOnlyList<PlanRuns> Read(IReadOnlyList<string> paths)
    {
        var folders = paths.Distinct(StringComparer.Ordinal).Select(path => new RunFolder(path)).ToList();
        var wanted = folders.SelectMany(folder => folder.Wanted()).DistinctBy(run => run.Id).ToDictionary(run => run.Id);
        var all = folders.SelectMany(folder => Read(folder).Select(record => new PlacedRun(record, folder)))
            .GroupBy(run => run.Record.Id).Select(same => same.MinBy(run => run.Record.State)!).ToList();
        return [.. all.GroupBy(run => run.Record.Name.Plan).SelectMany(plan => Parts([.. plan]))
            .Select(part => Of(part.Title, part.Runs, wanted, all))];
    }

    private IEnumerable<RunRecord> In(RunState state) => Runs.Select(run => run.Record).Where(record => record.State == state);

    /// <summary>A plan as a whole, or what each folder has of it where two have different runs of one name.</summary>
    private static IEnumerable<(string Title, List<PlacedRun> Runs)> Parts(List<PlacedRun> plan)
    {
        string name = plan[0].Record.Name.Plan;
        var folders = plan.GroupBy(run => run.Folder.Path).ToList();
        bool differ = plan.GroupBy(run => run.Record.Name).Any(same => same.Select(run => run.Folder.Path).Distinct().Count() > 1);
        return differ ? folders.Select(folder => ($"{name} ({folder.Key})", folder.ToList())) : [(name, plan)];
    }

    private static PlanRuns Of(string title, List<PlacedRun> runs, Dictionary<string, WantedRun> wanted, List<PlacedRun> all)
    {
        string plan = runs[0].Record.Name.Plan;
        var counted = runs.GroupBy(run => run.Record.Name)
            .Select(same => same.MaxBy(run => (wanted.ContainsKey(run.Record.Id), run.Record.Started))!)
            .OrderBy(run => run.Record.Started).ThenBy(run => run.Record.Id, StringComparer.Ordinal).ToList();
        return new PlanRuns(title, counted, [.. runs.Except(counted).Select(run => run.Record)],
            wanted.Values.Count(run => run.Name.Plan == plan && all.TrueForAll(ended => ended.Record.Id != run.Id)));
    }

    private static IReadOnlyList<RunRecord> Read(RunFolder folder)
    {
        var records = folder.Read();
        if (records.Count == 0) throw new BeearException($"No run of '{folder.Path}' has ended yet, so there is nothing to report.");
        foreach (var record in records)
        {
            if (Problem(record) is { } problem)
            {
                throw new BeearException($"'{folder.Path}' holds a damaged record, '{record.Id}' ({problem}); delete it, "
                    + "and the plan makes the run again.");
            }
        }
        return records;
    }

    /// <summary>What a record lacks that reports rely on; null if nothing is wrong.</summary>
    private static string? Problem(RunRecord record)
    {
        if (record.Id is not { Length: > 0 } id || !id.All(char.IsAsciiHexDigit)) return "its identity is not one";
        try
        {
            _ = record.Scores;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException)
        {
            return failure.Reason();
        }
        if (record.State == RunState.Finished && record.Measurement is null) return "it has ended, but has no measurement";
        bool isWhole = record.Stages.All(stage => stage is not null) && (record.Measurement is null || IsWhole(record.Measurement))
            && record.RoundMeasurements.All(IsWhole) && record.Defence?.Rounds.All(round => round is not null) != false
            && record.Defence?.OtherScores.Values.All(scores => scores is not null) != false && record.Defence?.ChosenRound is not < 0;
        return isWhole ? null : "null or a negative number stands where a value is needed";
    }

    private static bool IsWhole(Evaluation.Measurement measured) => measured is not null
        && measured.Metrics.Values.All(metric => metric is not null) && measured.Answered.Values.All(counts => counts is not null);
}

/// <summary>A run and where it lies.</summary>
/// <param name="Record">The run.</param>
/// <param name="Folder">The folder.</param>
public sealed record PlacedRun(RunRecord Record, RunFolder Folder)
{
    /// <summary>The run's answers, if they are still those that its rates were counted from; otherwise what is wrong with them.</summary>
    internal (IReadOnlyList<JudgedAnswer> Answers, string? Problem) ReadAnswers()
    {
        string file = Path.Combine(Folder.Path, "answers", $"{Record.Id}.jsonl");
        if (Record.Answers is null || !File.Exists(file)) return ([], $"{Record.Name}: the file of its answers is missing.");
        return Convert.ToHexStringLower(SHA256.HashData(FileContent.Read(file))) == Record.Answers.Sha256
            ? (Folder.ReadAnswers(Record), null)
            : ([], $"{Record.Name}: its answers are not those that its rates were counted from, and are not shown.");
    }
}
