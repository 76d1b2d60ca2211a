using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;

namespace Beear.Server.Studio.Views;

/// <summary>A verdict in a word or two, and how good it is.</summary>
/// <param name="Text">The words.</param>
/// <param name="Style">removed, reduced, notreduced or unknown, as the style sheet of reports has them.</param>
internal sealed record Chip(string Text, string Style);

/// <summary>A folder of runs at a glance.</summary>
/// <param name="Place">The folder.</param>
/// <param name="Status">Where its runs stand; null where it cannot be read.</param>
/// <param name="Problem">Why it cannot be read; null if it can.</param>
/// <param name="Evidence">What beear clean found; null as long as it has not.</param>
/// <param name="Policy">The bars of the default policy; empty without evidence.</param>
/// <param name="Job">The studio's own process there; null for none.</param>
internal sealed record PlaceSummary(RunsPlace Place, FolderStatus? Status, string? Problem, Evidence? Evidence,
    IReadOnlyList<PolicyLine> Policy, CleanJob? Job)
{
    private Dictionary<string, WantedRun>? wanted;

    /// <summary>Reads a folder; whatever is wrong with it is said, and no other folder is lost by it.</summary>
    public static PlaceSummary Of(RunsPlace place, CleanJobs jobs)
    {
        var job = place.Clean is { } clean ? jobs.Of(clean) : null;
        try
        {
            var status = place.Status();
            bool isDone = place.Clean is not null && File.Exists(Path.Combine(place.Clean, Evidence.FileName));
            var evidence = isDone ? Evidence.Read(place.Clean!) : null;
            return new PlaceSummary(place, status, null, evidence, evidence is null ? [] : new Policy().Check(evidence), job);
        }
        catch (Exception failure) when (failure is BeearException or IOException or UnauthorizedAccessException)
        {
            return new PlaceSummary(place, null, failure.Message, null, [], job);
        }
    }

    /// <summary>Its runs.</summary>
    public IReadOnlyList<RunStatus> Runs => Status?.Runs ?? [];

    /// <summary>Whether some process is at work there.</summary>
    public bool IsUnderWay => Runs.Any(run => run.State == RunProgressState.UnderWay) || Job is { ExitCode: null };

    /// <summary>What a plan wants of a run; null where no plan wants it any more.</summary>
    public WantedRun? Wanted(string id) => (wanted ??= Place.Folder.Wanted().ToDictionary(run => run.Id)).GetValueOrDefault(id);

    /// <summary>Where a run stands.</summary>
    public ShownState StateOf(RunStatus run) => StateText.Of(run, Place.Folder, Wanted(run.Id));

    /// <summary>What is known of it: of a cleaned model by the policy, of plans what became of the attack.</summary>
    public IReadOnlyList<Chip> Verdicts
    {
        get
        {
            if (Evidence is not null)
            {
                int missed = Policy.Count(line => !line.IsMet);
                return [missed == 0 ? new Chip("meets the policy", "removed")
                    : new Chip($"misses {missed} of {Policy.Count} bars", "notreduced")];
            }
            if (Place.Clean is not null) return [];
            return [.. from plan in Runs.Select(run => run.Record).OfType<RunRecord>().GroupBy(run => run.Name.Plan)
                       from verdict in ReportText.Verdicts(plan)
                       where verdict.Finding is not (Finding.Unknown or Finding.NoAttack)
                       select new Chip($"{verdict.Arm}: {ReportText.Title(verdict.Finding).ToLowerInvariant()}",
                           verdict.Finding.ToString().ToLowerInvariant())];
        }
    }

    /// <summary>How many runs stand where, in words.</summary>
    public string Counts
    {
        get
        {
            string counts = string.Join(", ", Runs.GroupBy(StateOf).OrderBy(same => same.Key)
                .Select(same => $"{same.Count()} {StateText.Of(same.Key)}"));
            return Status?.SecondsLeft is > 0 and { } left && IsUnderWay
                ? $"{counts}; about {StateText.Time(TimeSpan.FromSeconds(left))} left" : counts.Length == 0 ? "no runs yet" : counts;
        }
    }
}
