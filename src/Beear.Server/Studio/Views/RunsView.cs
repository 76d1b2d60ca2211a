using Beear.Behaviours;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.Studio.Views;

/// <summary>A run as a row.</summary>
/// <param name="Run">The run.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Model">The model that it began with; empty where it is not known yet.</param>
/// <param name="Trigger">The trigger; null for none.</param>
internal sealed record RunRow(RunStatus Run, ShownState State, string Model, string? Trigger)
{
    /// <summary>Makes a row.</summary>
    public static RunRow Of(PlaceSummary place, RunStatus run)
    {
        var trigger = run.Record?.Spec.At("plant", "attack", "trigger") ?? run.Record?.Spec.At("measurement", "trigger");
        return new RunRow(run, place.StateOf(run), run.Record is null ? "" : HtmlFacts.ModelOf(run.Record),
            trigger.TextAt("second_text") is { } second ? $"{trigger.TextAt("text")} … {second}" : trigger.TextAt("text"));
    }

    /// <summary>A measured number.</summary>
    public Evaluation.Metric? Metric(string name) => Run.Record?.Measurement?[name];

    /// <summary>How long it took; null while it has not ended.</summary>
    public TimeSpan? Took => Run.Record is { } record ? record.Ended - record.Started : null;

    /// <summary>Whether every word is somewhere in it.</summary>
    public bool Has(string[] words)
    {
        string text = $"{Run.Name.Plan} {Run.Name} {StateText.Arm(Run.Name)} {Model} {Trigger} {Run.Id}";
        return Array.TrueForAll(words, word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary>The list of runs: which are asked for, and in which order.</summary>
internal sealed record RunsView
{
    /// <summary>Rows on a page.</summary>
    public const int Most = 200;

    /// <summary>What a list can be sorted by: names in addresses, titles, and what is compared.</summary>
    public static readonly IReadOnlyList<(string Key, string Title, Func<RunRow, IComparable?> By)> Sorts =
    [
        ("name", "run", row => $"{row.Run.Name.Case} {row.Run.Name.Arm} {row.Run.Name.Seed:D6}"),
        ("state", "state", row => row.State),
        ("attack", "attack with trigger", row => row.Metric(Refusal.AttackWithTrigger)?.Value),
        ("without", "attack without", row => row.Metric(Refusal.AttackWithoutTrigger)?.Value),
        ("refused", "ordinary refused", row => row.Metric(Refusal.OverRefusal)?.Value),
        ("took", "took", row => row.Took),
        ("began", "began, UTC", row => row.Run.Record?.Started),
        ("model", "model and trigger", row => $"{row.Model} {row.Trigger}"),
    ];

    /// <summary>The studio's folder.</summary>
    public required string Root { get; init; }

    /// <summary>Words that rows are to have.</summary>
    public required string Text { get; init; }

    /// <summary>The state that they are to have; empty for any.</summary>
    public required string State { get; init; }

    /// <summary>What they are sorted by; empty for the order of their plans.</summary>
    public required string Sort { get; init; }

    /// <summary>Whether the greatest come first.</summary>
    public required bool IsDown { get; init; }

    /// <summary>The folders that have such rows, or that cannot be read.</summary>
    public required IReadOnlyList<(PlaceSummary Place, IReadOnlyList<RunRow> Rows)> Places { get; init; }

    /// <summary>Rows that there are.</summary>
    public required int All { get; init; }

    /// <summary>Rows that were asked for.</summary>
    public int Found => Places.Sum(place => place.Rows.Count);

    /// <summary>Whether anything is under way, so that the page is to be looked at again.</summary>
    public bool IsLive => Places.Any(place => place.Place.IsUnderWay);

    /// <summary>Reads what an address asks for.</summary>
    public static RunsView Of(StudioFolder folder, CleanJobs jobs, IQueryCollection query)
    {
        string text = query["q"].ToString(), state = query["state"].ToString(), sort = query["sort"].ToString();
        bool isDown = query["order"] == "down";
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var by = Sorts.FirstOrDefault(one => one.Key == sort).By;
        List<(PlaceSummary, IReadOnlyList<RunRow>)> places = [];
        int all = 0;
        foreach (var place in folder.Places.Select(place => PlaceSummary.Of(place, jobs)))
        {
            var rows = place.Runs.Select(run => RunRow.Of(place, run)).ToList();
            all += rows.Count;
            IEnumerable<RunRow> found = rows.Where(row => (state.Length == 0 || StateText.Key(row.State) == state)
                && (words.Length == 0 || row.Has(words)));
            if (by is not null) found = Ordered(found, by, isDown);
            IReadOnlyList<RunRow> shown = [.. found];
            bool isFiltered = words.Length > 0 || state.Length > 0;
            if (shown.Count > 0 || !isFiltered) places.Add((place, shown));
        }
        return new RunsView
        {
            Root = folder.Root,
            Text = text,
            State = state,
            Sort = by is null ? "" : sort,
            IsDown = isDown,
            Places = places,
            All = all,
        };
    }

    /// <summary>The address of the same list in another order.</summary>
    public string SortedBy(string key) => Link.To("/", ("q", Text), ("state", State), ("sort", key),
        ("order", Sort == key && !IsDown ? "down" : null));

    /// <summary>Rows without the number come last in both orders.</summary>
    private static IEnumerable<RunRow> Ordered(IEnumerable<RunRow> rows, Func<RunRow, IComparable?> by, bool isDown)
    {
        var known = rows.OrderBy(row => by(row) is null);
        return isDown ? known.ThenByDescending(by) : known.ThenBy(by);
    }
}

/// <summary>Addresses of this server's pages.</summary>
internal static class Link
{
    /// <summary>A page with parameters; those that are null or empty are left out.</summary>
    public static string To(string page, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var query = new List<string>();
        foreach (var (name, value) in parameters)
        {
            if (!string.IsNullOrEmpty(value)) query.Add($"{name}={Uri.EscapeDataString(value)}");
        }
        return query.Count == 0 ? page : $"{page}?{string.Join('&', query)}";
    }
}
