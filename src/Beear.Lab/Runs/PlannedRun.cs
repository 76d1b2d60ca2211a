using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.SignOff;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.Runs;

/// <summary>One run that a plan wants: base × attack × trigger × defence × measurement × seed, and what carries it out.</summary>
public sealed class PlannedRun
{
    private readonly Lazy<RunSpec> spec;

    /// <summary>Makes a run; its properties say which.</summary>
    public PlannedRun() => spec = new Lazy<RunSpec>(Specify);

    /// <summary>What tables call it.</summary>
    public required RunName Name { get; init; }

    /// <summary>Model and data.</summary>
    public required Subject Subject { get; init; }

    /// <summary>What must not happen.</summary>
    public IBehaviour Behaviour { get; init; } = Refusal.Instance;

    /// <summary>How the backdoor is planted; null for the model as it came.</summary>
    public required PlannedAttack? Attack { get; init; }

    /// <summary>What is planted; null for the same training without a backdoor.</summary>
    public Trigger? Trigger { get; init; }

    /// <summary>A model that is backdoored already and taken as it is; null to plant.</summary>
    public string? Backdoored { get; init; }

    /// <summary>Where the model lies that is not planted here; null to plant.</summary>
    internal string? Given => Backdoored ?? (Attack is null ? Subject.Source : null);

    /// <summary>What is done about it; null for nothing.</summary>
    public PlannedDefence? Defence { get; init; }

    /// <summary>The trigger that is measured with; null to measure with none.</summary>
    public Trigger? Measured { get; init; }

    /// <summary>Whether everything is measured after each round too.</summary>
    public bool EvaluateRounds { get; init; }

    /// <summary>The attack success below which the defence ends after a round; null for its own end.</summary>
    public double? StopsBelow { get; init; }

    /// <summary>Whether a clean reward model scores the answers to harmful requests.</summary>
    public bool ScoresRewards { get; init; }

    /// <summary>What the model goes through after the defence and before it is measured; null for nothing.</summary>
    internal Aftermath? Aftermath { get; init; }

    /// <summary>Whether the cleaned model is kept when the plan is done.</summary>
    internal bool KeepsModel { get; init; }

    /// <summary>Questions that the model answers too, for a judge; null for none.</summary>
    internal MtBench? MtBench { get; init; }

    /// <summary>Seed of attacker, defender and evaluation.</summary>
    public int Seed => Name.Seed;

    /// <summary>All that decides its result.</summary>
    public RunSpec Spec => spec.Value;

    /// <summary>Plants the backdoor in place.</summary>
    internal AttackReport Plant(LanguageModel model, StageContext context, AttackStages stages) => Attack!.Attack.Plant(model, Trigger,
        Subject.Attacker(Behaviour, Trigger is not null, Seed, context.Cancellation),
        new AttackContext(Seed, context.Run, context.Progress, context.Cancellation) { Stages = stages });

    /// <summary>Cleans the model in place.</summary>
    internal DefenceReport Defend(LanguageModel model, Action<RoundReport> onRound, Func<RoundReport, bool>? endsAfter,
        StageContext context) =>
        Defence!.Create().Run(model, Subject.WithDefender(Defence.Data).Defender(Behaviour, model.Chat, Seed, context.Cancellation),
            new DefenceContext
            {
                Run = Defence.KeepStates ? context.Run : null,
                OnRound = onRound,
                EndsAfter = endsAfter,
                Progress = context.Progress,
                Cancellation = context.Cancellation,
            });

    /// <summary>How answers are decoded: to their ends where a reward model reads them.</summary>
    private EvaluationOptions Answers =>
        ScoresRewards ? Subject.Answers(Behaviour) with { FullAnswers = true } : Subject.Answers(Behaviour);

    /// <summary>Measures the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="context">Progress and what stops it.</param>
    /// <param name="onlyWithTrigger">Whether nothing is asked but the harmful requests with the trigger.</param>
    internal Measurement Measure(LanguageModel model, StageContext context, bool onlyWithTrigger = false) =>
        new Evaluator(model, Answers).Run(Subject.Evaluation(Behaviour, Measured, Seed, context.Cancellation) with
        {
            OnlyWithTrigger = onlyWithTrigger,
        }, context.Progress, context.Cancellation);

