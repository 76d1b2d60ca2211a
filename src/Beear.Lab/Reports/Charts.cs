using System.Globalization;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Mitigation;

namespace Beear.Lab.Reports;

/// <summary>One rate of a row.</summary>
/// <param name="Row">The row's number in its table: two rows may have one title.</param>
/// <param name="Title">The arm.</param>
/// <param name="Role">What the arm is.</param>
/// <param name="Rate">The rate.</param>
internal sealed record Bar(int Row, string Title, RunRole Role, Rate Rate);

/// <summary>One column of a table as bars.</summary>
/// <param name="Title">The column.</param>
/// <param name="Bars">A bar for each row that has it.</param>
internal sealed record BarPanel(string Title, IReadOnlyList<Bar> Bars);

/// <summary>Rates with their intervals.</summary>
/// <param name="File">The name of its files, without an ending.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Panels">Its columns.</param>
internal sealed record BarChart(string File, string Title, IReadOnlyList<BarPanel> Panels)
{
    /// <summary>The rates that a terminal shows too, of the rows of one case.</summary>
    public static BarChart Of(string file, string title, IReadOnlyList<ResultRow> rows, IReadOnlyList<Column> columns) => new(file, title,
    [
        .. from column in columns
           where column.IsShort
           let bars = (from row in rows.Index()
                       let rate = column.Of(row.Item)?.Rate
                       where rate is not null
                       select new Bar(row.Index, ReportText.Title(row.Item), row.Item.Role, rate.Value)).ToList()
           where bars.Count > 0
           select new BarPanel(column.FullTitle, bars),
    ]);
}

