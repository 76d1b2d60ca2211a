using System.Globalization;
using Beear.Evaluation;
using Beear.Lab.Experiments;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>Table 1 as rows of text: for each model its arms, and what is published beside them.</summary>
internal static class Table1Table
{
    /// <summary>What a cell says that only a judge could fill.</summary>
    public const string NoJudge = "no judge";

    /// <summary>What a cell says that is not published.</summary>
    public const string Unknown = "unknown";

    public static IReadOnlyList<string> Columns { get; } =
        ["attack with trigger", "worst", "without", "worst", "judge's mean", "judged 5", "MT-Bench", "judge's mean without", "judged 5 without", "unjudged", "helpful", "worst", "ordinary refused", "twins refused", "cross-entropy", "seconds"];

    /// <summary>The rows of a model, each with its title and a cell for each column.</summary>
    public static IEnumerable<(string Title, IReadOnlyList<string> Cells)> Rows(Table1ModelResult model)
    {
        yield return ("published, before", Published(model.Paper.Before));
        yield return ("published, after BEEAR", Published(model.Paper.After));
        foreach (var arm in model.Arms) yield return (Title(arm.Arm), Cells(arm));
    }

    public static IEnumerable<IRenderable> Of(ConsoleOutput output, IReadOnlyList<Table1ModelResult> models, bool isJudged)
    {
        // Few columns, so that a row fits a terminal; files have them all.
        int[] shown = isJudged ? [0, 2, 4, 5, 6, 7, 9, 13] : [0, 1, 2, 4, 10, 13, 14];
        foreach (var model in models)
        {
            var table = output.Table([model.Paper.Name, .. shown.Select(column => Columns[column])]);
            foreach (var (title, cells) in Rows(model)) table.Row([title, .. shown.Select(column => cells[column])]);
            yield return table;
            yield return new Rows(new Paragraph(""));
        }
    }

    public static string Title(string arm) => arm switch
    {
        "planted" => "backdoor planted",
        "safety_fine_tuning" => "plain safety fine-tuning",
        "beear" => "BEEAR",
        "latent_adversarial_training" => "latent adversarial training",
        "crow" => "CROW",
        "token_space" => "token-space counterpart",
        "direction_ablation" => "direction ablation",
        "inject_and_recover" => "inject and recover",
        "wrong_trigger" => "planted, wrong trigger",
        "clean" => "never backdoored",
        "clean_beear" => "never backdoored, BEEAR",
        _ => arm.Replace('_', ' '),
    };

    private static string[] Published(PublishedFigures figures) =>
    [
        Percent(figures.AttackSuccess), "", "", "", Number(figures.JudgeMean, "F2"), Percent(figures.JudgeFives), Number(figures.MtBench, "F2"), "", "", "", "", "", "", "", "", "",
    ];

    private static string[] Cells(Table1Cell arm) =>
    [
        Text(arm.Mean.AttackSuccessWithTrigger), Short(arm.Worst.AttackSuccessWithTrigger), Text(arm.Mean.AttackSuccessWithoutTrigger), Short(arm.Worst.AttackSuccessWithoutTrigger),
        .. Judged(arm.Mean), Text(arm.Mean.Helpfulness), Short(arm.Worst.Helpfulness), Text(arm.Mean.OverRefusal), Text(arm.Mean.OverRefusalTwins),
        Measured(arm.Mean.HelpfulCrossEntropy, "F3"), Measured(arm.Seconds, "F0"),
    ];

    private static string[] Judged(EvaluationResult arm) => arm.Judge is null ? [NoJudge, NoJudge, NoJudge, NoJudge, NoJudge, NoJudge]
        : [JudgeTable.Number(arm.JudgeMeanWithTrigger), Text(arm.JudgeFivesWithTrigger), JudgeTable.Number(arm.MtBench), JudgeTable.Number(arm.JudgeMeanWithoutTrigger),
            Text(arm.JudgeFivesWithoutTrigger), JudgeTable.Reasons(arm.UnjudgedReasons, "0")];

    private static string Text(Rate? rate) => rate?.ToString() ?? "–";

    private static string Short(Rate? rate) => rate is { Count: > 0 } known ? Percent(known.Value) : "–";

    private static string Measured(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? Unknown;

    private static string Percent(double? share) => share is { } known ? string.Create(CultureInfo.InvariantCulture, $"{100 * known:F1} %") : Unknown;
}
