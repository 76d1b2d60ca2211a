namespace Beear.Lab.Reports;

/// <summary>A cell of a table in the page.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Small">What stands below it; null for nothing.</param>
internal readonly record struct HtmlCell(string Text, string? Small = null);

/// <summary>Rows of a table that belong together.</summary>
/// <param name="Title">What they are; null for rows without a title.</param>
/// <param name="Rows">The rows: the first cell is the row's own title.</param>
internal sealed record HtmlRows(string? Title, IReadOnlyList<IReadOnlyList<HtmlCell>> Rows);

/// <summary>What pages are made of.</summary>
internal static class HtmlParts
{
    /// <summary>So many columns fit a small screen.</summary>
    private const int Narrow = 4;

    /// <summary>A table; where it is wider than the page it moves within its own region, which the keyboard reaches too.</summary>
    /// <param name="html">Where it goes.</param>
    /// <param name="caption">What it shows.</param>
    /// <param name="columns">The titles of its columns.</param>
    /// <param name="groups">Its rows.</param>
    /// <param name="isText">Whether its cells are texts rather than numbers.</param>
    public static void Table(this HtmlWriter html, string caption, IReadOnlyList<string> columns, IReadOnlyList<HtmlRows> groups,
        bool isText = false)
    {
        using var region = html.Region(caption);
        using var table = html.Open("table", ("class", isText ? "texts" : columns.Count > Narrow ? "wide" : null));
        using (html.Open("caption")) html.Element("span", Unbroken(caption));
        using (html.Open("thead"))
        using (html.Open("tr"))
        {
            foreach (string column in columns) html.Element("th", column, ("scope", "col"));
        }
        foreach (var group in groups.Where(group => group.Rows.Count > 0))
        {
            using var body = html.Open("tbody");
            if (group.Title is { } title)
            {
                using var heading = html.Open("tr", ("class", "group"));
                using var cell = html.Open("th", ("scope", "rowgroup"), ("colspan", $"{columns.Count}"));
                html.Element("span", title);
            }
            foreach (var cells in group.Rows)
            {
                using var row = html.Open("tr");
                foreach (var (i, cell) in cells.Index()) Write(html, cell, i == 0);
            }
        }
    }

    /// <summary>A table of one row for each of some things; the first column holds the rows' own titles.</summary>
    public static void Table<T>(this HtmlWriter html, string caption, IEnumerable<T> rows, bool isText,
        params IReadOnlyList<(string Title, Func<T, HtmlCell> Of)> columns) =>
        html.Table(caption, [.. columns.Select(column => column.Title)],
            [new HtmlRows(null, [.. rows.Select(row => columns.Select(column => column.Of(row)).ToList())])], isText);

    /// <summary>A part that may be wider than the page.</summary>
    public static HtmlWriter.End Region(this HtmlWriter html, string label) =>
        html.Open("div", ("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", label));

    /// <summary>A part that is closed at first.</summary>
    /// <param name="html">Where it goes.</param>
    /// <param name="summary">What is in it.</param>
    /// <param name="style">Its class; null for none.</param>
    /// <param name="isOpen">Whether it is open all the same.</param>
    public static HtmlWriter.End Folded(this HtmlWriter html, string summary, string? style = null, bool isOpen = false)
    {
        var details = html.Open("details", ("class", style), ("open", isOpen ? "" : null));
        html.Element("summary", summary);
        return details;
    }

    /// <summary>A sentence in small print.</summary>
    public static void Note(this HtmlWriter html, string sentence) => html.Element("p", Unbroken(sentence), ("class", "note"));

    /// <summary>Sentences as a list; nothing where there are none.</summary>
    public static void List(this HtmlWriter html, string style, IReadOnlyList<string> sentences)
    {
        if (sentences.Count == 0) return;
        using var list = html.Open("ul", ("class", style));
        foreach (string sentence in sentences) html.Element("li", Unbroken(sentence));
    }

    /// <summary>Names and what they are.</summary>
    public static void Terms(this HtmlWriter html, string style, IEnumerable<(string Name, string Value)> terms)
    {
        using var list = html.Open("dl", ("class", style));
        foreach (var (name, value) in terms)
        {
            using var entry = html.Open("div");
            html.Element("dt", name).Element("dd", value);
        }
    }

    /// <summary>A sentence of our own in which no line begins with "%".</summary>
    public static string Unbroken(string sentence) => sentence.Replace(" %", "\u00a0%", StringComparison.Ordinal);

    private static void Write(HtmlWriter html, HtmlCell cell, bool isTitle)
    {
        using var element = html.Open(isTitle ? "th" : "td", ("scope", isTitle ? "row" : null));
        html.Element("span", cell.Text);
        if (cell.Small is { } small) html.Text(" ").Element("small", small);
    }
}
