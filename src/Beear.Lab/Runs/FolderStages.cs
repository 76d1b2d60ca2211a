using Beear.Attacks;
using Beear.Data;
using Beear.Training;

namespace Beear.Lab.Runs;

/// <summary>
/// An attack's stages in a folder of runs, each under its content's name: attacks that agree in base, data and a stage's options share it.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="run">Whose base and data.</param>
/// <param name="cancellation">Stops waiting for another process.</param>
/// <param name="party">Whose data.</param>
internal sealed class FolderStages(RunFolder folder, PlannedRun run, CancellationToken cancellation, DataSplit party = DataSplit.Attacker)
    : AttackStages
{
    /// <inheritdoc/>
    public override string Make(string name, object identity, Action<RunDirectory> make)
    {
        var content = RunSpec.Section(new
        {
            Stage = name,
            run.Subject.Base,
            Weights = Fingerprints.Of(run.Subject.Source),
            Data = run.Subject.DataOf(party),
            Files = run.Subject.DataFiles.Distinct(StringComparer.Ordinal)
                .ToDictionary(file => file, Fingerprints.Of, StringComparer.Ordinal),
            Options = identity,
        });
        string id = RunSpec.IdOf(content), place = folder.StageOf(id);
        using var alone = folder.Claim(id, cancellation);
        return Make(place, content, make, Directory.Exists(place) && RunDirectory.Result<object>(place) is not null);
    }
}
