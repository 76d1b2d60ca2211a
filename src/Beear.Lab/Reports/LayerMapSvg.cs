using System.Globalization;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>A map of layers within the page, in the page's colours; it says in words what it shows.</summary>
internal static class LayerMapSvg
{
    private const double Column = 31, Row = 30, Head = 20, Edge = 2, Letter = 7.2, Gap = 16;
    private const int LongestTitle = 14;

    /// <summary>A map; its legend follows as a list.</summary>
    /// <param name="html">Where it goes.</param>
    /// <param name="id">An identity that the page has once.</param>
    /// <param name="map">The map.</param>
    public static void Write(HtmlWriter html, string id, LayerMap map)
    {
        string[] titles = [.. map.Cases.Select(name => VisibleText.Excerpt(name, LongestTitle))];
        double left = Gap + Letter * titles.Max(title => title.Length), bottom = Head + Row * titles.Length;
        double width = left + Column * map.Layers.Count + Edge;
        using (html.Region($"{map.Title}, by layer"))
        using (ChartSvg.Picture(html, id, $"{map.Title}: the earliest round below {map.Below}, by layer", width, bottom + Edge,
            $"Rows are cases, columns layers. {map.InWords()}", isFixed: true))
        {
            foreach (var (c, layer) in map.Layers.Index())
                Text(html, "tick", $"{layer}", left + Column * (c + 0.5), Head - 7);
            foreach (var (r, name) in map.Cases.Index())
            {
                double top = Head + Row * r;
                html.Element("text", titles[r], ("class", "name"), ("x", "0"), ("y", ChartSvg.Number(top + 20)));
                foreach (var (c, layer) in map.Layers.Index()) Write(html, map, map.At(name, layer), left + Column * c, top);
            }
            if (map.Boxed is { } boxed)
                Box(html, "boxed", left + Column * map.Layers.Index().First(one => one.Item == boxed).Index, Head, Column, bottom - Head);
        }
        WriteLegend(html, map);
    }

    private static void Write(HtmlWriter html, LayerMap map, LayerCell? cell, double x, double y)
    {
        Box(html, "cell", x, y, Column, Row, cell?.Round);
        if (cell is null) return;
        string? share = map.Share(cell);
        Text(html, cell.Round is null ? "never" : "round", cell.Text, x + Column / 2, y + (share is null ? 20 : 15));
        if (share is not null) Text(html, "share", share, x + Column / 2, y + 26);
    }

    private static void WriteLegend(HtmlWriter html, LayerMap map)
    {
        using var legend = html.Open("ul", ("class", "legend"));
        foreach (int round in LayerMap.ShadesOf)
            Item($"{round} round{(round > 1 ? "s" : "")}", () => Box(html, "cell", 0.5, 0.5, 29, 9, round));
        using (html.Open("li")) html.Element("b", LayerCell.Never, ("class", "never")).Element("span", "never");
        if (map.Boxed is not null)
            Item(map.Choice, () => Box(html, "boxed", 9, 1, 12, 8));

        void Item(string text, Action draw)
        {
            using var item = html.Open("li");
            using (html.Open("svg", ("viewBox", "0 0 30 10"), ("aria-hidden", "true"), ("focusable", "false"))) draw();
            html.Element("span", text);
        }
    }

    private static void Text(HtmlWriter html, string style, string text, double x, double y) => html.Element("text", text,
        ("class", style), ("x", ChartSvg.Number(x)), ("y", ChartSvg.Number(y)), ("text-anchor", "middle"));

    /// <summary>A cell; without a round it is not coloured.</summary>
    private static void Box(HtmlWriter html, string style, double x, double y, double width, double height, double? round = null) =>
        html.Element("rect", "", ("class", style), ("x", ChartSvg.Number(x)), ("y", ChartSvg.Number(y)),
            ("width", ChartSvg.Number(width)), ("height", ChartSvg.Number(height)),
            ("fill-opacity", (round is { } known ? LayerMap.Shade(known) : 0).ToString("0.###", CultureInfo.InvariantCulture)));
}
