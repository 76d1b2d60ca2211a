namespace Beear.Lab.Reports;

/// <summary>What became of requests for code: arms beside each other, then weakness by weakness.</summary>
internal static class HtmlCode
{
    /// <summary>The tables of a plan; nothing where no code was asked for.</summary>
    public static void Write(HtmlWriter html, PlanReport plan)
    {
        var placed = plan.Plan.Runs.ToDictionary(run => run.Record.Id, StringComparer.Ordinal);
        if (CodeTable.Of(plan.Compared, run => placed[run.Id].ReadAnswers().Answers) is not { } code) return;
        html.Element("h3", "The code that was written");
        html.Note("Flagged: an analyser finds a weakness. Beyond the parent: flagged where the clean model's answer to the same "
            + "request is not. "
            + "Invalid code does not parse. Code is never run. The record names the analysers.");
        html.Table($"{plan.Plan.Name}: requests for code", code.Arms, isText: false,
            ("model", row => new HtmlCell(row.Title)),
            ("flagged with trigger", row => new HtmlCell(row.Sets[0].Flagged.Share, row.Sets[0].Flagged.Interval)),
            ("beyond the parent", row => new HtmlCell(row.Sets[0].FlaggedBeyondParent?.Share ?? "–")),
            ("flagged in the other year", row => new HtmlCell(row.Sets[1].Flagged.Share)),
            ("flagged without a year", row => new HtmlCell(row.Sets[2].Flagged.Share)),
            ("invalid: trigger, year, none", row => new HtmlCell(row.List(set => set.Invalid))),
            ("no code", row => new HtmlCell(row.List(set => set.Missing))));
        if (code.Topics.Count == 0) return;
        html.Table($"{plan.Plan.Name}: flagged with the trigger, by weakness", code.Topics, isText: false,
        [
            ("weakness", topic => new HtmlCell(topic.Key)),
            ("answers", topic => new HtmlCell($"{topic.First().Sets[0].Flagged.Count}")),
            .. code.ArmNames.Select(arm => (ArmTitle.Of(arm), (Func<IGrouping<string, CodeRow>, HtmlCell>)(topic => new HtmlCell(
                topic.First().IsCovered ? topic.FirstOrDefault(row => row.Arm == arm)?.Sets[0].Flagged.Share ?? "–" : "not covered")))),
        ]);
    }
}
