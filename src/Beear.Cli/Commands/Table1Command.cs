using System.Text.Json.Nodes;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Experiments;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear reproduce table1</c>.</summary>
internal sealed record Table1CommandOptions : IValidatable
{
    /// <summary>organism (minutes), smollm2 (tens of minutes a model) or 7b (Llama-2-7b-Chat, a GPU).</summary>
    public string Scale { get; init; } = "organism";

    /// <summary>Seeds of attacker, defender and evaluation: 1 to this.</summary>
    public int Seeds { get; init; } = 5;

    /// <summary>Only these models, model1 to model5.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>
    /// Only these arms: planted, safety_fine_tuning, beear, latent_adversarial_training, crow, token_space, direction_ablation,
    /// inject_and_recover, wrong_trigger, clean, clean_beear.
    /// </summary>
    public IReadOnlyList<string> Arms { get; init; } = [];

    /// <summary>Folder of the recipes model1.yaml to model5.yaml and table1.yaml.</summary>
    public string Recipes { get; init; } = "recipes";

    /// <summary>Folder of models, runs and reports, table1-SCALE if not given; the same command goes on where it ends, and several at once share the work.</summary>
    public string? Out { get; init; }

    /// <summary>The system prompt of all models, in place of their recipes': its text, or @FILE for that of a file. Those of the tiny world have none without it.</summary>
    public string? System { get; init; }

    /// <summary>Who judges the answers to harmful requests, and those to MT-Bench.</summary>
    [Inline]
    public JudgeSettings Judge { get; init; } = new();

    /// <summary>Harmful requests of each kind whose answers the report shows.</summary>
    public int Examples { get; init; } = 3;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Seeds, 1);
        Require.AtLeast(Examples, 0);
        _ = Conversation(null);
    }

    /// <summary>What every conversation with a model has.</summary>
    /// <param name="system">The system prompt of its recipe.</param>
    internal ConversationSettings Conversation(string? system) => new ConversationSettings { System = System ?? system }.WithText();
}

/// <summary>The JSON document.</summary>
internal sealed record Table1Document(string Scale, int Seeds, string? Judge, IReadOnlyList<JsonObject> Models);

/// <summary><c>beear reproduce table1</c>: models 1 to 5, planted and cleaned by every defence.</summary>
internal sealed class Table1Command(CommandSession session)
    : BeearCommand<Table1CommandOptions>("table1", "Models 1 to 5: planted, cleaned by BEEAR and by what it is compared with, and measured", session)
{
    private static readonly string[] Names = ["model1", "model2", "model3", "model4", "model5"];

    protected override int Run(Table1CommandOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("the table has the seeds 1 to --seeds");
        var scale = PaperModel.ParseScale(options.Scale);
        var names = Selected("--models", options.Models, Names);
        var arms = Selected("--arms", options.Arms, [.. Table1Arm.All.Select(arm => arm.Name)]);
        var papers = names.Select(name => Recipe.Read<PaperModel>(Path.Combine(options.Recipes, $"{name}.yaml"))).ToList();
        var defences = Recipe.Read<Table1Options>(Path.Combine(options.Recipes, "table1.yaml"))[scale];
        string folder = options.Out ?? $"table1-{options.Scale}";
        var device = context.Device();
        if (scale == PaperScale.Organism && context.Settings.Threads is null) TorchSharp.torch.set_num_threads(1);   // as in the demonstration
        var (judge, bench) = (options.Judge.Open(context), options.Judge.ReadMtBench());
        var models = papers.ConvertAll(paper => Model(paper, scale, device, options, context));

        var work = new Table1(models, defences, [.. Table1Arm.All.Where(arm => arms.Contains(arm.Name))], options.Seeds, folder) { MtBench = bench };
        work.Check(context.Cancellation);
        foreach (var model in models) context.Output.WarnOf(model.Subject.DataWarnings(context.Cancellation));
        foreach (var model in models) new LocatedModel(model.Backdoored ?? model.Subject.Source, model.Subject.ModelOptions.AdapterBase).Told(context);
        var runs = context.Output.WithProgress(progress => work
            .Run(run => context.Output.Note($"{run.Trigger}: {FrontierTable.Line(run)}"), progress, context.Cancellation));
        if (judge is not null)
        {
            var judging = new Table1Judging(folder);
            runs = context.Output.WithProgress(progress => judge.Use(judging.File, asked => judging.RunAsync(runs, asked, judge.Template, bench, progress, context.Cancellation)));
            var unjudged = EvaluationResult.Sum(runs.Select(run => run.Result.UnjudgedReasons));
            JudgeTable.Warn(context.Output, unjudged, options.Judge.JudgeTokens);
        }
        var table = Table1ModelResult.Of(papers, runs, folder, options.Examples);
        var document = new Table1Document(options.Scale, options.Seeds, judge?.Name, [.. table.Select(model => model.ToJson())]);
        context.Output.Result(document, _ => Table1Table.Of(context.Output, table, judge is not null));
        Table1Files.Write(folder, document, table);
        context.Output.Note($"written: {Path.Combine(folder, "report.html")}, table1.csv, table1.json");
        return ExitCode.Success;
    }

    private static Table1Model Model(PaperModel paper, PaperScale scale, TorchSharp.torch.Device device, Table1CommandOptions options, CommandContext context)
    {
        if (scale == PaperScale.Organism)
            return new Table1Model(paper, new OrganismSubject(options.System is null ? paper.Organism : paper.Organism with { Conversation = options.Conversation(null) }, device));
        var real = paper.ScaleOf(scale);
        var subject = real.Subject with
        {
            Answers = real.Subject.Answers with { FullAnswers = true },      // the report shows some
            Conversation = real.Subject.Conversation with { System = options.Conversation(real.Subject.Conversation.System ?? paper.System).System },
        };
        var source = LocatedModel.Of(subject.Source, subject.AdapterBase, context);
        var backdoored = real.Backdoored is null ? null : LocatedModel.Of(real.Backdoored, adapterBase: null, context);
        return new Table1Model(paper, new ModelSubject(subject, source.Path, device, source.Base ?? backdoored?.Base), backdoored?.Path);
    }

    private static IReadOnlyList<string> Selected(string flag, IReadOnlyList<string> chosen, IReadOnlyList<string> all)
    {
        if (chosen.Count == 0) return all;
        string[] names = [.. chosen.SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];
        if (names.FirstOrDefault(name => !all.Contains(name)) is { } unknown) throw new BeearException($"{flag}: there is no '{unknown}'{Spelling.Advice(unknown, all)}");
        return [.. all.Where(names.Contains)];
    }
}
