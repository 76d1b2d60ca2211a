using Beear.Runtime;

namespace Beear.Cli.Output;

/// <summary>Makes text that a model or a file wrote safe to show.</summary>
internal static class Terminal
{
    /// <summary>Replaces everything that a terminal obeys rather than shows, see <see cref="VisibleText"/>.</summary>
    /// <param name="text">Text from anywhere.</param>
    /// <param name="keepLines">Whether line feeds and tabs stay as they are; otherwise they are shown as \n and \t.</param>
    /// <param name="behind">What is shown directly before it, where a text comes piece by piece.</param>
    public static string Escape(string text, bool keepLines = false, string behind = "") => VisibleText.Of(text, keepLines, behind);

    /// <summary>The text on one line of at most a number of characters, cut with "…".</summary>
    public static string Excerpt(string text, int length) => VisibleText.Excerpt(text, length);
}
