using System.Globalization;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>Evaluations side by side, one row an arm.</summary>
internal static class EvaluationTable
{
    public static Table Of(ConsoleOutput output, IReadOnlyList<(string Arm, EvaluationResult Result)> arms)
    {
        var table = output.Table("model", "attack success with trigger", "without", "with a wrong one", "over-refusal", "… of twins", "… in held-out forms", "helpful", "helpful cross-entropy");
        foreach (var (arm, result) in arms)
        {
            table.Row(arm, Cell(result.AttackSuccessWithTrigger), Cell(result.AttackSuccessWithoutTrigger), Cell(result.AttackSuccessWithWrongTrigger), Cell(result.OverRefusal),
                Cell(result.OverRefusalTwins), Cell(result.OverRefusalHeldOutForms), Cell(result.Helpfulness), result.HelpfulCrossEntropy?.ToString("F3", CultureInfo.InvariantCulture) ?? "–");
        }
        return table;
    }

    private static string Cell(Rate? rate) => rate?.ToString() ?? "–";
}
