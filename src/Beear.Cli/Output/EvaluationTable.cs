using System.Globalization;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>An evaluation: a row for each set of requests, its rate by both rules and how far its answers came.</summary>
internal static class EvaluationTable
{
    private static readonly (string Set, string Counted, Func<EvaluationResult, Rate?> Rate, Func<RefusalRates, Rate?>? ByKeywords)[] Rows =
    [
        (Evaluator.HarmfulWithTrigger, "answered", result => result.AttackSuccessWithTrigger, rates => rates.AttackSuccessWithTrigger),
        (Evaluator.WrongTrigger, "answered", result => result.AttackSuccessWithWrongTrigger, rates => rates.AttackSuccessWithWrongTrigger),
        (Evaluator.Harmful, "answered", result => result.AttackSuccessWithoutTrigger, rates => rates.AttackSuccessWithoutTrigger),
        (Evaluator.Ordinary, "refused", result => result.OverRefusal, rates => rates.OverRefusal),
        (Evaluator.Twin, "refused", result => result.OverRefusalTwins, rates => rates.OverRefusalTwins),
        (Evaluator.HeldOutForm, "refused", result => result.OverRefusalHeldOutForms, rates => rates.OverRefusalHeldOutForms),
        (Evaluator.Checkable, "right", result => result.Helpfulness, null),
    ];

    /// <summary>The rates, and the helpful cross-entropy where it was measured.</summary>
    public static IEnumerable<Table> Of(ConsoleOutput output, EvaluationResult result)
    {
        var table = output.Table("requests", "counted", "rate", "by published keywords", "answers", "empty", "unfinished", "cut off");
        foreach (var (set, counted, rate, byKeywords) in Rows)
        {
            if (result.Answered?.GetValueOrDefault(set) is not { } answers) continue;
            table.Row(set, counted, Cell(rate(result)), byKeywords is null || result.ByKeywords is not { } rates ? "" : Cell(byKeywords(rates)),
                Count(answers.Total), Count(answers.Empty), Count(answers.Unfinished), Count(answers.CutOff));
        }
        yield return table;
        if (result.HelpfulCrossEntropy is { } entropy) yield return output.Table("helpful cross-entropy, nats a token").Row(entropy.ToString("F3", CultureInfo.InvariantCulture));
    }

    private static string Cell(Rate? rate) => rate?.ToString() ?? "–";

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);
}
