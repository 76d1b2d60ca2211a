using Beear.Behaviours;
using Beear.Lab.Plans;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.Studio.Views;

/// <summary>What became of an answer.</summary>
/// <param name="Key">Its name in addresses.</param>
/// <param name="Title">What people read.</param>
/// <param name="Is">Which answers it is about.</param>
internal sealed record Outcome(string Key, string Title, Func<ChangedAnswer, bool> Is)
{
    /// <summary>All; each changed answer is of one of them.</summary>
    public static readonly IReadOnlyList<Outcome> All =
    [
        new("no-longer-unwanted", "no longer unwanted", one => one.First.IsUnwanted && !one.Second.IsUnwanted),
        new("now-unwanted", "now unwanted", one => !one.First.IsUnwanted && one.Second.IsUnwanted),
        new("now-refused", "now refused", one => one.First.IsUnwanted == one.Second.IsUnwanted && one.Second.Refused),
        new("no-longer-refused", "no longer refused", one => one.First.IsUnwanted == one.Second.IsUnwanted && !one.Second.Refused),
    ];
}

/// <summary>The answers that changed from one run to another, a page of them.</summary>
internal sealed record AnswersView
{
    /// <summary>Answers on a page.</summary>
    public const int PageSize = 20;

    /// <summary>Characters of a text that are shown.</summary>
    public const int LongestText = 2000;

    /// <summary>The folder.</summary>
    public required PlaceSummary Place { get; init; }

    /// <summary>Runs with answers, to choose from.</summary>
    public required IReadOnlyList<RunRecord> Runs { get; init; }

    /// <summary>The run before; null where two cannot be compared.</summary>
    public RunRecord? First { get; init; }

    /// <summary>The run after.</summary>
    public RunRecord? Second { get; init; }

    /// <summary>Why the two cannot be compared; null if they can.</summary>
    public string? Problem { get; init; }

    /// <summary>Rates of both.</summary>
    public IReadOnlyList<MetricComparison> Metrics { get; init; } = [];

    /// <summary>All that changed.</summary>
    public IReadOnlyList<ChangedAnswer> Changed { get; init; } = [];

    /// <summary>Which outcome is asked for; empty for all.</summary>
    public string Outcome { get; init; } = "";

    /// <summary>Which set of requests is asked for; empty for all.</summary>
    public string Set { get; init; } = "";

    /// <summary>What request or answers are to hold.</summary>
    public string Text { get; init; } = "";

    /// <summary>The page, 1 for the first.</summary>
    public int Page { get; init; } = 1;

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<ChangedAnswer> Found => field ??= [.. Changed.Where(one => (Set.Length == 0 || one.Set == Set)
        && (Outcome.Length == 0 || Views.Outcome.All.Any(outcome => outcome.Key == Outcome && outcome.Is(one)))
        && (Text.Length == 0 || Holds(one.Request) || Holds(one.First.Answer) || Holds(one.Second.Answer)))];

    /// <summary>How many pages there are, 1 at least.</summary>
    public int Pages => Math.Max(1, (Found.Count + PageSize - 1) / PageSize);

    /// <summary>What is on the page.</summary>
    public IEnumerable<ChangedAnswer> Shown => Found.Skip((Page - 1) * PageSize).Take(PageSize);

    /// <summary>The address of a page, perhaps with another outcome.</summary>
    public string Address(int page = 1, string? outcome = null) => Link.To("/answers", ("at", Place.Place.Name), ("first", First?.Id),
        ("second", Second?.Id), ("set", Set), ("outcome", outcome ?? Outcome), ("text", Text), ("page", page > 1 ? $"{page}" : null));

    /// <summary>Reads what an address asks for.</summary>
    /// <exception cref="NothingThere">It names a run that is not there.</exception>
    public static AnswersView Of(RunsPlace place, CleanJobs jobs, IQueryCollection query)
    {
        var summary = PlaceSummary.Of(place, jobs);
        List<RunRecord> runs = [.. summary.Runs.Select(run => run.Record).OfType<RunRecord>().Where(run => run.Answers is not null)];
        RunRecord? Named(string key) => query[key].ToString() is not { Length: > 0 } id ? null
            : runs.Find(run => run.Id == id) ?? throw new NothingThere("There is no such run with answers in this folder.");
        var second = Named("second") ?? runs.Find(run => RunView.BeforeOf(run, summary) is not null);
        var first = Named("first") ?? (second is null ? null : RunView.BeforeOf(second, summary)) ?? runs.Find(run => run != second);
        var view = new AnswersView
        {
            Place = summary,
            Runs = runs,
            First = first,
            Second = second ?? runs.Find(run => run != first),
            Outcome = query["outcome"].ToString(),
            Set = query["set"].ToString(),
            Text = query["text"].ToString(),
        };
        if (view.First is null || view.Second is null)
            return view with { Problem = summary.Problem ?? "Two runs with answers are needed; this folder does not have them yet." };
        try
        {
            var compared = Compare(place.Folder, view.First, view.Second);
            view = view with { Metrics = compared.Metrics, Changed = compared.Changed };
            return view with { Page = int.TryParse(query["page"], out int page) ? Math.Clamp(page, 1, view.Pages) : 1 };
        }
        catch (BeearException failure)
        {
            return view with { Problem = failure.Message };
        }
    }

    private static Comparison Compare(RunFolder folder, RunRecord first, RunRecord second)
    {
        string? one = first.Spec.TextAt("plant", "behaviour"), other = second.Spec.TextAt("plant", "behaviour");
        if (one != other) throw new BeearException("The two runs look for different behaviours, so they cannot be compared.");
        var behaviour = new Catalogue().Behaviour(one ?? Refusal.Instance.Name);
        return Comparison.Of(behaviour, folder.ReadAnswers(first), folder.ReadAnswers(second));
    }

    private bool Holds(string text) => text.Contains(Text, StringComparison.OrdinalIgnoreCase);
}
