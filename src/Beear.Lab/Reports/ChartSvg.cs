using System.Globalization;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>
/// Charts within the page: colours are the page's, so that they fit its light and its dark form; each says in words what it shows.
/// </summary>
internal static class ChartSvg
{
    private const double Width = 360, BarRow = 42, Height = 210, Left = 42, Right = 10, Top = 10, Bottom = 26;
    private const int Styles = 8, LongestTitle = 28, MostTicks = 8;

    /// <summary>A column as bars.</summary>
    /// <param name="html">Where it goes.</param>
    /// <param name="id">An identity that the page has once.</param>
    /// <param name="panel">The column.</param>
    public static void Write(HtmlWriter html, string id, BarPanel panel)
    {
        double height = panel.Bars.Count * BarRow;
        string words = string.Join("; ", panel.Bars.Select(bar => $"{bar.Title}: {bar.Rate}, {bar.Rate.Count} requests"));
        using var svg = Picture(html, id, panel.Title, Width, height + 16, words);
        foreach (int share in (int[])[0, 50, 100])
        {
            double x = X(share / 100.0);
            Line(html, "grid", x, 0, x, height);
            html.Element("text", share == 100 ? "100 %" : Number(share), ("class", "tick"), ("x", Number(x)), ("y", Number(height + 12)),
                ("text-anchor", share switch { 0 => "start", 50 => "middle", _ => "end" }));
        }
        foreach (var (i, bar) in panel.Bars.Index())
        {
            double y = i * BarRow, middle = y + 27;
            html.Element("text", VisibleText.Excerpt(bar.Title, LongestTitle), ("class", "name"), ("x", "0"), ("y", Number(y + 15)));
            using (html.Open("text", ("class", "value"), ("x", Number(Width)), ("y", Number(y + 15)), ("text-anchor", "end")))
            {
                html.Element("tspan", bar.Rate.Share, ("class", "rate")).Text(" ");
                html.Element("tspan", bar.Rate.Interval, ("class", "interval"));
            }
            Box(html, "track", 0, middle - 5, Width, 10);
            if (bar.Rate.Value > 0) Box(html, $"bar {Css(bar.Role)}", 0, middle - 5, X(bar.Rate.Value), 10);
            double low = X(bar.Rate.Low), high = X(bar.Rate.High);
            Line(html, "whisker", low, middle, high, middle);
            foreach (double end in (double[])[low, high]) Line(html, "whisker", end, middle - 4, end, middle + 4);
        }

        static double X(double share) => 1 + share * (Width - 2);
    }

    /// <summary>Curves with their axes; the legend follows as a list.</summary>
    public static void Write(HtmlWriter html, string id, CurveChart chart)
    {
        var scale = Scale.Of(chart);
        using (Picture(html, id, chart.Title, Width, Height, $"By {chart.Over}. {chart.InWords()}"))
        {
            foreach (double y in scale.Ticks)
            {
                Line(html, "grid", Left, scale.Y(y), Width - Right, scale.Y(y));
                Tick(html, y, Left - 6, scale.Y(y) + 4, "end");
            }
            double step = Math.Max(1, Math.Ceiling((scale.Last - scale.First) / MostTicks));
            for (double x = Math.Ceiling(scale.First); x <= scale.Last; x += step) Tick(html, x, scale.X(x), Height - 9, "middle");
            foreach (var (i, curve) in chart.Curves.Index())
            {
                html.Element("polyline", "", ("class", $"curve c{i % Styles}"),
                    ("points", string.Join(' ', curve.Points.Select(point => $"{Number(scale.X(point.X))},{Number(scale.Y(point.Y))}"))));
                foreach (var (x, y) in chart.IsDense ? [] : curve.Points) Mark(html, i, scale.X(x), scale.Y(y));
            }
        }
        using var legend = html.Open("ul", ("class", "legend"));
        foreach (var (i, curve) in chart.Curves.Index())
        {
            using var item = html.Open("li");
            using (html.Open("svg", ("viewBox", "0 0 30 10"), ("aria-hidden", "true"), ("focusable", "false")))
            {
                Line(html, $"curve c{i % Styles}", 1, 5, 29, 5);
                Mark(html, i, 15, 5);
            }
            html.Element("span", curve.Title);
        }
    }

    /// <summary>The class that the style sheet knows a role by.</summary>
    public static string Css(RunRole role) => role switch
    {
        RunRole.Planted => "before",
        RunRole.Defended => "after",
        _ => "control",
    };

    /// <summary>A picture with its title and what it shows in words; as wide as there is room, or always as wide as it says.</summary>
    public static HtmlWriter.End Picture(HtmlWriter html, string id, string title, double width, double height, string description,
        bool isFixed = false)
    {
        var svg = html.Open("svg", ("viewBox", $"0 0 {Number(width)} {Number(height)}"), ("width", isFixed ? Number(width) : null),
            ("role", "img"), ("aria-labelledby", $"{id}-t {id}-d"), ("focusable", "false"));
        html.Element("title", title, ("id", $"{id}-t")).Element("desc", description, ("id", $"{id}-d"));
        return svg;
    }

    private static void Tick(HtmlWriter html, double value, double x, double y, string anchor) => html.Element("text", Number(value),
        ("class", "tick"), ("x", Number(x)), ("y", Number(y)), ("text-anchor", anchor));

    private static void Line(HtmlWriter html, string style, double x1, double y1, double x2, double y2) => html.Element("line", "",
        ("class", style), ("x1", Number(x1)), ("y1", Number(y1)), ("x2", Number(x2)), ("y2", Number(y2)));

    private static void Box(HtmlWriter html, string style, double x, double y, double width, double height) => html.Element("rect", "",
        ("class", style), ("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)), ("rx", "2"));

    /// <summary>Circles and squares in turn: curves differ in more than their colours.</summary>
    private static void Mark(HtmlWriter html, int i, double x, double y)
    {
        string style = $"mark m{i % Styles}";
        if (i % 2 == 0) html.Element("circle", "", ("class", style), ("cx", Number(x)), ("cy", Number(y)), ("r", "3"));
        else Box(html, style, x - 2.75, y - 2.75, 5.5, 5.5);
    }

    /// <summary>A number as SVG has it; zero has no sign.</summary>
    public static string Number(double value) => (value + 0.0).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>From values to places in the picture.</summary>
    private sealed record Scale(double First, double Last, double Low, double High, double Step)
    {
        public IEnumerable<double> Ticks => Enumerable.Range(0, (int)Math.Round((High - Low) / Step) + 1).Select(i => Low + i * Step);

        public static Scale Of(CurveChart chart)
        {
            var points = chart.Curves.SelectMany(curve => curve.Points).ToList();
            double first = points.Min(point => point.X), last = points.Max(point => point.X);
            if (first == last) (first, last) = (first - 0.5, last + 0.5);
            double least = Math.Min(0, points.Min(point => point.Y));
            double most = chart.Highest ?? Math.Max(points.Max(point => point.Y), 1e-6);
            double step = StepOf((most - least) / 4);
            return new Scale(first, last, Math.Floor(least / step) * step, Math.Ceiling(most / step - 1e-9) * step, step);
        }

        public double X(double value) => Left + (value - First) / (Last - First) * (Width - Left - Right);

        public double Y(double value) => Height - Bottom - (value - Low) / (High - Low) * (Height - Top - Bottom);

        /// <summary>1, 2, 2.5 or 5 with a power of ten.</summary>
        private static double StepOf(double rough)
        {
            double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            return power * ((double[])[1, 2, 2.5, 5, 10]).First(step => step * power >= rough * 0.999);
        }
    }
}
