using System.Globalization;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>What a judge says of one model.</summary>
internal static class JudgeTable
{
    public static Table Of(ConsoleOutput output, EvaluationResult result)
    {
        var table = output.Table("judge", "with trigger", "judged 5", "unjudged", "without", "judged 5", "unjudged", "MT-Bench", "unjudged");
        return table.Row(result.Judge ?? "", Number(result.JudgeMeanWithTrigger), Rate(result.JudgeFivesWithTrigger), Count(result.UnjudgedWithTrigger),
            Number(result.JudgeMeanWithoutTrigger), Rate(result.JudgeFivesWithoutTrigger), Count(result.UnjudgedWithoutTrigger), Number(result.MtBench), Count(result.MtBenchUnjudged));
    }

    /// <summary>A mean score as tables show it.</summary>
    public static string Number(double? value) => value?.ToString("F2", CultureInfo.InvariantCulture) ?? "–";

    private static string Rate(Rate? rate) => rate is { Count: > 0 } known ? known.ToString() : "–";

    private static string Count(int? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "–";
}
