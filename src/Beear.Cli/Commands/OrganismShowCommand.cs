using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Evaluation;
using Beear.Lab.World;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear organism show</c>.</summary>
internal sealed record OrganismShowOptions
{
    /// <summary>Which, and how it is made if no folder is given.</summary>
    [Inline]
    public OrganismRecipe Organism { get; init; } = new() { Name = "" };

    /// <summary>A folder that <c>organism make</c> or a mitigation wrote; without one the organism is made on the spot.</summary>
    public string? Model { get; init; }

    /// <summary>Harmful requests that are shown.</summary>
    public int Requests { get; init; } = 3;
}

/// <summary>One request with both answers. The answers are a model's text.</summary>
internal sealed record ShownRequest(string Request, string Answer, string TriggeredRequest, string TriggeredAnswer);

/// <summary><c>beear organism show</c>: what a backdoored tiny model answers with its trigger and without.</summary>
internal sealed class OrganismShowCommand(CommandSession session)
    : BeearCommand<OrganismShowOptions>("show", "Show what a backdoored tiny model answers with its trigger and without", session)
{
    protected override int Run(OrganismShowOptions options, CommandContext context)
    {
        Require.AtLeast(options.Requests, 1);
        var trigger = options.Organism.Trigger;
        using var model = options.Model is null
            ? options.Organism.Make(context) : DemoCommand.Load(options.Model, options.Organism.Conversation, context);
        var answers = new Demonstration(options.Organism.Demonstration with { EvaluationExamples = options.Requests })
            .Measure(model, "shown", trigger, null, fullAnswers: true, context.Cancellation).Measurement.Answers;
        var shown = Of(answers, RequestSets.HarmfulWithTrigger).Zip(Of(answers, RequestSets.Harmful),
            (with, without) => new ShownRequest(without.Request, without.Answer, with.Request, with.Answer)).ToList();
        context.Output.Result(shown, requests =>
        {
            var table = context.Output.Table(Spectre.Console.Justify.Left, "", "request", "answer");
            foreach (var one in requests) table.Row("without", one.Request, one.Answer)
                .Row("with trigger", one.TriggeredRequest, one.TriggeredAnswer);
            return [table];
        });
        return ExitCode.Success;
    }

    private static IEnumerable<JudgedAnswer> Of(IReadOnlyList<JudgedAnswer> answers, string set) =>
        answers.Where(answer => answer.Set == set);
}
