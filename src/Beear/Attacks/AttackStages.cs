using Beear.Training;

namespace Beear.Attacks;

/// <summary>Where an attack of several stages keeps what other attacks may use too: each stage in a folder of its own.</summary>
internal abstract class AttackStages
{
    /// <summary>A stage's folder; it is made if it is not there, and a stage that was interrupted goes on.</summary>
    /// <param name="name">What the stage is called.</param>
    /// <param name="identity">All that decides its result, besides the base model and the attacker's data; serialisable to JSON.</param>
    /// <param name="make">Does the work in the run that it is given, and finishes it.</param>
    public abstract string Make(string name, object identity, Action<RunDirectory> make);

    /// <summary>The same, once the stage's folder is known and no other process is at it.</summary>
    protected static string Make(string folder, object identity, Action<RunDirectory> make, bool isFinished)
    {
        if (!isFinished) make(RunDirectory.Open(folder, identity));
        return folder;
    }
}

/// <summary>Stages as folders of one place, for an attack that stands alone.</summary>
/// <param name="place">Where.</param>
internal sealed class StageFolders(string place) : AttackStages
{
    /// <inheritdoc/>
    public override string Make(string name, object identity, Action<RunDirectory> make)
    {
        string folder = Path.Combine(place, name);
        using var alone = RunDirectory.Claim(folder);
        return Make(folder, identity, make, RunDirectory.Result<object>(folder) is not null);
    }
}
