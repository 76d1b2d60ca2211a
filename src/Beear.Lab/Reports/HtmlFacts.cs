using System.Globalization;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>The parts of a page that say what was run, where, how and at what cost.</summary>
internal static class HtmlFacts
{
    /// <summary>What is to be known of a plan at a glance.</summary>
    public static IEnumerable<(string Name, string Value)> Of(PlanRuns plan)
    {
        var records = plan.Runs.Select(run => run.Record).ToList();
        int planned = plan.Runs.Count + plan.Open;
        string failed = plan.Failed.Count > 0 ? $", {plan.Failed.Count} failed" : "";
        yield return ("Runs", $"{plan.Finished.Count} of {planned} finished{failed}");
        yield return ("Cases", string.Join(", ", records.Select(run => run.Name.Case).Where(name => name != RunName.NoTrigger).Distinct()));
        yield return ("Seeds", string.Join(", ", records.Select(run => run.Name.Seed).Distinct().Order()));
        yield return ("Model", string.Join(", ", records.Select(ModelOf).Distinct()));
        yield return ("Behaviour", string.Join(", ", records.Select(run => run.Spec.TextAt("plant", "behaviour") ?? "unknown").Distinct()));
        yield return ("Judge", plan.Finished.Select(run => run.Measured.Judge).OfType<string>().Distinct().ToList() is { Count: > 0 } judges
            ? string.Join(", ", judges) : "none was asked");
        var (first, last) = (Day(records.Min(run => run.Started)), Day(records.Max(run => run.Ended)));
        yield return ("Dates", first == last ? first : $"{first} to {last}");
    }

    /// <summary>What rows of a role are headed by.</summary>
    public static string Group(RunRole role) => role switch
    {
        RunRole.Planted => "Before",
        RunRole.Defended => "After a defence",
        _ => "Controls",
    };

    /// <summary>The trigger of a case and where it stands; null where there is none.</summary>
    public static (string Text, string Placement)? TriggerOf(CaseReport one)
    {
        var trigger = one.Table.Rows.Where(row => row.Role is not (RunRole.Clean or RunRole.CleanDefended)).SelectMany(row => row.Runs)
            .Select(run => run.Run.Spec.At("plant", "attack", "trigger") ?? run.Run.Spec.At("measurement", "trigger"))
            .FirstOrDefault(found => found is not null);
        if (trigger.TextAt("text") is not { } text) return null;
        return (trigger.TextAt("second_text") is { } second ? $"{text} … {second}" : text, trigger.TextAt("placement") switch
        {
            "prefix" => "before the request",
            "suffix" => "after the request",
            "around" => "around the request",
            "system" => "in the system prompt",
            _ => "place unknown",
        });
    }

    /// <summary>How many requests each model was asked; null if records do not say.</summary>
    public static string? Asked(CaseReport one)
    {
        var sets = one.Table.Rows.SelectMany(row => row.Runs).SelectMany(run => run.Run.Measured.Answered)
            .GroupBy(set => set.Key).Select(set => $"{set.Key} {Range(set.Select(counts => counts.Value.Total))}").ToList();
        return sets.Count == 0 ? null : $"Requests in each run: {string.Join(", ", sets)}.";
    }

    /// <summary>Time and memory.</summary>
    public static void Cost(HtmlWriter html, PlanReport plan)
    {
        html.Element("h3", "Cost", ("id", $"{plan.Id}-cost"));
        List<Column> columns = [.. plan.Overall.Columns.Where(column => column.Group == ColumnGroup.Cost)];
        html.Note("Means over runs: seconds of each stage, and the most memory that the process had in use. A stage that another run made, "
            + "or that was interrupted, has no time.");
        html.Table($"{plan.Plan.Name}, cost", plan.Overall.Rows, isText: false,
            [("model", row => new HtmlCell(ReportText.Title(row))), .. columns.Select(HtmlReport.Shown)]);
    }

    /// <summary>Runs that failed, with their errors.</summary>
    public static void Failed(HtmlWriter html, PlanReport plan)
    {
        if (plan.Plan.Failed.Count == 0) return;
        html.Element("h3", "Failed runs");
        html.Table($"{plan.Plan.Name}, failed runs", plan.Plan.Failed, isText: true,
            ("run", run => new HtmlCell(run.Name.ToString(), run.Id)),
            ("error", run => new HtmlCell(run.Error ?? "The record does not say why.")));
    }

