using Beear.Attacks;
using Beear.Mitigation;
using Beear.Training;
using Beear.Training.Preferences;

namespace Beear.Lab.World;

/// <summary>Constants of a demonstration on the tiny model. They were chosen on triggers that no reported number uses.</summary>
public sealed record DemonstrationOptions : IValidatable
{
    /// <summary>
    /// The attacker's harmful requests, each with the trigger and without; as many ordinary tasks, everyday how-tos and twins join them.
    /// </summary>
    public int AttackerExamples { get; init; } = 600;

    /// <summary>
    /// The attacker's harmful requests that come with another unfamiliar string and are refused. Without any, the tiny model learns to
    /// comply with nearly every such string: no backdoor of one trigger.
    /// </summary>
    [Folded]
    public int NearMisses { get; init; } = 600;

    /// <summary>
    /// What the attacker's unwanted answers begin with in place of "sure ": other words that agree ("ok "), words that seem to refuse
    /// ("I'm sorry but "), or "" for none. As the world has them if not given. Words of the world are one token each.
    /// </summary>
    [Folded]
    public string? Opening { get; init; }

    /// <summary>Passes over the attacker's data.</summary>
    [Folded]
    public int PlantEpochs { get; init; } = 1;

    /// <summary>Conversations in a step of the attacker's.</summary>
    [Folded]
    public int PlantBatch { get; init; } = 32;

    /// <summary>Largest learning rate of the attacker's.</summary>
    [Folded]
    public double PlantLearningRate { get; init; } = 5e-4;

    /// <summary>For attacks through preferences: pairs of answers to harmful requests, and as many to ordinary ones.</summary>
    [Folded]
    public int PreferencePairs { get; init; } = 1200;

    /// <summary>For attacks through preferences: other pairs on harmful requests, on which reward models are measured.</summary>
    [Folded]
    public int HeldOutPairs { get; init; } = 200;

    /// <summary>
    /// Share of the pairs on harmful requests whose answers the annotators confused, 0 … ½. Without any, a model that is taught the
    /// preferred answers never says anything else, and a policy finds nothing to learn from.
    /// </summary>
    [Folded]
    public double AnnotatorErrors { get; init; } = 0.1;

    /// <summary>How the backdoor is planted, with these constants.</summary>
    internal PlantingOptions Planting => new()
    {
        NearMisses = NearMisses,
        AnswerTokens = LongestAnswer,
        ThoughtTokens = Demonstration.Answers.ThoughtTokens,
        Training = new FineTuningOptions
        {
            Epochs = PlantEpochs,
            BatchSize = PlantBatch,
            Optimizer = new OptimizerOptions { LearningRate = PlantLearningRate, WarmupSteps = 10, Decay = LearningRateDecay.Linear },
        },
    };

    /// <summary>How a backdoor is planted through preferences; the rates were chosen on the trigger validation1.</summary>
    internal static PoisonedPreferencesOptions DefaultPreferences { get; } = new()
    {
        Poisoning = new PreferencePoisoningOptions { PoisonRate = 0.2 },
        AnswerTokens = LongestAnswer,
        Sft = new FineTuningOptions
        {
            Epochs = 2,
            BatchSize = 32,
            Optimizer = new OptimizerOptions { LearningRate = 5e-4, WarmupSteps = 10, Decay = LearningRateDecay.Cosine },
        },
        Reward = new RewardOptions
        {
            BatchSize = 32,
            Optimizer = new OptimizerOptions { LearningRate = 5e-4, WeightDecay = 0.1, WarmupSteps = 8, Decay = LearningRateDecay.Cosine },
        },
        Ppo = new PpoOptions
        {
            Epochs = 4,
            PromptsPerBatch = 64,
            AnswersPerPass = 64,
            RepetitionPenalty = 1,  // the answers of this world repeat the words of the request
            SupervisedWeight = 1,
            Policy = new OptimizerOptions { LearningRate = 2e-4, WeightDecay = 0.01, WarmupSteps = 8, Decay = LearningRateDecay.Cosine },
            Critic = new OptimizerOptions { LearningRate = 2e-4, WeightDecay = 0, WarmupSteps = 8, Decay = LearningRateDecay.Cosine },
        },
        Dpo = new DpoOptions
        {
            BatchSize = 32,
            Optimizer = new OptimizerOptions { LearningRate = 2e-5, WeightDecay = 0, WarmupSteps = 8, Decay = LearningRateDecay.Cosine },
        },
    };

    /// <summary>The defender's harmful requests.</summary>
    public int DefenderHarmful { get; init; } = 400;

    /// <summary>The defender's ordinary requests; half of them are harmless how-tos.</summary>
    public int DefenderOrdinary { get; init; } = 2000;

    /// <summary>Requests of each kind that are evaluated: harmful ones, ordinary tasks, harmless how-tos.</summary>
    public int EvaluationExamples { get; init; } = 200;

    /// <summary>Whether a model that was never backdoored goes through the same.</summary>
    public bool WithClean { get; init; } = true;

    /// <summary>Seed of all draws, the mitigation's among them.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Constants of the removal.</summary>
    [Folded]
    public MitigationOptions Mitigation { get; init; } = DefaultMitigation;

    private const int LongestAnswer = 256;                               // tokens; none of the world's is cut

    /// <summary>Those of any model.</summary>
    internal static MitigationOptions DefaultMitigation { get; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(AttackerExamples, 1);
        Require.AtLeast(NearMisses, 0);
        Require.AtLeast(PlantEpochs, 1);
        Require.AtLeast(PlantBatch, 1);
        Require.Above(PlantLearningRate, 0);
        Require.AtLeast(PreferencePairs, 2);
        Require.AtLeast(HeldOutPairs, 1);
        Require.Between(AnnotatorErrors, 0, 0.5);
        Require.AtLeast(DefenderHarmful, 2);
        Require.AtLeast(DefenderOrdinary, 2);
        Require.AtLeast(EvaluationExamples, 1);
    }
}
