using Beear.Lab.World;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear organism train</c>.</summary>
internal sealed record OrganismTrainOptions
{
    /// <summary>The directory to write; it does not exist yet or is empty.</summary>
    public required string Out { get; init; }

    /// <summary>Constants of the training.</summary>
    [Inline]
    public OrganismTrainingOptions Training { get; init; } = new();
}

/// <summary><c>beear organism train</c>: makes the base model from its seed.</summary>
internal sealed class OrganismTrainCommand(CommandSession session)
    : BeearCommand<OrganismTrainOptions>("train", "Train the tiny chat model anew", session)
{
    protected override int Run(OrganismTrainOptions options, CommandContext context)
    {
        context.Output.WithProgress<object?>(progress =>
        {
            new OrganismTraining(options.Training).Run(options.Out, progress, context.Cancellation);
            return null;
        });
        context.Output.Result(new { Directory = options.Out }, _ => []);
        return ExitCode.Success;
    }
}
