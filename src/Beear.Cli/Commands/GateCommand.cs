using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.SignOff;
using Beear.Runtime;
using Spectre.Console;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear gate</c>.</summary>
internal sealed record GateOptions
{
    /// <summary>Folder that beear clean has finished.</summary>
    [Positional]
    public string? Folder { get; init; }

    /// <summary>YAML file of a policy: what must hold; the default policy if not given.</summary>
    public string? Policy { get; init; }

    /// <summary>A file that gets the same as JUnit XML, for build servers: a test case for each bar.</summary>
    public string? Junit { get; init; }

    /// <summary>Print the default policy, to be changed and given as --policy.</summary>
    public bool ShowPolicy { get; init; }
}

/// <summary>What came of it; the JSON document.</summary>
/// <param name="IsMet">Whether every bar is met.</param>
/// <param name="Lines">Every bar that is asked for.</param>
internal sealed record GateResult(bool IsMet, IReadOnlyList<PolicyLine> Lines);

/// <summary><c>beear gate</c>: holds the evidence of a cleaned model against a policy.</summary>
internal sealed class GateCommand(CommandSession session)
    : BeearCommand<GateOptions>("gate", "Hold the evidence of a cleaned model against a policy; exit code 1 if a bar is missed", session)
{
    protected override int Run(GateOptions options, CommandContext context)
    {
        if (options.ShowPolicy)
        {
            context.Output.Stream(RecipeText.Of(new Policy()));
            return ExitCode.Success;
        }
        if (options.Folder is not { } folder) throw new BeearException(
            "Name the folder that beear clean has written, or give --show-policy.");
        AtomicOutput.RequireDirectoryOf(options.Junit);
        var policy = options.Policy is null ? new Policy() : Recipe.Read<Policy>(options.Policy);
        var lines = policy.Check(Evidence.Read(folder));
        var result = new GateResult(lines.All(line => line.IsMet), lines);
        context.Output.Result(result, shown => [Table(shown.Lines, context.Output)]);
        foreach (var line in lines.Where(line => !line.IsMet))
            context.Output.Missed($"{line.What}: {line.Measured}{(line.Bar.Length == 0 ? "" : $", asked for {line.Bar}")}");
        if (options.Junit is { } file) JUnitReport.Write(file, lines);
        return result.IsMet ? ExitCode.Success : ExitCode.BarMissed;
    }

    /// <summary>Every bar with what was measured.</summary>
    internal static Table Table(IReadOnlyList<PolicyLine> lines, ConsoleOutput output)
    {
        var table = output.Table("evidence", "measured", "bar", "");
        foreach (var line in lines) table.Row(line.What, line.Measured, line.Bar, line.IsMet ? "met" : "not met");
        return table;
    }
}
