using System.Net;
using System.Text;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>
/// Writes HTML. All text and every attribute's value is escaped, and what a reader could not see in it is shown by its code: nothing that
/// is given here as text can become markup.
/// </summary>
/// <param name="isPage">Whether it begins a page, or is a part of one.</param>
internal sealed class HtmlWriter(bool isPage = true)
{
    /// <summary>Elements within a line of text, where a line break would be a space.</summary>
    private static readonly string[] Inline = ["a", "b", "code", "small", "span", "strong", "tspan"];

    private readonly StringBuilder html = new(isPage ? "<!doctype html>\n" : "");

    /// <summary>Opens an element; it ends when what is returned is disposed.</summary>
    /// <param name="tag">The element's name.</param>
    /// <param name="attributes">Names and values; an attribute whose value is null is left out.</param>
    public End Open(string tag, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(tag, attributes);
        html.Append('\n');
        return new End(this, tag);
    }

    /// <summary>An element with a text and nothing else in it.</summary>
    public HtmlWriter Element(string tag, string text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(tag, attributes);
        Text(text);
        html.Append("</").Append(tag).Append('>');
        if (!Inline.Contains(tag)) html.Append('\n');
        return this;
    }

    /// <summary>An element that has no content, such as meta or br.</summary>
    public HtmlWriter Empty(string tag, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(tag, attributes);
        html.Append('\n');
        return this;
    }

    /// <summary>Text.</summary>
    public HtmlWriter Text(string text)
    {
        html.Append(Escape(text));
        return this;
    }

    /// <summary>The page's own style sheet; nothing of a record goes here.</summary>
    public HtmlWriter Style(string css)
    {
        html.Append("<style>\n").Append(css).Append("</style>\n");
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => html.ToString();

    private static string Escape(string text) => WebUtility.HtmlEncode(VisibleText.Of(text, keepLines: true));

    private void Start(string tag, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        html.Append('<').Append(tag);
        foreach (var (name, value) in attributes)
        {
            if (value is not null) html.Append(' ').Append(name).Append("=\"").Append(Escape(value)).Append('"');
        }
        html.Append('>');
    }

    /// <summary>The end of an element.</summary>
    internal readonly struct End(HtmlWriter writer, string tag) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => writer.html.Append("</").Append(tag).Append(">\n");
    }
}
