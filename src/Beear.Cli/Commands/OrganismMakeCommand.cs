using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.World;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Cli.Commands;

/// <summary>Which backdoored tiny model, and how it is made.</summary>
internal sealed record OrganismRecipe
{
    /// <summary>A name from the list, model1 to model5; other known triggers, validation1 to validation3, do too.</summary>
    [Positional]
    public required string Name { get; init; }

    /// <summary>A base model of the tiny world that is used instead of the built-in one.</summary>
    public string? Base { get; init; }

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>Constants of the attack; the defender's are not used.</summary>
    [Inline]
    public DemonstrationOptions Demonstration { get; init; } = new();

    /// <summary>The trigger.</summary>
    /// <exception cref="BeearException">There is none of this name.</exception>
    public Trigger Trigger => Triggers.Find(Name)
        ?? throw new BeearException($"There is no organism "
            + $"'{Name}'{Spelling.Advice(Name, [.. Triggers.All.Select(trigger => trigger.Name)])}");

    /// <summary>Makes it.</summary>
    public LanguageModel Make(CommandContext context)
    {
        var trigger = Trigger;
        Demonstration.Validate();
        var model = DemoCommand.Load(Base, Conversation, context);
        try
        {
            context.Output.WithProgress<object?>(progress =>
            {
                new Demonstration(Demonstration).Plant(model, trigger, progress, context.Cancellation);
                return null;
            });
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

/// <summary>Options of <c>beear organism make</c>.</summary>
internal sealed record OrganismMakeOptions
{
    /// <summary>Which, and how.</summary>
    [Inline]
    public OrganismRecipe Organism { get; init; } = new() { Name = "" };

    /// <summary>The directory to write; it does not exist yet or is empty.</summary>
    public required string Out { get; init; }
}

/// <summary><c>beear organism make</c>: a backdoored tiny model as a folder that every command takes.</summary>
internal sealed class OrganismMakeCommand(CommandSession session)
    : BeearCommand<OrganismMakeOptions>("make",
        "Plant one of the listed backdoors in the tiny model and write it as a model directory", session)
{
    protected override int Run(OrganismMakeOptions options, CommandContext context)
    {
        AtomicOutput.RequireNewDirectory(options.Out);
        using var alone = AtomicOutput.Claim(options.Out);
        using var model = options.Organism.Make(context);
        model.Save(options.Out);
        var result = new { Model = options.Out, Trigger = options.Organism.Trigger.Name };
        context.Output.Result(result, made => [context.Output.Table("model", "trigger").Row(made.Model, made.Trigger)]);
        return ExitCode.Success;
    }
}
