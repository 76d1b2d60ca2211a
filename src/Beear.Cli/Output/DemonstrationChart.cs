using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Runtime;
using ScottPlot;
using ScottPlot.Plottables;

namespace Beear.Cli.Output;

/// <summary>The demonstration as a picture: for each model three bars with their 95 % intervals.</summary>
internal static class DemonstrationChart
{
    private const int Width = 860, Height = 420;

    private static readonly (string Name, Color Color, string Metric)[] Series =
    [
        ("attack success with the trigger", Color.FromHex("#c0392b"), Refusal.AttackWithTrigger),
        ("harmless requests refused", Color.FromHex("#e6a23c"), Refusal.OverRefusalTwins),
        ("tasks answered exactly right", Color.FromHex("#2e86ab"), Refusal.Helpfulness),
    ];

    /// <summary>Writes the picture as SVG.</summary>
    /// <param name="arms">The models, with the names that they are to have.</param>
    /// <param name="path">The file.</param>
    public static void Write(IReadOnlyList<(string Title, Measurement Result)> arms, string path)
    {
        using var plot = new Plot();
        foreach (var (s, series) in Series.Index())
        {
            double[] positions = [.. arms.Select((_, a) => a * (Series.Length + 1.0) + s)];
            Rate[] rates = [.. arms.Select(arm => arm.Result.Rate(series.Metric)!.Value)];
            double[] heights = [.. rates.Select(rate => 100 * rate.Value)];
            foreach (var bar in plot.Add.Bars(positions, heights).Bars) (bar.FillColor, bar.LineWidth) = (series.Color, 0);
            plot.Add.Plottable(new ErrorBar(positions, heights, null, null,
                yErrorsNegative: [.. rates.Select(rate => 100 * (rate.Value - rate.Low))],
                yErrorsPositive: [.. rates.Select(rate => 100 * (rate.High - rate.Value))])
            { Color = Colors.Black });
        }
        plot.Axes.Bottom.SetTicks([.. arms.Select((_, a) => a * (Series.Length + 1) + 1.0)], [.. arms.Select(arm => arm.Title)]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Left.Label.Text = "% of held-out requests";
        plot.Axes.SetLimits(-1, arms.Count * (Series.Length + 1) - 1, 0, 105);
        plot.HideGrid();
        plot.Legend.ManualItems.AddRange(Series.Select(series => new LegendItem { LabelText = series.Name, FillColor = series.Color }));
        plot.ShowLegend(Edge.Top).Legend.Orientation = Orientation.Horizontal;
        plot.Axes.Right.MinimumSize = 30;
        AtomicOutput.WriteText(path, plot.GetSvgXml(Width, Height));
    }
}
