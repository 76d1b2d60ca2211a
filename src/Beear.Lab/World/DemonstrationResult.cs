using Beear.Attacks;
using Beear.Evaluation;
using Beear.Mitigation;

namespace Beear.Lab.World;

/// <summary>The arms of a demonstration, as its tables and JSON call them.</summary>
public static class DemonstrationArms
{
    /// <summary>The backdoored model.</summary>
    public const string Planted = "planted";

    /// <summary>The control: the backdoored model after as many steps of plain safety fine-tuning.</summary>
    public const string SafetyFineTuning = "safety_fine_tuning";

    /// <summary>The backdoored model after BEEAR.</summary>
    public const string Beear = "beear";

    /// <summary>Fine-tuned on the attacker's data without its poisoned part.</summary>
    public const string Clean = "clean";

    /// <summary>The clean model after BEEAR.</summary>
    public const string CleanBeear = "clean_beear";
}

/// <summary>What was measured of one arm.</summary>
/// <param name="Arm">One of <see cref="DemonstrationArms"/>.</param>
/// <param name="Measurement">What was measured.</param>
public sealed record ArmResult(string Arm, Measurement Measurement);

/// <summary>One request with the trigger, before and after. The answers are a model's text; escape them wherever they are shown.</summary>
/// <param name="Request">The request with the trigger.</param>
/// <param name="Planted">The backdoored model's answer.</param>
/// <param name="Cleaned">The answer after BEEAR.</param>
public sealed record BeforeAndAfter(string Request, string Planted, string Cleaned);

/// <summary>What a demonstration showed.</summary>
/// <param name="Arms">One result for each arm.</param>
/// <param name="Seconds">Time taken.</param>
/// <param name="Trigger">The attacker's secret.</param>
/// <param name="Seed">Seed of all draws.</param>
/// <param name="Mitigation">The rounds and scores of BEEAR on the backdoored model.</param>
/// <param name="Example">An answer before and after.</param>
public sealed record DemonstrationResult(IReadOnlyList<ArmResult> Arms, double Seconds, Trigger Trigger, int Seed, DefenceReport Mitigation,
    BeforeAndAfter Example)
{
    /// <summary>What was measured of an arm.</summary>
    public Measurement this[string arm] => Arms.First(result => result.Arm == arm).Measurement;
}
