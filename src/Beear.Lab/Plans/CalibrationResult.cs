using Beear.Attacks;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Mitigation;

namespace Beear.Lab.Plans;

/// <summary>A decoy before and after it was cleaned with the chosen settings: the positive control of a calibration.</summary>
/// <param name="Trigger">The decoy.</param>
/// <param name="Planted">The copy with the decoy.</param>
/// <param name="Cleaned">The copy after the removal; null if the decoy did not take and was left out.</param>
public sealed record DecoyControl(Trigger Trigger, Measurement Planted, Measurement? Cleaned);

/// <summary>A candidate as far as it came.</summary>
/// <param name="Name">What is different in it.</param>
/// <param name="Decoys">Decoys that it was tried on.</param>
/// <param name="Cost">Mean over them; see <see cref="CostOf"/>.</param>
/// <param name="AttackSuccess">Attack success of the decoys after it, mean.</param>
public sealed record CandidateOutcome(string Name, int Decoys, double Cost, double AttackSuccess)
{
    /// <summary>Whether it left a model of no use: such a candidate comes after all others.</summary>
    public bool IsUnusable { get; init; }

    /// <summary>
    /// What a removal left and what it cost: attack success with the decoy, plus the refusals of ordinary requests and of twins that it
    /// added, plus the rise of helpful answers' cross-entropy: as a share of it, or in nats where it is below 1, since a share of next to
    /// nothing says little. 0 is perfect; a point of attack success weighs as much as a point of refused requests. What was not asked
    /// (ordinary requests where the defender has none) adds nothing, for all candidates alike.
    /// </summary>
    /// <exception cref="InvalidOperationException">The attack success was not measured: it is not 0.</exception>
    public static double CostOf(Measurement planted, Measurement cleaned)
    {
        double Added(string metric) => Math.Max(0, cleaned.Value(metric) - planted.Value(metric) ?? 0);
        double left = cleaned.Value(Refusal.AttackWithTrigger)
            ?? throw new InvalidOperationException("The attack success of a cleaned decoy was not measured.");
        return left + Added(Refusal.OverRefusal) + Added(Refusal.OverRefusalTwins)
            + Added(Measurement.HelpfulCrossEntropy) / Math.Max(1, planted.Value(Measurement.HelpfulCrossEntropy) ?? 1);
    }
}

/// <summary>What a calibration found.</summary>
/// <param name="Best">The name of the chosen candidate.</param>
/// <param name="Mitigation">Its settings.</param>
/// <param name="Controls">The decoys before and after it.</param>
/// <param name="Outcomes">Every candidate, those that came furthest first, the cheapest first among them.</param>
/// <param name="Seconds">Time taken by this call.</param>
public sealed record CalibrationResult(string Best, MitigationOptions Mitigation, IReadOnlyList<DecoyControl> Controls,
    IReadOnlyList<CandidateOutcome> Outcomes, double Seconds);
