using System.Text.Json.Serialization;
using Beear.Cli.Output;
using Beear.Lab.Reports;
using Beear.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear report</c>.</summary>
internal sealed record ReportOptions : IValidatable
{
    /// <summary>Folders of runs, as beear run and beear reproduce table1 leave them.</summary>
    [Positional]
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>The page, an .html file; its data (.csv, .json) and its charts (folder NAME-files) go beside it.</summary>
    public string Out { get; init; } = "report.html";

    /// <inheritdoc/>
    public void Validate()
    {
        if (Path.GetExtension(Out).ToUpperInvariant() is not (".HTML" or ".HTM"))
            throw new BeearException($"--out: the page is an .html file, and '{Out}' is none.");
    }
}

/// <summary>What was written, and what it says first.</summary>
internal sealed record ReportResult(string Page, string Csv, string Json, string Charts, IReadOnlyList<ReportedPlan> Plans)
{
    /// <summary>The table of sweeps over layers; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Layers { get; init; }
}

/// <summary>The verdicts on a plan.</summary>
internal sealed record ReportedPlan(string Plan, IReadOnlyList<ReportVerdict> Verdicts);

/// <summary><c>beear report</c>: a page from the records of runs.</summary>
internal sealed class ReportCommand(CommandSession session)
    : BeearCommand<ReportOptions>("report", "Make a page, tables and charts of runs, from their records alone", session)
{
    protected override int Run(ReportOptions options, CommandContext context)
    {
        var names = new ReportNames(options.Out);
        AtomicOutput.RequireDirectoryOf(names.Page);
        AtomicOutput.RequireDirectory(names.Beside(names.Pictures));
        var report = Report.Of(options.Folders);
        ReportFiles.Write(report, names);
        var result = new ReportResult(names.Page, names.Beside(names.Csv), names.Beside(names.Json), names.Beside(names.Pictures),
            [.. report.Plans.Select(plan => new ReportedPlan(plan.Plan.Name, plan.Verdicts))])
        {
            Layers = report.Plans.Any(plan => plan.Layers.Count > 0) ? names.Beside(names.Layers) : null,
        };
        context.Output.Result(result, Render);
        return ExitCode.Success;
    }

    private static IEnumerable<IRenderable> Render(ReportResult result)
    {
        foreach (var plan in result.Plans)
        {
            foreach (var verdict in plan.Verdicts)
                yield return Line($"{plan.Plan}: {ReportText.Title(verdict.Finding)}. {verdict.Sentence}");
        }
        string layers = result.Layers is { } csv ? $"{csv}, " : "";
        yield return Line($"written: {result.Page}, {result.Csv}, {layers}{result.Json}, {result.Charts}/");
    }

    private static Rows Line(string text) => new(new Paragraph(Terminal.Escape(text)));
}
