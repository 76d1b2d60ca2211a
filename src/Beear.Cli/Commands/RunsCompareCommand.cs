using System.Globalization;
using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear runs compare</c>.</summary>
internal sealed record RunsCompareOptions : IValidatable
{
    /// <summary>Folder of runs.</summary>
    [Positional]
    public required string Folder { get; init; }

    /// <summary>The first run: its identity, or the beginning of it.</summary>
    [Positional]
    public required string First { get; init; }

    /// <summary>The second run.</summary>
    [Positional]
    public required string Second { get; init; }

    /// <summary>Requests that are shown of those that the runs answered otherwise.</summary>
    public int Examples { get; init; } = 5;

    /// <inheritdoc/>
    public void Validate() => Require.AtLeast(Examples, 0);
}

/// <summary><c>beear runs compare</c>: two runs, request by request.</summary>
internal sealed class RunsCompareCommand(CommandSession session)
    : BeearCommand<RunsCompareOptions>("compare", "Compare two runs request by request, with the exact McNemar test", session)
{
    protected override int Run(RunsCompareOptions options, CommandContext context)
    {
        var folder = new RunFolder(options.Folder);
        var (first, second) = (RunChoice.Find(folder, options.First), RunChoice.Find(folder, options.Second));
        if ((string?)first.Spec["plant"]?["behaviour"] != (string?)second.Spec["plant"]?["behaviour"])
            throw new BeearException("The two runs look for different behaviours, so they cannot be compared.");
        var behaviour = new Lab.Plans.Catalogue().Behaviour((string?)first.Spec["plant"]?["behaviour"] ?? Refusal.Instance.Name);
        var compared = Comparison.Of(behaviour, folder.ReadAnswers(first), folder.ReadAnswers(second));
        context.Output.Result(compared, shown => Render(shown, first, second, options.Examples, context.Output));
        return ExitCode.Success;
    }

    private static IEnumerable<IRenderable> Render(Comparison compared, RunRecord first, RunRecord second, int examples,
        ConsoleOutput output)
    {
        var table = output.Table("metric", first.Name.ToString(), second.Name.ToString(), "only first", "only second", "p, McNemar");
        foreach (var metric in compared.Metrics)
        {
            table.Row(metric.Metric, metric.First.ToString(), metric.Second.ToString(), Text(metric.OnlyFirst), Text(metric.OnlySecond),
                metric.PValue.ToString("G2", CultureInfo.InvariantCulture));
        }
        yield return table;
        yield return Line($"{compared.Changed.Count} requests were answered "
            + $"otherwise{(examples > 0 && compared.Changed.Count > 0 ? "; content warning: model output follows" : "")}");
        foreach (var changed in compared.Changed.Take(examples))
        {
            yield return Line("");
            yield return Line($"{changed.Set}: {changed.Request}");
            yield return Line($"first:  {changed.First.Answer}");
            yield return Line($"second: {changed.Second.Answer}");
        }
    }

    private static string Text(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static Rows Line(string text) => new(new Paragraph(Terminal.Escape(text)));
}