    /// <summary>All settings, those that are equal once.</summary>
    public static void Settings(HtmlWriter html, PlanReport plan)
    {
        html.Element("h3", "Settings", ("id", $"{plan.Id}-settings"));
        html.Note("As the runs' specifications have them, without seeds and triggers.");
        foreach (var (part, title) in ((string, string)[])[("plant", "Planting"), ("defence", "Defence"), ("measurement", "Measurement")])
        {
            var all = plan.Plan.Finished.Concat(plan.Plan.Failed)
                .Select(run => (Arm: plan.ArmTitle(run), Settings: run.Settings(part, withLayer: !plan.IsSwept(run))))
                .Where(one => one.Settings is not null).GroupBy(one => one.Settings!).ToList();
            foreach (var same in all)
            {
                string arms = string.Join("; ", same.Select(one => one.Arm).Distinct());
                string summary = part != "defence" && all.Count == 1 ? $"{title}, all runs" : $"{title}: {arms}";
                using var details = html.Folded(summary);
                using var region = html.Region($"{plan.Plan.Name}, {summary}{(all.Count > 1 ? $", {all.IndexOf(same) + 1}" : "")}");
                html.Element("pre", same.Key);
            }
        }
    }

    /// <summary>Which program, machine and files each run is of.</summary>
    public static void Provenance(HtmlWriter html, PlanReport plan)
    {
        html.Element("h3", "Provenance", ("id", $"{plan.Id}-provenance"));
        using var details = html.Folded("Runs, programs, machines, hashes");
        var records = plan.Plan.Runs.Select(run => run.Record).ToList();
        var machines = records.Select(run => run.Machine).Distinct().ToList();
        html.List("plain", [.. machines.Select((machine, i) => $"Machine {i + 1}: {Describe(machine)}.")]);
        html.Table($"{plan.Plan.Name}, runs", records, isText: true,
            ("run", run => new HtmlCell(run.Name.ToString(), run.Id)),
            ("state", run => new HtmlCell(run.State == RunState.Finished ? "finished" : "failed")),
            ("began, UTC", run => new HtmlCell(run.Started.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture))),
            ("took", run => new HtmlCell(Took(run.Ended - run.Started))),
            ("program", run => Program(run.Code)),
            ("machine", run => new HtmlCell($"{machines.IndexOf(run.Machine) + 1}")),
            ("answers, SHA-256", run => new HtmlCell(run.Answers?.Sha256 ?? "–")));
    }

    private static HtmlCell Program(CodeVersion code) =>
        new($"beear {code.Version}{(code.IsDirty == true ? ", with changes" : "")}", code.Revision ?? "no commit known");

    private static string Describe(MachineFacts machine) => string.Create(CultureInfo.InvariantCulture,
        $"{machine.Processor ?? "unknown processor"}, {machine.Cores} cores, {machine.Threads} threads, "
            + $"{machine.Memory / (1024.0 * 1024 * 1024):F0} GiB, {machine.System}, computed on {machine.Device}, libtorch "
            + $"{machine.Libtorch}");

    /// <summary>The model that a run began with, as its specification names it.</summary>
    internal static string ModelOf(RunRecord run) => run.Spec.TextAt("plant", "backdoored")
        ?? run.Spec.TextAt("plant", "base", "model", "source") ?? run.Spec.TextAt("plant", "base", "suspicious")
        ?? (run.Spec.At("plant", "base", "organism") is not null ? "the tiny world's own" : "the records do not say");

    private static string Took(TimeSpan time) => time.TotalMinutes < 2 ? $"{HtmlReport.Number(time.TotalSeconds, "F1")} s"
        : time.TotalHours < 2 ? $"{HtmlReport.Number(time.TotalMinutes, "F0")} min" : $"{HtmlReport.Number(time.TotalHours, "F1")} h";

    private static string Range(IEnumerable<int> counts)
    {
        var (least, most) = (counts.Min(), counts.Max());
        return least == most ? $"{most}" : $"{least} to {most}";
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