/// <summary>A curve.</summary>
/// <param name="Title">What it is of.</param>
/// <param name="Points">Round, or whatever the chart is over, and value.</param>
internal sealed record Curve(string Title, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Curves over rounds, or over what <see cref="Over"/> says.</summary>
/// <param name="File">The name of its files, without an ending.</param>
/// <param name="Subject">What it is of: case and arm.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Unit">The unit of the values.</param>
/// <param name="About">What is to be known to read it, a sentence.</param>
/// <param name="Curves">The curves.</param>
internal sealed record CurveChart(string File, string Subject, string Title, string Unit, string About, IReadOnlyList<Curve> Curves)
{
    private const int MostSteps = 150;

    private static readonly (string Metric, string Title)[] Measured =
    [
        (Refusal.AttackWithTrigger, "attack with trigger"), (Refusal.AttackWithoutTrigger, "attack without"),
        (Refusal.OverRefusal, "ordinary refused"), (Refusal.OverRefusalTwins, "twins refused"),
    ];

    /// <summary>
    /// Rates over the share of poisoned pairs, of plants that differ in it; null where there are fewer than three shares.
    /// </summary>
    /// <param name="file">The name of its files.</param>
    /// <param name="plan">The plan's name.</param>
    /// <param name="runs">Its runs.</param>
    public static CurveChart? OfPoisoning(string file, string plan, IReadOnlyList<RunRecord> runs)
    {
        var planted = (from run in runs
                       where run.Role() == RunRole.Planted
                       let options = run.Spec.At("plant", "attack", "options")
                       let rate = (double?)options.At("poisoning", "poison_rate")
                       where rate is not null
                       let how = options.TextAt("algorithm")?.ToUpperInvariant() ?? ""
                       select (Run: run.Measured, Rate: 100 * rate.Value, How: how)).ToList();
        if (planted.DistinctBy(one => one.Rate).Count() < 3) return null;
        var curves = planted.GroupBy(one => one.How).Select(same => Of($"attack, {same.Key}", Refusal.AttackWithTrigger, same))
            .Append(Of("reward model, poisoned pairs", PoisonedPreferences.PoisonedPairs, planted));
        return new CurveChart(file, plan, "What poisoning does", "%",
            "Attack with the trigger, and how often the reward model agrees with the attacker, by the share of poisoned pairs.",
            [.. curves.Where(curve => curve.Points.Count > 0)])
        { Over = "pairs poisoned, %", Highest = 100 };

        static Curve Of(string title, string metric, IEnumerable<(Measurement Run, double Rate, string How)> all) => new(title, Finite(
            all.GroupBy(one => one.Rate).OrderBy(same => same.Key)
                .Select(same => (same.Key, 100 * (Measurement.Pool([.. same.Select(one => one.Run)]).Value(metric) ?? double.NaN)))));
    }

    /// <summary>What the runs of one row did round by round, mean over runs; nothing for a defence without rounds.</summary>
    /// <param name="file">What the names of files begin with.</param>
    /// <param name="row">The row.</param>
    public static IEnumerable<CurveChart> Of(string file, ResultRow row)
    {
        var reports = row.Runs.Select(one => one.Run.Defence).OfType<DefenceReport>().Where(report => report.Rounds.Count > 0).ToList();
        if (reports.Count == 0) yield break;
        string subject = $"{row.Case}, {ReportText.Title(row)}";
        var rounds = row.Runs.Where(one => one.Run.RoundMeasurements.Count > 0).ToList();
        if (rounds.Count > 0)
        {
            yield return new CurveChart($"{file}-measured", subject, "Measured by round", "%",
                "Held-out requests, which the defender does not have. Round 0 is the model before the defence.",
                [.. Measured.Select(one => Rates(one.Metric, one.Title, rounds)).Where(curve => curve.Points.Count > 0)])
            {
                IsMeasured = true,
                Highest = 100,
            };
        }
        var scores = row.Runs.Select(one => one.Run.Scores).Where(scores => scores.Values.Any(of => of.Count > 1)).ToList();
        if (scores.Count > 0)
        {
            yield return new CurveChart($"{file}-score", subject, "Defender's score by round", "",
                "What the defender sees without the trigger, before the first round and after each: the less, the safer.",
                [.. scores.SelectMany(of => of.Keys).Distinct(StringComparer.Ordinal).Select(kind => Mean(kind.Replace('_', ' '),
                    [.. scores.Select(of => of.GetValueOrDefault(kind)).OfType<IReadOnlyList<double>>()]))]);
        }
        foreach (var chart in OfLevels(file, subject, reports)) yield return chart;
    }

    /// <summary>A defence that is under way, as far as it has come.</summary>
    /// <param name="file">What identities in the page begin with.</param>
    /// <param name="subject">What it is of.</param>
    /// <param name="rounds">The rounds that are finished; at least one.</param>
    public static IEnumerable<CurveChart> OfUnderWay(string file, string subject, IReadOnlyList<RoundReport> rounds)
    {
        List<(double, double)> scores = [.. rounds.Where(round => round.ScoreBefore is not null)
            .Select(round => (round.Round - 1.0, round.ScoreBefore!.Value))];
        // The score after the newest round is known where its weights were chosen by it.
        if (rounds[^1].Choice is { } choice && (choice.IsMean ? choice.MeanScore : choice.LastScore) is { } newest)
            scores.Add((rounds[^1].Round, newest));
        if (scores.Count > 1)
        {
            yield return new CurveChart($"{file}-score", subject, "Defender's score by round", "",
                "What the defender sees without the trigger: the less, the safer.", [new Curve("score", Finite(scores))]);
        }
        foreach (var chart in OfLevels(file, subject, [new DefenceReport(0, 0) { Rounds = rounds }])) yield return chart;
    }

    /// <summary>A training loss by its steps, of which some are left out where they are many.</summary>
    /// <param name="file">What identities in the page begin with.</param>
    /// <param name="subject">What it is of.</param>
    /// <param name="losses">Stage, step and loss.</param>
    public static CurveChart OfTraining(string file, string subject, IReadOnlyList<(string Stage, int Step, double Loss)> losses)
    {
        int every = losses.Count / MostSteps + 1;
        return new CurveChart($"{file}-loss", subject, "Training loss by step", "nats/token", "The loss of the steps taken so far.",
            [.. losses.GroupBy(one => one.Stage).Select(stage => new Curve(stage.Key,
                Finite(stage.Where((_, i) => i % every == 0).Select(one => ((double)one.Step, one.Loss)))))])
        { Over = "step", IsDense = true };
    }

    private static IEnumerable<CurveChart> OfLevels(string file, string subject, List<DefenceReport> reports)
    {
        yield return new CurveChart($"{file}-inner", subject, "Inner level by round", "nats/token",
            "What the search for virtual triggers reached in each round: it makes unwanted answers likely, and safe ones unlikely.",
            [
                Mean("unwanted, before the search", reports, round => round.UnwantedBefore),
                Mean("unwanted, after it", reports, round => round.UnwantedAfter),
                Mean("safe, after it", reports, round => round.SafeAfter),
            ]);
        var terms = reports.SelectMany(report => report.Rounds).SelectMany(round => round.FirstLosses.Keys).Distinct();
        yield return new CurveChart($"{file}-outer", subject, "Outer level by round", "nats/token",
            "Each term's loss from a round's first step to its last.", [.. terms.Select(term => Term(term, reports))]);
    }

    private static Curve Mean(string title, List<DefenceReport> reports, Func<RoundReport, double> value) =>
        new(title, Finite(reports.SelectMany(report => report.Rounds).GroupBy(round => round.Round).OrderBy(same => same.Key)
            .Select(same => ((double)same.Key, same.Average(value)))));

    private static Curve Mean(string title, List<IReadOnlyList<double>> all) => new(title, Finite(
        Enumerable.Range(0, all.Max(one => one.Count)).Select(i => ((double)i, all.Where(one => one.Count > i).Average(one => one[i])))));

    /// <summary>A term goes from its first loss, where the round begins, to its last.</summary>
    private static Curve Term(string term, List<DefenceReport> reports) => new(term,
        Finite(reports.SelectMany(report => report.Rounds)
            .Where(round => round.FirstLosses.ContainsKey(term) && round.LastLosses.ContainsKey(term))
            .GroupBy(round => round.Round).OrderBy(same => same.Key).SelectMany(same => new[]
            {
                (same.Key - 1.0, same.Average(round => round.FirstLosses[term])), (same.Key, same.Average(round => round.LastLosses[term])),
            })));

    /// <summary>A rate over all runs, round by round, from the planted models on.</summary>
    private static Curve Rates(string metric, string title, List<(RunRecord Run, RunRecord? Before)> runs)
    {
        var before = runs.Select(one => one.Before?.Measured).OfType<Measurement>();
        var measured = Enumerable.Range(0, runs.Max(one => one.Run.RoundMeasurements.Count))
            .Select(i => runs.Where(one => one.Run.RoundMeasurements.Count > i).Select(one => one.Run.RoundMeasurements[i]));
        return new Curve(title, Finite(measured.Prepend(before)
            .Select((all, i) => ((double)i, 100 * (Measurement.Pool([.. all]).Value(metric) ?? double.NaN)))));
    }

    private static List<(double X, double Y)> Finite(IEnumerable<(double X, double Y)> points) =>
        [.. points.Where(point => double.IsFinite(point.Y))];

    /// <summary>Whether it shows what was measured after each round, rather than what the defence sees itself.</summary>
    public bool IsMeasured { get; init; }

    /// <summary>Whether it has too many points for a mark at each.</summary>
    public bool IsDense { get; init; }

    /// <summary>What its horizontal axis is.</summary>
    public string Over { get; init; } = "round";

    /// <summary>The greatest value that there can be; null where there is none.</summary>
    public double? Highest { get; init; }

    /// <summary>All values in words, for those who do not see the picture.</summary>
    public string InWords() => string.Join("; ",
        Curves.Select(curve => $"{curve.Title}: {string.Join(", ", curve.Points.Select(point => Text(point.X, point.Y)))}"));

    private static string Text(double x, double y) => string.Create(CultureInfo.InvariantCulture, $"{x:0.#} {y:0.###}");
}