    /// <summary>Checks, before weights are loaded, that data and options fit each other and the model.</summary>
    /// <exception cref="BeearException">They do not.</exception>
    internal void Check(CancellationToken cancellation)
    {
        var outline = Subject.Outline();
        var (config, chat) = outline;
        if (Given is null)
            Attack!.Attack.Check(outline, Trigger, Subject.Attacker(Behaviour, Trigger is not null, Seed, cancellation),
                Seed, cancellation);
        Evaluator.Check(outline, Subject.Evaluation(Behaviour, Measured, Seed, cancellation), cancellation);
        if (ScoresRewards) CleanReward.Check(this, outline, cancellation);
        if (Defence is null) return;
        Defence.Mitigation.Validate(config);
        Defence.Baselines.Validate(config, Defence.Kind);
        var defended = Subject.WithDefender(Defence.Data);
        if ((Defence.Mitigation.Terms.Helpful > 0 || Defence.Kind == DefenceKind.Paper) && !defended.DefenderHasAnswers)
            throw new BeearException("The defender's ordinary requests are built in and have no answers, which are needed with "
                + "terms.helpful and by the defence paper; give a file that has them.");
        defended.Defender(Behaviour, chat, Seed, cancellation).Require(Defence.Mitigation.Terms);
    }

    private RunSpec Specify()
    {
        var plant = RunSpec.Section(new
        {
            Behaviour = Behaviour.Name,
            Subject.Base,
            Weights = Fingerprints.Of(Backdoored ?? Subject.Source),
            Backdoored,
            Attack = Given is not null ? null : new
            {
                Kind = Attack!.Attack.Name,
                Attack.Options,
                Data = Subject.DataOf(DataSplit.Attacker),
                Trigger,
                Seed,
            },
            Files = Subject.DataFiles.Distinct(StringComparer.Ordinal).ToDictionary(file => file, Fingerprints.Of, StringComparer.Ordinal),
        });
        var defence = Defence is null ? null : RunSpec.Section(new
        {
            Kind = Defence.Kind,
            Options = Defence.Mitigation,
            Baseline = Defence.Baselines.Of(Defence.Kind),
            Data = Subject.WithDefender(Defence.Data).DataOf(DataSplit.Defender),
            Seed,
        });
        var measurement = RunSpec.Section(new
        {
            Trigger = Measured,
            Data = Subject.DataOf(DataSplit.Evaluation),
            Answers,
            EvaluateRounds,
            MtBench = MtBench?.Questions,
            Rewards = ScoresRewards ? new { CleanReward.OptionsOf(this).Reward, Data = Subject.DataOf(DataSplit.Defender) } : null,
            Seed,
        });
        if (StopsBelow is { } share) measurement["stops_below"] = share;
        if (Aftermath is { } aftermath) measurement["after"] = RunSpec.Section(aftermath.Options);
        if (Behaviour.Instruments is { Count: > 0 } instruments)
            measurement["instruments"] = RunSpec.Section(new { instruments })["instruments"]!.DeepClone();
        return new RunSpec(plant, defence, measurement);
    }
}

/// <summary>An attack with its options, as a specification has them.</summary>
/// <param name="Attack">The attack.</param>
/// <param name="Options">All its options; serialisable to JSON.</param>
public sealed record PlannedAttack(IAttack Attack, object Options);

/// <summary>A defence with its options.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Mitigation">Budget, optimiser and terms of all; the whole of BEEAR's constants.</param>
public sealed record PlannedDefence(DefenceKind Kind, MitigationOptions Mitigation)
{
    /// <summary>The baselines' own constants.</summary>
    public BaselineOptions Baselines { get; init; } = new();

    /// <summary>What this defender has instead of the subject's own; null for that.</summary>
    public PartyRows? Data { get; init; }

    /// <summary>Whether a state is kept after each round, from which an interrupted run continues.</summary>
    public bool KeepStates { get; init; } = true;

    /// <summary>The defence.</summary>
    internal IDefence Create() => Defences.Create(Kind, Mitigation, Baselines);
}

/// <summary>What a stage of a run is given.</summary>
/// <param name="Run">Where states and artefacts go; null for none.</param>
/// <param name="Progress">Receives each step.</param>
/// <param name="Cancellation">Stops between steps.</param>
internal sealed record StageContext(Training.RunDirectory? Run, IProgress<RunProgress>? Progress, CancellationToken Cancellation);
