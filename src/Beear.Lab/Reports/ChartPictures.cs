using Beear.Runtime;
using ScottPlot;
using ScottPlot.Plottables;
using SkiaSharp;

namespace Beear.Lab.Reports;

/// <summary>Charts as files beside the page, in SVG and PNG, for papers and slides.</summary>
internal static class ChartPictures
{
    private const int Height = 420, CurvesWidth = 720, ArmWidth = 130, LongestTitle = 40, MostTicks = 12, LongestCase = 24;

    /// <summary>Of maps: a cell's sides, and what is around the cells.</summary>
    private const int CellSide = 36, AroundColumns = 260, AroundRows = 150;

    /// <summary>The first of these that is installed; the system's own where none is.</summary>
    private static readonly string? Font = ((string[])["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"])
        .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains);

    private static readonly Color[] Colours =
    [
        .. ((string[])["#b3341f", "#1f5fa8", "#8a5a00", "#5d3f9e", "#17705f", "#a02c6d", "#4a5560", "#6b7a00"]).Select(Color.FromHex),
    ];

    /// <summary>Writes bars: arms side by side, a colour for each column.</summary>
    /// <param name="chart">The bars.</param>
    /// <param name="folder">Where the files go.</param>
    public static void Write(BarChart chart, string folder)
    {
        using var plot = New(chart.Title);
        var arms = chart.Panels.SelectMany(panel => panel.Bars).DistinctBy(bar => bar.Row).OrderBy(bar => bar.Row).ToList();
        double room = chart.Panels.Count + 1;
        foreach (var (p, panel) in chart.Panels.Index())
        {
            double[] positions = [.. panel.Bars.Select(bar => arms.FindIndex(arm => arm.Row == bar.Row) * room + p)];
            double[] heights = [.. panel.Bars.Select(bar => 100 * bar.Rate.Value)];
            foreach (var bar in plot.Add.Bars(positions, heights).Bars) (bar.FillColor, bar.LineWidth) = (Colours[p % Colours.Length], 0);
            plot.Add.Plottable(new ErrorBar(positions, heights, null, null,
                yErrorsNegative: [.. panel.Bars.Select(bar => 100 * (bar.Rate.Value - bar.Rate.Low))],
                yErrorsPositive: [.. panel.Bars.Select(bar => 100 * (bar.Rate.High - bar.Rate.Value))])
            { Color = Colors.Black });
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = panel.Title, FillColor = Colours[p % Colours.Length] });
        }
        plot.Axes.Bottom.SetTicks([.. arms.Select((_, arm) => arm * room + (chart.Panels.Count - 1) / 2.0)],
            [.. arms.Select(arm => Folded(arm.Title))]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Left.Label.Text = "% of held-out requests";
        plot.Axes.SetLimits(-1, arms.Count * room - 1, 0, 105);
        plot.HideGrid();
        Save(plot, Path.Combine(folder, chart.File), Math.Max(CurvesWidth, arms.Count * ArmWidth));
    }

    /// <summary>Writes curves.</summary>
    public static void Write(CurveChart chart, string folder)
    {
        using var plot = New($"{chart.Subject}: {chart.Title}");
        foreach (var (i, curve) in chart.Curves.Index())
        {
            var line = plot.Add.Scatter(curve.Points.Select(point => point.X).ToArray(), curve.Points.Select(point => point.Y).ToArray(),
                Colours[i % Colours.Length]);
            (line.LegendText, line.LineWidth, line.MarkerSize) = (VisibleText.Excerpt(curve.Title, LongestTitle), 2, 7);
            line.MarkerShape = i % 2 == 0 ? MarkerShape.FilledCircle : MarkerShape.FilledSquare;   // dashes are not written to SVG
        }
        int last = (int)chart.Curves.SelectMany(curve => curve.Points).Max(point => point.X);
        int step = last / MostTicks + 1;
        double[] ticks = [.. Enumerable.Range(0, last / step + 1).Select(tick => (double)(tick * step))];
        plot.Axes.Bottom.SetTicks(ticks, [.. ticks.Select(round => $"{round}")]);
        plot.Axes.Bottom.Label.Text = chart.Over;
        plot.Axes.Left.Label.Text = chart.Unit.Length > 0 ? chart.Unit : chart.Title;
        Save(plot, Path.Combine(folder, chart.File), CurvesWidth);
    }

    /// <summary>Writes a map of layers.</summary>
    /// <param name="map">The map.</param>
    /// <param name="folder">Where the files go.</param>
    /// <param name="file">The name of the files, without an ending.</param>
    public static void Write(LayerMap map, string folder, string file)
    {
        using var plot = New($"{map.Title}: earliest round with the attack below {map.Below}");
        int last = map.Cases.Count - 1;
        foreach (var (r, name) in map.Cases.Index())
        {
            foreach (var (c, layer) in map.Layers.Index()) Cell(c, last - r, map.At(name, layer));
        }
        if (map.Boxed is { } boxed)
        {
            int column = map.Layers.Index().First(one => one.Item == boxed).Index;
            var box = plot.Add.Rectangle(column - 0.5, column + 0.5, -0.5, last + 0.5);
            (box.FillColor, box.LineColor, box.LineWidth) = (Colors.Transparent, Colors.Black, 3);
        }
        foreach (int round in LayerMap.ShadesOf)
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = $"{round} round{(round > 1 ? "s" : "")}", FillColor = Shade(round) });
        plot.Axes.Bottom.SetTicks([.. map.Layers.Select((_, c) => (double)c)], [.. map.Layers.Select(layer => $"{layer}")]);
        plot.Axes.Left.SetTicks([.. map.Cases.Select((_, r) => (double)last - r)],
            [.. map.Cases.Select(name => VisibleText.Excerpt(name, LongestCase))]);
        plot.Axes.Bottom.MajorTickStyle.Length = plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.Label.Text = $"layer ({LayerCell.Never} never{(map.Boxed is null ? "" : $"; boxed: {map.Choice}")})";
        plot.Axes.SetLimits(-0.55, map.Layers.Count - 0.45, -0.55, last + 0.55);
        plot.HideGrid();
        Save(plot, Path.Combine(folder, file), Math.Max(CurvesWidth, AroundColumns + CellSide * map.Layers.Count),
            AroundRows + CellSide * map.Cases.Count);

        void Cell(int x, int y, LayerCell? cell)
        {
            var box = plot.Add.Rectangle(x - 0.5, x + 0.5, y - 0.5, y + 0.5);
            (box.LineColor, box.LineWidth) = (Colors.LightGray, 1);
            box.FillColor = cell?.Round is { } round ? Shade(round) : Colors.Transparent;
            if (cell is null) return;
            string? share = map.Share(cell);
            Label(cell.Text, x, share is null ? y : y + 0.14, 14, cell.Round is null ? Colours[0] : Colors.Black);
            if (share is not null) Label(share, x, y - 0.26, 10, Colors.Black);
        }

        void Label(string label, double x, double y, float size, Color colour)
        {
            var text = plot.Add.Text(label, x, y);
            (text.LabelAlignment, text.LabelFontSize, text.LabelFontColor) = (Alignment.MiddleCenter, size, colour);
            if (Font is not null) text.LabelFontName = Font;
        }

        static Color Shade(double round) => Colours[1].WithAlpha(LayerMap.Shade(round));
    }

    private static Plot New(string title)
    {
        var plot = new Plot();
        plot.Title(VisibleText.Excerpt(title, 2 * LongestTitle));
        return plot;
    }

    private static void Save(Plot plot, string path, int width, int height = Height)
    {
        var legend = plot.ShowLegend(Edge.Bottom).Legend;
        (legend.Orientation, legend.OutlineWidth, legend.ShadowColor) = (Orientation.Horizontal, 0, Colors.Transparent);
        foreach (var axis in (IAxis[])[plot.Axes.Top, plot.Axes.Right]) axis.FrameLineStyle.Width = 0;
        plot.Axes.Left.Label.Bold = plot.Axes.Bottom.Label.Bold = false;
        if (Font is not null)
        {
            plot.Font.Set(Font);
            foreach (var item in legend.ManualItems) item.LabelFontName = Font;
        }
        AtomicOutput.WriteText(path + ".svg", plot.GetSvgXml(width, height));
        AtomicOutput.WriteFile(path + ".png", stream => stream.Write(plot.GetImageBytes(width, height, ImageFormat.Png)));
    }

    private static string Folded(string title) => VisibleText.Excerpt(title, LongestTitle).Replace(' ', '\n');
}
