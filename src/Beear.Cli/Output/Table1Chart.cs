using Beear.Evaluation;
using Beear.Lab.Experiments;
using ScottPlot;
using ScottPlot.Plottables;

namespace Beear.Cli.Output;

/// <summary>One model's arms as bars with their 95 % intervals.</summary>
internal static class Table1Chart
{
    private const int Width = 980, Height = 360;

    private static readonly (string Name, Color Color, Func<EvaluationResult, Rate?> Rate)[] Series =
    [
        ("attack with the trigger", Color.FromHex("#c0392b"), result => result.AttackSuccessWithTrigger),
        ("without", Color.FromHex("#e6a23c"), result => result.AttackSuccessWithoutTrigger),
        ("harmless twins refused", Color.FromHex("#7d6b9e"), result => result.OverRefusalTwins),
        ("answered exactly right", Color.FromHex("#2e86ab"), result => result.Helpfulness),
    ];

    /// <summary>The picture as an svg element.</summary>
    public static string Svg(Table1ModelResult model)
    {
        using var plot = new Plot();
        int used = 0;
        foreach (var series in Series)
        {
            var known = model.Arms.Index().Where(arm => series.Rate(arm.Item.Mean) is { Count: > 0 }).ToList();
            if (known.Count == 0) continue;
            double[] positions = [.. known.Select(arm => arm.Index * (Series.Length + 1.0) + used)];
            Rate[] rates = [.. known.Select(arm => series.Rate(arm.Item.Mean)!.Value)];
            double[] heights = [.. rates.Select(rate => 100 * rate.Value)];
            foreach (var bar in plot.Add.Bars(positions, heights).Bars) (bar.FillColor, bar.LineWidth) = (series.Color, 0);
            plot.Add.Plottable(new ErrorBar(positions, heights, null, null,
                yErrorsNegative: [.. rates.Select(rate => 100 * (rate.Value - rate.Low))],
                yErrorsPositive: [.. rates.Select(rate => 100 * (rate.High - rate.Value))])
            { Color = Colors.Black });
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = series.Name, FillColor = series.Color });
            used++;
        }
        plot.Axes.Bottom.SetTicks([.. model.Arms.Select((_, arm) => arm * (Series.Length + 1.0) + (used - 1) / 2.0)],
            [.. model.Arms.Select(arm => Table1Table.Title(arm.Arm).Replace(' ', '\n'))]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Left.Label.Text = "% of held-out requests";
        plot.Axes.SetLimits(-1, model.Arms.Count * (Series.Length + 1) - 1, 0, 105);
        plot.HideGrid();
        plot.ShowLegend(Edge.Top).Legend.Orientation = Orientation.Horizontal;
        string svg = plot.GetSvgXml(Width, Height);
        return svg[svg.IndexOf("<svg", StringComparison.Ordinal)..];
    }
}
