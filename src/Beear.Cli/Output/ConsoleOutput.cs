using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>
/// What a command prints: results on standard output, as tables or as one JSON document; notes, warnings and progress on standard
/// error. On a terminal there is colour (unless NO_COLOR is set) and live progress; elsewhere plain text, tables in Markdown.
/// </summary>
internal sealed class ConsoleOutput
{
    private const int PlainWidth = 160;

    private readonly TextWriter output;
    private readonly bool quiet;
    private readonly IAnsiConsole results;
    private readonly IAnsiConsole notes;
    private readonly HashSet<string> told = new(StringComparer.Ordinal);
    private bool documentWritten;

    public ConsoleOutput(TextWriter output, TextWriter error, bool json, bool quiet)
    {
        this.output = output;
        this.quiet = quiet;
        Json = json;
        results = Create(output);
        notes = Create(error);
    }

    /// <summary>Whether standard output carries one JSON document and nothing else.</summary>
    public bool Json { get; }

    /// <summary>Characters of a line of results.</summary>
    public int Width => results.Profile.Width;

    /// <summary>Prints a command's result.</summary>
    /// <param name="document">What --json prints.</param>
    /// <param name="render">What is shown otherwise.</param>
    public void Result<T>(T document, Func<T, IEnumerable<IRenderable>> render)
    {
        if (IsPrinted(document)) return;
        foreach (var part in render(document)) results.Write(part);
    }

    /// <summary>Prints a command's result as one line, however long.</summary>
    /// <param name="document">What --json prints.</param>
    /// <param name="line">What is shown otherwise.</param>
    public void Result<T>(T document, Func<T, string> line)
    {
        if (!IsPrinted(document)) output.WriteLine(Terminal.Escape(line(document)));
    }

    private bool IsPrinted<T>(T document)
    {
        if (!Json) return false;
        if (documentWritten) throw new InvalidOperationException("A command prints one JSON document.");
        documentWritten = true;
        output.WriteLine(JsonSerializer.Serialize(document, StrictJson.Document));
        return true;
    }

    /// <summary>Prints text as it comes, e.g. a model's answer; escape it first.</summary>
    public void Stream(string escaped)
    {
        output.Write(escaped);
        output.Flush();
    }

    /// <summary>Asks for a line of input, where someone can see the question.</summary>
    public void Prompt(string text)
    {
        if (results.Profile.Out.IsTerminal && !Console.IsInputRedirected) Stream(text);
    }

    /// <summary>A line about what is happening, on standard error.</summary>
    public void Note(string text)
    {
        if (!quiet) Line(text, Style.Plain);
    }

    /// <summary>What is odd about a model that is worked with, a line each and once, on standard error.</summary>
    public void Findings(string model, IEnumerable<string> findings)
    {
        foreach (var finding in findings)
        {
            var line = $"note: {model}: {finding}";
            if (told.Add(line)) Note(line);
        }
    }

    /// <summary>A line about something to be aware of, on standard error; the same is said once.</summary>
    public void Warn(string text)
    {
        if (told.Add(text)) Line($"warning: {text}", new Style(Color.Yellow));
    }

    /// <summary>Lines about things to be aware of.</summary>
    public void WarnOf(IEnumerable<string> texts)
    {
        foreach (var text in texts) Warn(text);
    }

    /// <summary>A line that says which measured bar was missed, on standard error.</summary>
    public void Missed(string text) => Line($"missed: {text}", new Style(Color.Red));

    /// <summary>The sentence that says which check failed, on standard error; one line, however long.</summary>
    public void Failed(string text) => notes.Profile.Out.Writer.WriteLine(Terminal.Escape(text));

    /// <summary>
    /// A table in the program's style: lines on a terminal, Markdown elsewhere. Columns after the first are aligned right.
    /// </summary>
    public Table Table(params string[] columns) => Table(Justify.Right, columns);

    /// <summary>A table whose columns after the first are aligned as said.</summary>
    public Table Table(Justify alignment, params string[] columns)
    {
        var table = new Table { Border = results.Profile.Out.IsTerminal ? TableBorder.Rounded : TableBorder.Markdown };
        foreach (var column in columns)
        {
            var header = new TableColumn(new Paragraph(TableRows.Cell(table, column))) { NoWrap = true };
            table.AddColumn(table.Columns.Count == 0 ? header : header.Alignment(alignment));
        }
        return table;
    }

    /// <summary>Runs long work with its progress on standard error.</summary>
    public T WithProgress<T>(Func<IProgress<RunProgress>?, T> work)
    {
        if (quiet) return work(null);
        if (notes.Profile.Capabilities.Interactive && notes.Profile.Out.IsTerminal) return LiveProgress.Run(notes, work);
        return work(new PlainProgress(text => Line(text, Style.Plain), TimeProvider.System));
    }

    private void Line(string text, Style style)
    {
        notes.Write(new Paragraph(Terminal.Escape(text), style).Overflow(Overflow.Fold));
        notes.WriteLine();
    }

    private static IAnsiConsole Create(TextWriter writer)
    {
        var target = new AnsiConsoleOutput(writer);
        var noColor = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = target,
            Ansi = target.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = noColor || !target.IsTerminal ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = target.IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        if (!target.IsTerminal) console.Profile.Width = PlainWidth;
        return console;
    }
}

/// <summary>Rows of a table from plain text, which is escaped.</summary>
internal static partial class TableRows
{
    /// <summary>Adds a row; every cell is shown as it is, whatever it holds.</summary>
    public static Table Row(this Table table, params string[] cells)
    {
        table.AddRow(cells.Select(cell => new Paragraph(Cell(table, cell))));
        return table;
    }

    /// <summary>A cell's text; in Markdown it ends no cell.</summary>
    public static string Cell(Table table, string text) =>
        table.Border is MarkdownTableBorder ? Bar().Replace(Terminal.Escape(text), @"${before}${before}\|") : Terminal.Escape(text);

    /// <summary>A bar, with backslashes that would make one of its own into a backslash.</summary>
    [GeneratedRegex(@"(?<before>\\*)\|", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Bar();
}
