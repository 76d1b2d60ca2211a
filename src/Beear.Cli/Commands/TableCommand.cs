using System.Globalization;
using Beear.Cli.Output;
using Beear.Evaluation;
using Beear.Lab.Plans;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Spectre.Console;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear reproduce table1</c> and its like.</summary>
internal sealed record TableOptions : IValidatable
{
    /// <summary>
    /// organism (minutes), smollm2 (tens of minutes a model) or the paper's base on a GPU: llama-2-7b, in Table 3 mistral-7b.
    /// </summary>
    public string Scale { get; init; } = "organism";

    /// <summary>Seeds of attacker, defender and evaluation: 1 to this; as many as the bundled plan has if not given.</summary>
    public int? Seeds { get; init; }

    /// <summary>
    /// Only these models: model1 to model5 in Table 1, model6 and model7 in Table 2, and those with -dpo behind their names; model8 in
    /// Table 3; model1 to model8 in Figure 3.
    /// </summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>
    /// Only these arms: safety_fine_tuning, beear, clean_beear, and in Table 1 latent_adversarial_training, crow, token_space,
    /// direction_ablation, inject_and_recover, wrong_trigger; paper in all, and in Figure 3 only it and beear. Planted and never backdoored
    /// are always there.
    /// </summary>
    public IReadOnlyList<string> Arms { get; init; } = [];

    /// <summary>
    /// Folder of runs, TABLE-SCALE if not given; the same command goes on where it ends, and several at once share the work.
    /// </summary>
    public string? Out { get; init; }

    /// <summary>Only this part of the table, such as 2/8.</summary>
    public string? Shard { get; init; }

    /// <summary>The system prompt of all models, in place of the plan's: its text, or @FILE for that of a file.</summary>
    public string? System { get; init; }

    /// <summary>Who judges the answers to harmful requests, and those to MT-Bench.</summary>
    [Inline]
    public JudgeSettings Judge { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        if (Seeds is { } seeds) Require.AtLeast(seeds, 1, nameof(Seeds));
        if (Shard is not null) _ = Lab.Runs.Shard.Parse(Shard);
    }
}

/// <summary><c>beear reproduce table1</c> and its like: a bundled plan, carried out, and its table.</summary>
/// <param name="table">The table or figure, as the bundled plans' names begin; plans with more behind the scale belong to it too.</param>
/// <param name="description">What help says.</param>
/// <param name="session">The session.</param>
/// <param name="largest">The scale of the paper's base.</param>
internal sealed class TableCommand(string table, string description, CommandSession session, string largest = "llama-2-7b")
    : BeearCommand<TableOptions>(table, description, session)
{
    private string[] Scales => ["organism", "smollm2", largest];

    protected override int Run(TableOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("the table has the seeds 1 to --seeds");
        string scale = options.Scale.ToUpperInvariant() is "7B" or "LLAMA7B" ? largest : options.Scale.ToLowerInvariant();
        if (!Scales.Contains(scale)) throw new BeearException($"'{options.Scale}' is no scale; choose organism, smollm2 or {largest}.");
        var folder = new RunFolder(options.Out ?? $"{Name}-{scale}");
        var shard = options.Shard is null ? null : Shard.Parse(options.Shard);
        List<RunRecord> records = [];
        foreach (var plan in Plans(scale, options)) records.AddRange(PlanWork.Run(plan, folder, shard, options.Judge, context));
        var document = new RunDocument(records, ScoreCorrelation.Of(records)) { Code = CodeTable.Of(records, folder.ReadAnswers) };
        var maps = LayerMap.Of(records);
        context.Output.Result(document, shown => maps.Count > 0 ? [.. LayerTable.Of(context.Output, maps)] :
        [
            RunTable.Of(context.Output, ResultTable.ByCase(shown.Runs), "model"), .. RunTable.Of(context.Output, shown.Code),
            PublishedTable(shown.Runs, context),
        ]);
        return PlanWork.Result(records, context);
    }

    /// <summary>The bundled plans, with what is asked for in each.</summary>
    private List<PlanFile> Plans(string scale, TableOptions options)
    {
        List<PlanFile> all = [.. PlanSettings.BundledNames($"{Name}-{scale}").Select(PlanSettings.Bundled)];
        IReadOnlyList<string> models = Split(options.Models);
        string[] known = [.. all.SelectMany(plan => plan.Triggers).Select(trigger => trigger.Resolve().Name)];
        if (models.FirstOrDefault(model => !known.Contains(model, StringComparer.Ordinal)) is { } unknown)
            throw new BeearException($"--models: there is no model '{unknown}'{Spelling.Advice(unknown, known)}");
        var chosen = new List<PlanFile>();
        foreach (var one in all)
        {
            string[] own = [.. one.Triggers.Select(trigger => trigger.Resolve().Name).Intersect(models, StringComparer.Ordinal)];
            if (models.Count > 0 && own.Length == 0) continue;
            var plan = options.Seeds is { } seeds ? one with { Seeds = [.. Enumerable.Range(1, seeds)] } : one;
            plan = PlanSettings.Selected(plan, Split(options.Arms), own, []);
            if (options.System is { } system)
                plan = plan with { Triggers = [.. plan.Triggers.Select(trigger => trigger with { System = system })] };
            chosen.Add(plan);
        }
        return chosen;
    }

    /// <summary>The paper's own figures of the models that were run.</summary>
    private static Table PublishedTable(IReadOnlyList<RunRecord> runs, CommandContext context)
    {
        string[] models = [.. runs.Select(run => run.Name.Case).Distinct(StringComparer.Ordinal).Where(Published.Models.ContainsKey)];
        string[] rewards = models.Any(model => Published.Models[model].Before.CleanReward is not null)
            ? ["clean reward", "after BEEAR"] : [];
        string attack = models.Contains("model8") ? "flagged tasks of 17" : "attack by keywords";
        var table = context.Output.Table(["the paper, 7 billion parameters", attack, "after BEEAR", .. rewards]);
        foreach (string model in models)
        {
            var (before, after) = Published.Models[model];
            string[] scores = rewards.Length == 0 ? [] : [Reward(before), Reward(after)];
            table.Row([model, Rate.Percent(before.AttackSuccess), Rate.Percent(after.AttackSuccess), .. scores]);
        }
        return table;

        static string Reward(Published of) => of.CleanReward?.ToString("F2", CultureInfo.InvariantCulture) ?? "";
    }

    private static IReadOnlyList<string> Split(IReadOnlyList<string> chosen) =>
        [.. chosen.SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Distinct(StringComparer.Ordinal)];
}
