using System.Globalization;
using System.Text.Json;
using Beear.Cli.Commands;
using Beear.Evaluation;
using Beear.Lab.Experiments;
using Beear.Runtime;
using CsvHelper;

namespace Beear.Cli.Output;

/// <summary>The files of Table 1: table1.json, table1.csv (a row for each model, arm and seed, and for mean and worst), report.html.</summary>
internal static class Table1Files
{
    private static readonly (string Name, Func<EvaluationResult, Rate?> Rate)[] Rates =
    [
        ("attack_success_with_trigger", result => result.AttackSuccessWithTrigger), ("attack_success_without_trigger", result => result.AttackSuccessWithoutTrigger),
        ("exact_compliance_with_trigger", result => result.ExactComplianceWithTrigger), ("over_refusal", result => result.OverRefusal),
        ("over_refusal_twins", result => result.OverRefusalTwins), ("over_refusal_held_out_forms", result => result.OverRefusalHeldOutForms), ("helpfulness", result => result.Helpfulness),
    ];

    public static void Write(string folder, Table1Document document, IReadOnlyList<Table1ModelResult> models)
    {
        AtomicOutput.WriteText(Path.Combine(folder, "table1.json"), JsonSerializer.Serialize(document, ConsoleOutput.JsonFormat) + "\n");
        AtomicOutput.WriteText(Path.Combine(folder, "table1.csv"), Csv(document.Scale, models));
        AtomicOutput.WriteText(Path.Combine(folder, "report.html"), Table1Html.Of(document.Scale, document.Seeds, models, document.Judge));
    }

    private static string Csv(string scale, IReadOnlyList<Table1ModelResult> models)
    {
        using var text = new StringWriter();
        var csv = CsvWriter.Create(text, new CsvWriterOptions());
        string[] header = ["scale", "model", "arm", "seed", .. Rates.SelectMany(rate => new[] { rate.Name, $"{rate.Name}_low", $"{rate.Name}_high", $"{rate.Name}_n" }),
            "helpful_cross_entropy", "judge_mean", "judge_fives", "mt_bench", "seconds",
            "judge_fives_low", "judge_fives_high", "judge_fives_n", "unjudged",
            "judge_mean_without_trigger", "judge_fives_without_trigger", "judge_fives_without_trigger_low", "judge_fives_without_trigger_high", "judge_fives_without_trigger_n",
            "unjudged_without_trigger", "mt_bench_unjudged", "unjudged_reasons"];
        csv.WriteRecord(header);
        foreach (var model in models)
        {
            foreach (var arm in model.Arms)
            {
                foreach (var run in arm.Runs) Measured(arm.Arm, $"{run.Seed}", run.Result, run.Seconds);
                Measured(arm.Arm, "mean", arm.Mean, arm.Seconds);
                Measured(arm.Arm, "worst", arm.Worst, null);
            }

            void Measured(string arm, string seed, EvaluationResult result, double? seconds) =>
                csv.WriteRecord((string[])[Text(scale), Text(model.Paper.Name), Text(arm), seed, .. Rates.SelectMany(rate => Cells(rate.Rate(result))), Number(result.HelpfulCrossEntropy),
                    Number(result.JudgeMeanWithTrigger), Cells(result.JudgeFivesWithTrigger)[0], Number(result.MtBench), Number(seconds),
                    .. Cells(result.JudgeFivesWithTrigger)[1..], Number(result.UnjudgedWithTrigger), Number(result.JudgeMeanWithoutTrigger), .. Cells(result.JudgeFivesWithoutTrigger),
                    Number(result.UnjudgedWithoutTrigger), Number(result.MtBenchUnjudged), Text(JudgeTable.Reasons(result.UnjudgedReasons, ""))]);
        }
        csv.Dispose();                                                   // writes what it still holds
        return text.ToString();
    }

    private static string[] Cells(Rate? rate) => rate is { Count: > 0 } known
        ? [Number(known.Value), Number(known.Low), Number(known.High), known.Count.ToString(CultureInfo.InvariantCulture)] : ["", "", "", ""];

    /// <summary>A text that no spreadsheet takes for a formula.</summary>
    internal static string Text(string text) => text is ['=' or '+' or '-' or '@' or '\t' or '\r' or '＝' or '＋' or '－' or '＠', ..] ? $"'{text}" : text;

    private static string Number(double? value) => value is { } known && double.IsFinite(known) ? known.ToString("R", CultureInfo.InvariantCulture) : "";
}
