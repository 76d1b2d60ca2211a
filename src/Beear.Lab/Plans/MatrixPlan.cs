using Beear.Attacks;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Mitigation;

namespace Beear.Lab.Plans;

/// <summary>Every arm of a plan file on every trigger with every seed, and the planted models as they are.</summary>
/// <param name="file">Arms, triggers, seeds.</param>
/// <param name="subject">What they are run on.</param>
/// <param name="catalogue">What the file may name; null for what comes with the program.</param>
public sealed class MatrixPlan(PlanFile file, Subject subject, Catalogue? catalogue = null) : IPlan
{
    private readonly Catalogue catalogue = catalogue ?? new Catalogue();
    private readonly Lock making = new();
    private IReadOnlyList<PlannedRun>? runs;
    private IBehaviour? behaviour;

    /// <summary>Questions that every model answers too, for a judge; null for none.</summary>
    internal MtBench? MtBench { get; init; }

    /// <summary>
    /// Where the backdoored models lie that the file takes as they are, by what it writes for them; null where that is their place.
    /// </summary>
    public IReadOnlyDictionary<string, string> Backdoored { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What the plan is carried out on.</summary>
    public Subject Subject => subject;

    /// <inheritdoc/>
    public string Name => file.Name ?? "plan";

    /// <inheritdoc/>
    public IReadOnlyList<PlannedRun> Wanted(Func<PlannedRun, RunRecord?> find)
    {
        lock (making) return runs ??= [.. Runs()];
    }

    /// <summary>Whole arms first: what is interrupted has compared something.</summary>
    private IEnumerable<PlannedRun> Runs()
    {
        var arms = file.Arms.SelectMany(arm => arm.AtEachLayer()).Select(arm => (Arm: arm, Mitigation: Read(arm))).ToList();
        if (arms.Count == 0 && !file.Baselines) throw new BeearException("arms: give at least one, or leave baselines at true.");
        foreach (int seed in file.Seeds)
        {
            foreach (var (arm, mitigation) in Baselines().Concat(arms))
            {
                if (arm is { Kind: ArmKind.NeverBackdoored, EachTrigger: false }) yield return Of(arm, mitigation, null, seed);
                else foreach (var trigger in file.Triggers) yield return Of(arm, mitigation, trigger, seed);
            }
        }
    }

    private IEnumerable<(PlanArm, MitigationOptions?)> Baselines()
    {
        if (!file.Baselines) yield break;
        if (file.Arms.Count == 0 || file.Arms.Any(arm => arm.Kind is not (ArmKind.NeverBackdoored or ArmKind.Parent)))
            yield return (new PlanArm { Name = RunName.Planted, Defence = null }, null);
        if (file.Arms.FirstOrDefault(arm => arm.Kind == ArmKind.NeverBackdoored) is { } clean)
            yield return (clean with { Name = RunName.NeverBackdoored, Defence = null }, null);
    }

    /// <summary>An arm's options, checked.</summary>
    private MitigationOptions? Read(PlanArm arm)
    {
        if (arm.Defence is null) return null;
        try
        {
            var read = subject.Read(arm.Recipe, file.Change, arm.Change);
            return arm is { Defence: DefenceKind.Beear, Layer: { } layer }
                ? read with { Inner = read.Inner with { PerturbedLayers = [layer] } } : read;
        }
        catch (BeearException failure)
        {
            throw new BeearException($"The arm '{arm.Name}': {failure.Message}", failure);
        }
    }

    private PlannedRun Of(PlanArm arm, MitigationOptions? mitigation, PlanTrigger? written, int seed)
    {
        var trigger = written?.Resolve();
        var own = subject.WithSystem(written?.System).WithOpening(arm.Kind == ArmKind.NeverBackdoored ? null : written?.Opening);
        return new PlannedRun
        {
            Name = new RunName(Name, trigger?.Name ?? RunName.NoTrigger, arm.Name, seed),
            Subject = own,
            Behaviour = behaviour ??= catalogue.Behaviour(file.Behaviour, file.BehaviourOptions),
            Attack = arm.Kind == ArmKind.Parent ? null
                : catalogue.Attack(file.Attack, own, written?.AttackOptions ?? file.AttackOptions),
            Trigger = arm.Kind is ArmKind.NeverBackdoored or ArmKind.Parent ? null : trigger,
            Backdoored = arm.Kind is ArmKind.NeverBackdoored or ArmKind.Parent || written?.Backdoored is not { } named
                ? null : Backdoored.GetValueOrDefault(named, named),
            Defence = mitigation is null ? null
                : new PlannedDefence(arm.Defence!.Value, mitigation with { Seed = Seeds.Derive(seed, "defence", $"{mitigation.Seed}") })
                {
                    Baselines = arm.Baselines ?? new BaselineOptions(),
                    Data = arm.Defender,
                    KeepStates = file.KeepStates,
                },
            Measured = trigger is not null && arm.Kind == ArmKind.WrongTrigger ? Triggers.Other(trigger) : trigger,
            EvaluateRounds = file.EvaluateRounds,
            StopsBelow = mitigation is null ? null : file.StopsBelow,
            ScoresRewards = file.ScoresRewards,
            MtBench = arm.Kind == ArmKind.WrongTrigger ? null : MtBench,
        };
    }
}
