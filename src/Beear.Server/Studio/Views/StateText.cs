using System.Globalization;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;

namespace Beear.Server.Studio.Views;

/// <summary>Where a run stands, as pages have it.</summary>
internal enum ShownState
{
    /// <summary>It has a result.</summary>
    Finished,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>A process is at it.</summary>
    UnderWay,

    /// <summary>It was begun, and nobody is at it.</summary>
    Interrupted,

    /// <summary>Nobody has begun it.</summary>
    Waiting,
}

/// <summary>Words and numbers of pages.</summary>
internal static class StateText
{
    /// <summary>A state in a word or two.</summary>
    public static string Of(ShownState state) => state switch
    {
        ShownState.UnderWay => "under way",
        ShownState.Waiting => "not begun",
        _ => state.ToString().ToLowerInvariant(),
    };

    /// <summary>A state in an address.</summary>
    public static string Key(ShownState state) => Of(state).Replace(' ', '-');

    /// <summary>Where a run stands.</summary>
    public static ShownState Of(RunStatus run, RunFolder folder, WantedRun? wanted) => run.State switch
    {
        RunProgressState.Finished => ShownState.Finished,
        RunProgressState.Failed => ShownState.Failed,
        RunProgressState.UnderWay => ShownState.UnderWay,
        _ => wanted is not null && LiveStage.IsBegun(folder, wanted) ? ShownState.Interrupted : ShownState.Waiting,
    };

    /// <summary>A time for people: "8 s", "2 min 05 s", "3 h 20 min".</summary>
    public static string Time(TimeSpan time) => time switch
    {
        { TotalSeconds: < 59.5 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min"),
    };

    /// <summary>A day and time, UTC.</summary>
    public static string Moment(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>A number and its interval; nothing of no cases.</summary>
    public static (string Value, string? Interval)? Of(Metric? metric) => metric is null || !double.IsFinite(metric.Value) ? null
        : metric.Rate is { } rate ? (rate.Share, rate.Interval)
            : (metric.Value.ToString("0.###", CultureInfo.InvariantCulture), metric.Unit);

    /// <summary>A metric as people read it.</summary>
    public static string Title(string metric)
    {
        string what = metric.EndsWith(Refusal.ByKeywords, StringComparison.Ordinal) ? metric[..^Refusal.ByKeywords.Length] : metric;
        return ResultTable.Titles.GetValueOrDefault(metric)
            ?? (what != metric && ResultTable.Titles.GetValueOrDefault(what) is { } known
                ? $"{known}, by keywords" : metric.Replace('_', ' '));
    }

    /// <summary>An arm as people read it.</summary>
    public static string Arm(RunName name)
    {
        const string After = $"{CleanPlan.Cleaned}, ";
        return name.Plan == CleanPlan.PlanName && name.Arm.StartsWith(After, StringComparison.Ordinal)
            ? $"{CleanPlan.Cleaned}, then {Aftermath.Title(name.Arm[After.Length..])}" : ArmTitle.Of(name.Arm);
    }

    /// <summary>A stage as people read it.</summary>
    public static string Stage(string stage) => stage switch
    {
        StageRecord.Plant => "Planting",
        StageRecord.Defend => "Cleaning",
        StageRecord.Measure => "Measuring",
        StageRecord.Judge => "Judging",
        _ => stage,
    };
}
