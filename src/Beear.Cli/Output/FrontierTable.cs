using System.Globalization;
using Beear.Evaluation;
using Beear.Lab.Experiments;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>A frontier as text: a row for each arm, and the arms in the plane of attack success and over-refusal.</summary>
internal static class FrontierTable
{
    public static IEnumerable<IRenderable> Of(ConsoleOutput output, FrontierSummary summary)
    {
        var table = output.Table("arm", "runs", "attack %", "worst", "without, worst", "ordinary refused", "twins refused", "points added, worst", "in held-out forms", "helpful CE, worst",
            "score", "seconds");
        foreach (var (i, arm) in summary.Arms.Index())
        {
            table.Row($"{Letter(i)} {arm.Arm}", arm.Runs.ToString(CultureInfo.InvariantCulture), Percent(arm.Attack), Percent(arm.WorstAttack), Percent(arm.WorstWithoutTrigger),
                Percent(arm.OrdinaryRefused), Percent(arm.TwinsRefused), Percent(arm.TwinsAdded), Percent(arm.FormsAdded), Text(100 * arm.CrossEntropyAdded, "+0.0;-0.0"), Percent(arm.Score), Text(arm.Seconds, "F0"));
        }
        yield return table;
        foreach (var line in Plane(summary)) yield return new Rows(new Paragraph(Terminal.Escape(line)));
        if (summary.Scores.Count == 0) yield break;
        var scores = output.Table("score and attack success, Spearman", "at the end of runs", "after rounds", "runs", "its choice of a round loses, worst");
        foreach (var score in summary.Scores) scores.Row(score.Kind, Text(score.Runs, "F2"), Text(score.Rounds, "F2"), score.Count.ToString(CultureInfo.InvariantCulture), Percent(score.Choice));
        yield return scores;
    }

    /// <summary>A finished run in one line.</summary>
    public static string Line(FrontierRun run) => string.Create(CultureInfo.InvariantCulture,
        $"{run.Arm}, {run.Trigger}, seed {run.Seed}: attack {Short(run.Result.AttackSuccessWithTrigger)}, without {Short(run.Result.AttackSuccessWithoutTrigger)}, ordinary refused {Short(run.Result.OverRefusal)}, twins refused {Short(run.Result.OverRefusalTwins)}{(run.Seconds is { } seconds ? $", {seconds:F0} s" : "")}{(run.Unusable is { } problem ? $"; these rates say nothing. {problem}" : "")}");

    /// <summary>What a plot calls the arm of a position.</summary>
    private static char Letter(int index) => index < 26 ? (char)('a' + index) : index < 52 ? (char)('A' + index - 26) : '*';

    /// <summary>Attack success upwards, refused twins to the right, both 0 to 100 %; an arm is the letter that its row begins with, and of several at one place the last.</summary>
    private static IEnumerable<string> Plane(FrontierSummary summary)
    {
        const int Width = 50, Height = 10;
        var plane = Enumerable.Range(0, Height + 1).Select(_ => new string(' ', Width + 1).ToCharArray()).ToArray();
        foreach (var (i, arm) in summary.Arms.Index())
        {
            if (arm is not { Attack: { } attack, TwinsRefused: { } refused }) continue;
            plane[Height - (int)Math.Round(attack * Height)][(int)Math.Round(refused * Width)] = Letter(i);
        }
        yield return "";
        foreach (var (row, line) in plane.Index())
            yield return string.Create(CultureInfo.InvariantCulture, $"{(row % 5 == 0 ? $"{100 - 10 * row,4} %" : "      ")} |{new string(line).TrimEnd()}");
        yield return $"attack +{new string('-', Width)}";
        yield return $"        0 %{"twins refused",28}{"100 %",15}";
    }

    private static string Short(Rate? rate) => Percent(rate?.Value) is var text && rate is null ? text : $"{text} %";

    private static string Percent(double? share) => Text(100 * share, "0.0");

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}
