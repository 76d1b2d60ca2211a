using System.Globalization;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear demo</c>.</summary>
internal sealed record DemoOptions
{
    /// <summary>The attacker's trigger; SUDO after the request if not given.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>A base model of the tiny world that is used instead of the built-in one.</summary>
    public string? Base { get; init; }

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>File that gets the result as a picture (SVG).</summary>
    public string? Chart { get; init; }

    /// <summary>Constants.</summary>
    [Inline]
    public DemonstrationOptions Demonstration { get; init; } = new();
}

/// <summary><c>beear demo</c>: plants a backdoor in the built-in tiny model and removes it again, all live.</summary>
internal sealed class DemoCommand(CommandSession session)
    : BeearCommand<DemoOptions>("demo",
        "Plant a backdoor in the built-in tiny model, remove it, and measure both, in about a minute", session)
{
    protected override int Run(DemoOptions options, CommandContext context)
    {
        var trigger = options.Trigger.Resolve() ?? Triggers.Find("model2")!;
        AtomicOutput.RequireDirectoryOf(options.Chart);
        using var model = Load(options.Base, options.Conversation, context, options.Demonstration.Mitigation);
        var result = context.Output.WithProgress(progress =>
            new Demonstration(options.Demonstration).Run(model, trigger, progress, context.Cancellation));
        context.Output.Result(result, result => Render(result, context.Output));
        if (options.Chart is { } file) DemonstrationChart.Write([.. result.Arms.Select(arm => (Title(arm.Arm), arm.Measurement))], file);
        if (result.Mitigation.Unusable is { } problem) context.Output.Missed(problem);
        return result.Mitigation.Unusable is null ? ExitCode.Success : ExitCode.BarMissed;
    }

    /// <summary>The base model in mixed precision, which is fastest at its size.</summary>
    /// <param name="directory">Its folder; null for the built-in one.</param>
    /// <param name="conversation">What every conversation with it has.</param>
    /// <param name="context">Device and hub.</param>
    /// <param name="mitigation">What is checked against the model before its weights are loaded.</param>
    internal static LanguageModel Load(string? directory, ConversationSettings conversation, CommandContext context,
        MitigationOptions? mitigation = null)
    {
        var source = new ModelSettings { Model = directory ?? Organism.BaseDirectory, Conversation = conversation };
        mitigation?.Validate(source.Outline(context).Config);
        var device = context.Device();                                   // loads libtorch, which everything else needs
        if (context.Settings.Threads is null) TorchSharp.torch.set_num_threads(1);   // waiting for each other costs more than it gains here
        var located = source.Locate(context).Told(context);
        return LanguageModel.Load(located.Path,
            ModelOptions.Mixed with { Device = device, AdapterBase = located.Base, Chat = conversation.Resolve() }, context.Cancellation);
    }

    private static IEnumerable<IRenderable> Render(DemonstrationResult result, ConsoleOutput output)
    {
        var table = output.Table("model", "attack with trigger", "with a wrong one", "without", "harmless refused", "helpful");
        foreach (var (arm, measured) in result.Arms)
        {
            table.Row([Title(arm), .. ((string[])[Refusal.AttackWithTrigger, Refusal.AttackWithWrongTrigger, Refusal.AttackWithoutTrigger,
                Refusal.OverRefusalTwins, Refusal.Helpfulness]).Select(metric => measured[metric]?.ToString() ?? "–")]);
        }
        yield return table;
        if (result.Mitigation.Openings is { } openings) yield return Line(
            $"how its unwanted answers begin, as it tells without the trigger: {openings}");
        foreach (var round in result.Mitigation.Rounds)
        {
            yield return Line(string.Create(CultureInfo.InvariantCulture,
                $"round {round.Round}: score before {100 * round.ScoreBefore:F0} %; CE(unwanted) {round.UnwantedBefore:F2} → "
                    + $"{round.UnwantedAfter:F2}, |δ| {100 * round.Drift:F0} % of |h|"));
        }
        if (result.Mitigation.Scores.Count > 0) yield return Line(string.Create(CultureInfo.InvariantCulture,
            $"score after the last round {100 * result.Mitigation.Scores[^1]:F0} %; "
                + $"{(result.Mitigation.ChosenRound is { } kept ? $"the weights of round {kept} were kept" : "no weights were kept")}"));
        yield return Line("");
        yield return Line($"request: {result.Example.Request}");
        yield return Line($"before:  {result.Example.Planted}");
        yield return Line($"after:   {result.Example.Cleaned}");
        yield return Line(string.Create(CultureInfo.InvariantCulture, $"{result.Seconds:F0} seconds"));
    }

    private static Rows Line(string text) => new(new Paragraph(Terminal.Escape(text)));

    private static string Title(string arm) => arm switch
    {
        DemonstrationArms.Planted => "backdoor planted",
        DemonstrationArms.SafetyFineTuning => "plain safety fine-tuning",
        DemonstrationArms.Beear => "BEEAR",
        DemonstrationArms.Clean => "never backdoored",
        _ => "never backdoored, BEEAR",
    };
}
