using Beear.Lab.Runs;

namespace Beear.Lab.Plans;

/// <summary>Which runs are wanted: all at once, or by a rule that looks at those that have ended.</summary>
public interface IPlan
{
    /// <summary>What records call it.</summary>
    string Name { get; }

    /// <summary>All runs that are wanted as far as that is known; asked again when these have ended, until none is left.</summary>
    /// <param name="find">Gives the record of a run that is finished; null for any other.</param>
    /// <exception cref="BeearException">An option is wrong, or the finished runs leave nothing to do.</exception>
    IReadOnlyList<PlannedRun> Wanted(Func<PlannedRun, RunRecord?> find);
}
