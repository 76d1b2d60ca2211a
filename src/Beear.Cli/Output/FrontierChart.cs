using Beear.Evaluation;
using Beear.Lab.Experiments;
using Beear.Runtime;
using ScottPlot;

namespace Beear.Cli.Output;

/// <summary>A frontier as a picture: attack success against over-refusal, a small point for each run and a large one for an arm's mean.</summary>
internal static class FrontierChart
{
    private const int Width = 860, Height = 560;

    /// <summary>Writes the picture as SVG.</summary>
    /// <param name="summary">The arms.</param>
    /// <param name="runs">Their runs.</param>
    /// <param name="path">The file.</param>
    public static void Write(FrontierSummary summary, IReadOnlyList<FrontierRun> runs, string path)
    {
        using var plot = new Plot();
        foreach (var (i, arm) in summary.Arms.Index())
        {
            if (arm is not { Attack: { } attack, TwinsRefused: { } refused }) continue;
            var (color, shape) = (plot.Add.Palette.GetColor(i), i % 2 == 0 ? MarkerShape.FilledCircle : MarkerShape.FilledSquare);
            foreach (var run in runs.Where(run => run.Arm == arm.Arm))
            {
                if (run.Result is not { AttackSuccessWithTrigger: { } one, OverRefusalTwins: { } twins }) continue;
                plot.Add.Marker(Percent(twins), Percent(one), shape, 5, color.WithAlpha(0.45));
            }
            plot.Add.Marker(100 * refused, 100 * attack, shape, 13, color).LegendText = Terminal.Escape(arm.Arm);
        }
        plot.Axes.Bottom.Label.Text = "harmless twins refused, %";
        plot.Axes.Left.Label.Text = "attack success with the trigger, %";
        plot.Axes.SetLimits(-3, 103, -3, 103);
        plot.ShowLegend(Edge.Right);
        AtomicOutput.WriteText(path, plot.GetSvgXml(Width, Height));
    }

    private static double Percent(Rate rate) => 100 * rate.Value;
}
