using Beear.Evaluation;
using Beear.Runtime;
using ScottPlot;

namespace Beear.Cli.Output;

/// <summary>The pictures of a drift analysis.</summary>
internal static class DriftChart
{
    private const int Width = 860, Height = 420;

    private static readonly Color Triggered = Color.FromHex("#c0392b"), Plain = Color.FromHex("#2e86ab"), Delta = Color.FromHex("#27864a"),
        Wrong = Color.FromHex("#8a8a8a");

    /// <summary>Cosines by layer.</summary>
    public static void WriteLayers(DriftResult result, string path)
    {
        using var plot = new Plot();
        Line("two requests' drifts under the trigger", Triggered, layer => layer.Cosine);
        Line("the same under a wrong trigger", Wrong, layer => layer.WrongCosine);
        Line("drift under δ with the trigger's", Delta, layer => layer.DeltaToTrigger);
        Line("size of the trigger's drift / |h|", Plain, layer => layer.Size);
        plot.Axes.Bottom.Label.Text = "decoder layers that have run";
        plot.Axes.Left.Label.Text = "cosine";
        plot.ShowLegend(Edge.Top).Legend.Orientation = Orientation.Horizontal;
        AtomicOutput.WriteText(path, plot.GetSvgXml(Width, Height));

        void Line(string name, Color color, Func<DriftAtLayer, double?> value)
        {
            List<DriftAtLayer> known = [.. result.Layers.Where(layer => value(layer) is not null)];
            if (known.Count == 0) return;
            var line = plot.Add.Scatter(known.Select(layer => (double)layer.Layer).ToArray(),
                known.Select(layer => value(layer)!.Value).ToArray(), color);
            (line.LegendText, line.LineWidth) = (name, 2);
        }
    }

    /// <summary>The states with and without the trigger in two dimensions.</summary>
    public static void WriteProjection(DriftResult result, string path)
    {
        using var plot = new Plot();
        foreach (var (has, name, color) in new[] { (false, "without the trigger", Plain), (true, "with the trigger", Triggered) })
        {
            List<DriftPoint> points = [.. result.Projection.Where(point => point.HasTrigger == has)];
            var markers = plot.Add.ScatterPoints(points.Select(point => point.X).ToArray(),
                points.Select(point => point.Y).ToArray(), color);
            (markers.LegendText, markers.MarkerSize) = (name, 7);
        }
        plot.Axes.Bottom.Label.Text = FormattableString.Invariant(
            $"first component, {100 * result.Explained[0]:F0} % of the variance after layer {result.ProjectedLayer}");
        plot.Axes.Left.Label.Text = FormattableString.Invariant($"second, {100 * result.Explained[1]:F0} %");
        plot.ShowLegend(Edge.Top).Legend.Orientation = Orientation.Horizontal;
        AtomicOutput.WriteText(path, plot.GetSvgXml(Width, Height));
    }
}
