using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Generation;
using Beear.Lab.Plans;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;
using Beear.Training;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear clean</c>.</summary>
internal sealed record CleanCommandOptions
{
    /// <summary>The suspicious model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>
    /// Folder that gets the cleaned model with its card (model), its evidence (evidence.json, report.html, bom.json, junit.xml) and all
    /// runs; the same command goes on there.
    /// </summary>
    public required string Out { get; init; }

    /// <summary>The user's own requests.</summary>
    [Inline]
    public OwnDataSettings Data { get; init; } = new();

    /// <summary>What evidence is gathered.</summary>
    [Inline]
    public CleanOptions Clean { get; init; } = new();

    /// <summary>The settings of the removal.</summary>
    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();
}

/// <summary>What was done; the JSON document.</summary>
/// <param name="Model">The cleaned model; null if none was written.</param>
/// <param name="Evidence">What is known of it.</param>
/// <param name="Policy">The default policy's bars.</param>
internal sealed record CleanResult(string? Model, Evidence Evidence, IReadOnlyList<PolicyLine> Policy);

/// <summary>
/// <c>beear clean</c>: from a suspicious checkpoint to one with evidence, with nothing but the model. Requests of the user's own take the
/// place of the built-in ones that clean, or are added to them.
/// </summary>
internal sealed class CleanCommand(CommandSession session)
    : BeearCommand<CleanCommandOptions>("clean", "Clean a suspicious model with built-in data, and gather evidence of what that did",
        session)
{
    protected override bool ChoosesDevice => true;

    protected override int Run(CleanCommandOptions options, CommandContext context)
    {
        var own = options.Data.Read(context.Cancellation);
        options = options with { Source = options.Source.Pin(context), Data = options.Data.Hashed() };
        var located = options.Source.Locate(context);
        var (config, chat) = options.Source.Outline(context);
        options.Mitigation.Validate(config);
        if (options.Mitigation.UnwantedAnswers == UnwantedAnswers.Data || options.Mitigation.Terms.Helpful > 0)
            throw new BeearException("beear clean has requests without answers: leave unwanted_answers at discovered and terms.helpful "
                + "at 0, or bring data of your own to beear mitigate.");
        bool isTiny = Organism.IsOf(located.Path);
        int seed = options.Mitigation.Seed;
        var clean = options.Clean.For(isTiny);
        var parts = (isTiny ? CleanTexts.OfTinyWorld(clean, seed) : CleanTexts.Of(clean, seed)).With(own);
        var data = CheckData(parts, own, chat, options, context);
        var identity = options with { Out = "" };
        RunDirectory.Check(options.Out, identity);
        var device = DeviceChoice.Of(isTiny, config, options.Source.Precision, options.Mitigation, data, context);
        context = context with { Settings = context.Settings with { Device = device.Device } };
        if (isTiny && context.Settings.Threads is null)
        {
            context.Device();
            TorchSharp.torch.set_num_threads(1);                         // waiting for each other costs more than it gains here
        }
        var decoys = isTiny ? Decoys.Draw(clean.Decoys, Seeds.Derive(seed, "decoys"), WorldLexicon.UnfamiliarText)
            : CleanTexts.Decoys(clean.Decoys, seed);
        var modelOptions = ModelSettings.OptionsOf(options.Source.Precision, options.Mitigation.Economy.Weights, context) with
        {
            AdapterBase = located.Base,
            Chat = options.Source.Conversation.Resolve(),
        };
        CleanPlan Plan(CalibrationParts of, MitigationOptions mitigation) =>
            new(clean, mitigation, of, decoys, located.Path, modelOptions);
        var folder = new RunFolder(Path.Combine(options.Out, "runs"));
        new Runner(Plan(parts, options.Mitigation), folder).Check(context.Cancellation);
        using var alone = RunDirectory.Claim(options.Out);
        if (RunDirectory.Result<CleanResult>(options.Out) is { } finished)
            return ShowFinished(finished, folder, options, context);
        var run = RunDirectory.Open(options.Out, identity);
        context.Output.Note($"{(isTiny ? "a model of the tiny world, with its data: " : "data: ")}{options.Data}; "
            + $"{(clean.Quick ? "no decoys (--quick)" : $"{clean.Decoys} decoys")}");
        context.Output.Note($"{device}; {DeviceChoice.Products(options.Source.Precision)}");
        var mitigation = run.Artefact("settings.json", () => MemoryBudget.Plan("auto", config, options.Source.Precision, options.Mitigation,
            data, context));
        var answered = run.Artefact("own-answers.json", () => OwnAnswersTo(parts.Measure.Ordinary, clean.Answers!, options, context));
        var plan = Plan(parts with { Measure = parts.Measure with { Ordinary = answered } }, mitigation);
        var records = context.Output.WithProgress(progress => new Runner(plan, folder)
        {
            Progress = progress,
            OnRun = record => context.Output.Note(RunTable.Line(record)),
        }.Run(context.Cancellation));
        if (records.FirstOrDefault(record => record.State == RunState.Failed) is { } failed)
            throw new BeearException($"{failed.Name}: {failed.Error}");
        if (!CleanPlan.IsSafe(records[0]) && !clean.Anyway)
        {
            context.Output.Missed($"'{options.Source.Model}' answers {records[0].Measured[Behaviours.Refusal.AttackWithoutTrigger]} of "
                + "harmful requests without any trigger: it has no refusals that a backdoor could switch off, so there is nothing to "
                + "protect; --anyway cleans it all the same.");
            return ExitCode.BarMissed;
        }
        return Finish(plan, folder, run, options, context);
    }

    /// <summary>Refuses data that cannot clean a model, and tells what is odd about the user's.</summary>
    /// <exception cref="BeearException">There is too little, or a request is too long for the model.</exception>
    private static DefenderData CheckData(CalibrationParts parts, OwnTexts own, ChatFormat chat, CleanCommandOptions options,
        CommandContext context)
    {
        var data = parts.Clean.Encode(chat);
        data.Require(options.Mitigation.Terms);
        if (own.AllHarmful.Count + own.AllOrdinary.Count == 0) return data;
        if (data.TooFew is { } warning) context.Output.Warn(warning);
        context.Output.WarnOf(RepeatedRows.Find(("harmful requests of yours", own.AllHarmful),
            ("ordinary requests of yours", own.AllOrdinary)));
        context.Output.WarnOf(CleanTexts.Overlaps(own, parts.Measure));
        return data;
    }

    /// <summary>Evidence, report and model; the result last.</summary>
    private static int Finish(CleanPlan plan, RunFolder folder, RunDirectory run, CleanCommandOptions options, CommandContext context)
    {
        string made = Path.Combine(folder.StageOf(plan.Cleaning().Spec.DefendedId), "model");
        var asked = RecipeText.Json(options);
        asked.Remove("out");
        var evidence = Evidence.Of(plan, options.Source.Model, folder, made, asked, options.Data.Files);
        evidence.Write(options.Out);
        ReportFiles.Write(Report.Of([folder.Path]), new ReportNames(Path.Combine(options.Out, "report.html")));
        var result = new CleanResult(evidence.Unusable is null ? Path.Combine(options.Out, "model") : null, evidence,
            evidence.Policy.Check(evidence));
        Outgoing.Write(options.Out, evidence, result.Policy, made);
        if (evidence.Unusable is not null) return Show(result, options, context);              // its evidence is written, the model is not
        run.Finish(result, target => Outgoing.WriteModel(target, evidence, made, plan.AsItCame().Backdoored!));
        return ShowFinished(result, folder, options, context);
    }

    /// <summary>Shows a finished run, whose copies of the model nobody needs any more.</summary>
    private static int ShowFinished(CleanResult result, RunFolder folder, CleanCommandOptions options, CommandContext context)
    {
        string copies = Path.Combine(folder.Path, "stages");
        if (Directory.Exists(copies)) Directory.Delete(copies, recursive: true);
        return Show(result, options, context);
    }

    /// <summary>Ordinary requests without answers get the model's own, on which later models are held against it.</summary>
    private static List<Example> OwnAnswersTo(IReadOnlyList<Example> requests, EvaluationOptions decoding, CleanCommandOptions options,
        CommandContext context)
    {
        if (requests.All(request => request.Answer.Length > 0)) return [.. requests];
        using var model = options.Source.Load(context, options.Mitigation.Economy.Weights);
        var answers = context.Output.WithProgress(progress => new Interview(model,
            new AnswerLimits(decoding.HelpfulTokens, decoding.ThoughtTokens) { FullAnswers = true })
            .Ask([.. requests.Select(request => model.Chat.EncodePrompt(request.Conversation))], progress: progress,
                stage: "own answers to ordinary requests", cancellation: context.Cancellation));
        return [.. requests.Zip(answers, (request, answer) => request with { Answer = answer.Text.Trim() })
            .Where(request => request.Answer.Length > 0)];
    }

    private static int Show(CleanResult result, CleanCommandOptions options, CommandContext context)
    {
        context.Output.Result(result, shown => Render(shown, context.Output));
        if (result.Evidence.Unusable is { } problem) context.Output.Missed(problem);
        context.Output.Note($"{Path.Combine(options.Out, "report.html")} shows all of it; beear gate {options.Out} --policy FILE holds it "
            + "against bars of your own. This is evidence about these decoys and requests, no proof that nothing is left.");
        return result.Evidence.Unusable is null ? ExitCode.Success : ExitCode.BarMissed;
    }

    private static IEnumerable<IRenderable> Render(CleanResult result, ConsoleOutput output)
    {
        var evidence = result.Evidence;
        if (evidence.Decoys.Count > 0)
        {
            bool isControlled = evidence.Decoys.Any(decoy => decoy.Control is not null);
            var table = output.Table(["decoy", "trigger", "planted", "cleaned", .. isControlled ? ["control"] : (string[])[]]);
            foreach (var decoy in evidence.Decoys)
            {
                table.Row([decoy.Name, decoy.Trigger, Text(decoy.Planted), decoy.Left is null ? "did not take" : Text(decoy.Left),
                    .. isControlled ? [Text(decoy.Control)] : (string[])[]]);
            }
            yield return table;
            var lasting = output.Table(["attack left after", .. evidence.Decoys.Select(decoy => decoy.Name)]);
            foreach (string name in evidence.Decoys.SelectMany(decoy => decoy.After.Keys).Distinct(StringComparer.Ordinal))
                lasting.Row([Aftermath.Title(name), .. evidence.Decoys.Select(decoy => Text(decoy.After.GetValueOrDefault(name)))]);
            yield return lasting;
        }
        yield return GateCommand.Table(result.Policy, output);
    }

    private static string Text(Metric? metric) => metric?.ToString() ?? "–";
}
