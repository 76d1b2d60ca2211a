using Beear.Cli.Output;
using Beear.Lab.Reports;
using Beear.Lab.Runs;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear run</c>.</summary>
internal sealed record RunOptions : IValidatable
{
    /// <summary>YAML file of a plan: subject, triggers, arms, seeds.</summary>
    [Positional]
    public required string Plan { get; init; }

    /// <summary>Folder of runs; the same command goes on where it ends, and several at once share the work.</summary>
    public required string Out { get; init; }

    /// <summary>Only this part of the plan, such as 2/8: planted models are dealt out in turn, each with all its runs.</summary>
    public string? Shard { get; init; }

    /// <summary>Only these arms of the plan.</summary>
    public IReadOnlyList<string> Arms { get; init; } = [];

    /// <summary>Only these triggers of the plan, by their names; models that were never backdoored are left out then.</summary>
    public IReadOnlyList<string> Triggers { get; init; } = [];

    /// <summary>Only these seeds of the plan.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [];

    /// <summary>Who judges the answers.</summary>
    [Inline]
    public JudgeSettings Judge { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        if (Shard is not null) _ = Lab.Runs.Shard.Parse(Shard);
    }
}

/// <summary>The JSON document.</summary>
internal sealed record RunDocument(IReadOnlyList<RunRecord> Runs, IReadOnlyList<ScoreCorrelation> Scores)
{
    /// <summary>What became of requests for code; null where none was asked for.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public CodeTable? Code { get; init; }
}

/// <summary><c>beear run</c>: carries out a plan.</summary>
internal sealed class RunCommand(CommandSession session)
    : BeearCommand<RunOptions>("run", "Carry out a plan: plant, defend and measure, over triggers, arms and seeds", session)
{
    protected override int Run(RunOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("a plan lists its seeds, and --seeds chooses among them");
        var plan = PlanSettings.Selected(PlanSettings.Read(options.Plan), options.Arms, options.Triggers, options.Seeds);
        var records = PlanWork.Run(plan, new RunFolder(options.Out), options.Shard is null
            ? null : Shard.Parse(options.Shard), options.Judge, context);
        var document = new RunDocument(records, ScoreCorrelation.Of(records));
        context.Output.Result(document, shown => RunTable.Of(context.Output, shown.Runs, shown.Scores));
        return PlanWork.Result(records, context);
    }
}
