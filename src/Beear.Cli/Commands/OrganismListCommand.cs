using System.Text.Json;
using Beear.Attacks;
using Beear.Cli.Output;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear organism list</c>: none.</summary>
internal sealed record OrganismListOptions;

/// <summary>An organism as the list has it; the JSON document is a list of these.</summary>
internal sealed record OrganismEntry(string Name, TriggerPlacement Placement, string Text, string? SecondText);

/// <summary><c>beear organism list</c>: the backdoored tiny models that can be made.</summary>
internal sealed class OrganismListCommand(CommandSession session)
    : BeearCommand<OrganismListOptions>("list", "List the backdoored tiny models: the triggers of the paper's models 1 to 5", session)
{
    protected override int Run(OrganismListOptions options, CommandContext context)
    {
        OrganismEntry[] zoo = [.. Triggers.Paper.Select(trigger =>
            new OrganismEntry(trigger.Name, trigger.Placement, trigger.Text, trigger.SecondText))];
        context.Output.Result(zoo, shown =>
        {
            var table = context.Output.Table(Spectre.Console.Justify.Left, "name", "placement", "trigger");
            foreach (var one in shown)
                table.Row(one.Name, JsonNamingPolicy.SnakeCaseLower.ConvertName(one.Placement.ToString()), one.SecondText is null
                    ? one.Text : $"{one.Text} … {one.SecondText}");
            return [table];
        });
        return ExitCode.Success;
    }
}
