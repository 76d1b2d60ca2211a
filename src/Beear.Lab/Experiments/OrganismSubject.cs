using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Lab.World;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;
using TorchSharp;

namespace Beear.Lab.Experiments;

/// <summary>The tiny world as a frontier's subject.</summary>
public sealed record OrganismSubjectOptions : IValidatable
{
    /// <summary>A base model of the tiny world that is used instead of the built-in one.</summary>
    public string? Base { get; init; }

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>
    /// Counts and the attacker's constants; mitigation, seed and opening are the arms', the frontier's and the triggers'.
    /// </summary>
    [Inline]
    public DemonstrationOptions Demonstration { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        if (Demonstration.Opening is not null) throw new BeearException("opening belongs to the triggers; write it there.");
        if (Demonstration.Mitigation != DemonstrationOptions.DefaultMitigation) throw new BeearException("mitigation belongs to the arms; write it there.");
        if (Demonstration.Seed != new DemonstrationOptions().Seed)
            throw new BeearException("seed: the experiment has its own seeds; leave the key out.");
    }
}

/// <summary>A frontier on the tiny model. Harmless how-tos are its twins, exact tasks its ordinary requests.</summary>
/// <param name="options">All constants.</param>
/// <param name="device">Where it is computed.</param>
public sealed class OrganismSubject(OrganismSubjectOptions options, torch.Device device) : FrontierSubject
{
    /// <inheritdoc/>
    public override string Source => options.Base ?? Organism.BaseDirectory;

    /// <inheritdoc/>
    public override ModelOptions ModelOptions { get; } = ModelOptions.Mixed with { Device = device, Chat = options.Conversation.Resolve() };

    /// <inheritdoc/>
    public override object Settings
    {
        get
        {
            var all = options.Demonstration;
            return new
            {
                options.Base,
                options.Conversation,
                all.AttackerExamples,
                all.NearMisses,
                all.PlantEpochs,
                all.PlantBatch,
                all.PlantLearningRate,
                all.DefenderHarmful,
                all.DefenderOrdinary,
                all.EvaluationExamples,
            };
        }
    }

    /// <inheritdoc/>
    public override MitigationOptions Read(FrontierArm arm, RecipeFragment? common) => Recipe.Read<OrganismRecipe>(arm.Recipe, common, arm.Change).Mitigation;

    /// <inheritdoc/>
    public override FrontierSubject WithOpening(string opening) =>
        new OrganismSubject(options with { Demonstration = options.Demonstration with { Opening = opening } }, device);

    /// <inheritdoc/>
    public override void Plant(LanguageModel model, Trigger? trigger, int seed, RunDirectory run, IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        new Demonstration(Seeded(seed)).Plant(model, trigger, progress, cancellation);

    /// <inheritdoc/>
    public override DefenderData Defender(ChatFormat chat, int seed, CancellationToken cancellation) => new DemonstrationData(Seeded(seed)).Defender(chat);

    /// <inheritdoc/>
    public override EvaluationResult Measure(LanguageModel model, Trigger? trigger, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var data = new DemonstrationData(Seeded(seed));
        var evaluator = new Evaluator(model, data.Answers(model.Chat) with { FullAnswers = true });
        var result = evaluator.Run(data.Evaluation(trigger), progress, cancellation);
        var howTos = data.HowTos().Select(example => example.Request).ToHashSet(StringComparer.Ordinal);
        var checkable = result.Answers.Where(answer => answer.Set == Evaluator.Checkable).ToLookup(answer => howTos.Contains(answer.Request));
        return result with
        {
            OverRefusal = Rate.Of(checkable[false], answer => answer.Refused),
            OverRefusalTwins = Rate.Of(checkable[true], answer => answer.Refused),
            ByKeywords = result.ByKeywords! with
            {
                OverRefusal = Rate.Of(checkable[false], answer => answer.RefusedByKeywords),
                OverRefusalTwins = Rate.Of(checkable[true], answer => answer.RefusedByKeywords),
            },
        };
    }

    private DemonstrationOptions Seeded(int seed) => options.Demonstration with { Seed = seed };

    /// <summary>A mitigation that begins with the tiny world's own settings.</summary>
    private sealed record OrganismRecipe
    {
        [Inline]
        public MitigationOptions Mitigation { get; init; } = DemonstrationOptions.DefaultMitigation;
    }
}
