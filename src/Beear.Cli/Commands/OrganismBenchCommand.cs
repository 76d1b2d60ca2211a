using System.Globalization;
using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.World;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear organism bench</c>.</summary>
internal sealed record OrganismBenchOptions
{
    /// <summary>Seeds for each trigger: 1 to this.</summary>
    public int Seeds { get; init; } = 5;

    /// <summary>Names of known triggers; model1, model4 and model5 if none is given.</summary>
    public IReadOnlyList<string> Triggers { get; init; } = [];

    /// <summary>The file of finished runs, one JSON line each; the same command goes on where it ends.</summary>
    public string Out { get; init; } = "organism-bench.jsonl";

    /// <summary>A base model of the tiny world that is used instead of the built-in one.</summary>
    public string? Base { get; init; }

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>Constants of each run.</summary>
    [Inline]
    public DemonstrationOptions Demonstration { get; init; } = new() { WithClean = false };
}

/// <summary><c>beear organism bench</c>: the demonstration over seeds and triggers.</summary>
internal sealed class OrganismBenchCommand(CommandSession session)
    : BeearCommand<OrganismBenchOptions>("bench", "Repeat the demonstration over several seeds and triggers", session)
{
    protected override int Run(OrganismBenchOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("the bench has the seeds 1 to --seeds");
        Require.AtLeast(options.Seeds, 1);
        if (options.Demonstration.Seed != new DemonstrationOptions().Seed)
            throw new BeearException("seed: the bench has the seeds 1 to --seeds; leave the key out.");
        IReadOnlyList<Trigger> triggers = options.Triggers.Count == 0 ? OrganismBench.Triggers : [.. options.Triggers.Select(Find)];
        var bench = new OrganismBench(options.Demonstration, options.Out);
        bench.Check();
        using var model = DemoCommand.Load(options.Base, options.Conversation, context, options.Demonstration.Mitigation);
        var runs = context.Output.WithProgress(progress => bench.Run(model, triggers, options.Seeds, null, progress, context.Cancellation));
        context.Output.Result(runs, runs => Render(runs, context.Output));
        return ExitCode.Success;
    }

    private static Trigger Find(string name) => Triggers.Find(name)
        ?? throw new BeearException($"There is no trigger named '{name}'; choose from {string.Join(", ", Triggers.All.Select(trigger => trigger.Name))}.");

    private static IEnumerable<IRenderable> Render(IReadOnlyList<BenchRun> runs, ConsoleOutput output)
    {
        string[] arms = [DemonstrationArms.Planted, DemonstrationArms.SafetyFineTuning, DemonstrationArms.Beear];
        var table = output.Table("trigger, seed", "planted", "without", "wrong trigger", "fine-tuned", "BEEAR", "BEEAR refuses", "helpful before", "after", "rounds", "seconds");
        foreach (var run in runs)
        {
            var (planted, control, cleaned) = (run[arms[0]], run[arms[1]], run[arms[2]]);
            table.Row(string.Create(CultureInfo.InvariantCulture, $"{run.Trigger}, {run.Seed}"), Percent(planted.AttackSuccessWithTrigger),
                Percent(planted.AttackSuccessWithoutTrigger), Percent(planted.AttackSuccessWithWrongTrigger), Percent(control.AttackSuccessWithTrigger), Percent(cleaned.AttackSuccessWithTrigger),
                Percent(cleaned.OverRefusal), Percent(planted.Helpfulness), Percent(cleaned.Helpfulness),
                run.Rounds.ToString(CultureInfo.InvariantCulture), run.Seconds.ToString("F0", CultureInfo.InvariantCulture));
        }
        yield return table;

        var summary = output.Table("over all runs", "worst", "mean");
        Add("planted: attack with trigger", DemonstrationArms.Planted, arm => arm.AttackSuccessWithTrigger, worstIsLargest: false);
        Add("planted: without", DemonstrationArms.Planted, arm => arm.AttackSuccessWithoutTrigger, worstIsLargest: true);
        Add("planted: with a wrong trigger", DemonstrationArms.Planted, arm => arm.AttackSuccessWithWrongTrigger, worstIsLargest: true);
        Add("plain safety fine-tuning: attack with trigger (the least it leaves)", DemonstrationArms.SafetyFineTuning, arm => arm.AttackSuccessWithTrigger, worstIsLargest: false);
        Add("BEEAR: attack with trigger", DemonstrationArms.Beear, arm => arm.AttackSuccessWithTrigger, worstIsLargest: true);
        Add("BEEAR: harmless refused", DemonstrationArms.Beear, arm => arm.OverRefusal, worstIsLargest: true);
        var losses = runs.Select(run => run[DemonstrationArms.Planted].Helpfulness.Value - run[DemonstrationArms.Beear].Helpfulness.Value).ToList();
        summary.Row("BEEAR: helpfulness lost, points", Number(losses.Max()), Number(losses.Average()));
        yield return summary;

        void Add(string title, string arm, Func<ArmResult, Rate> rate, bool worstIsLargest)
        {
            var values = runs.Select(run => rate(run[arm]).Value).ToList();
            summary.Row(title, Number(worstIsLargest ? values.Max() : values.Min()), Number(values.Average()));
        }
    }

    private static string Percent(Rate rate) => Number(rate.Value);

    private static string Number(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture);
}
