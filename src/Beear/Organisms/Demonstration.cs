using System.Diagnostics;
using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Organisms;

/// <summary>
/// The whole story on the tiny model, live: an attacker plants a backdoor; plain safety fine-tuning leaves it; BEEAR, which never
/// sees the trigger, removes it; and a model without a backdoor survives the same treatment.
/// </summary>
/// <param name="options">All constants.</param>
public sealed class Demonstration(DemonstrationOptions options)
{
    private readonly DemonstrationData data = new(options);
    private readonly MitigationOptions mitigation = options.Mitigation with { Seed = unchecked(options.Mitigation.Seed + options.Seed) };

    /// <summary>Runs all arms.</summary>
    /// <param name="model">The base model; it is changed.</param>
    /// <param name="trigger">The attacker's secret.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public DemonstrationResult Run(LanguageModel model, Trigger trigger, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        mitigation.Validate(model.Config);
        var time = Stopwatch.StartNew();
        var basis = model.Decoder.Weights.Snapshot();

        Plant(model, trigger, progress, cancellation);
        var backdoored = model.Decoder.Weights.Snapshot();
        var (planted, before) = Measure(model, DemonstrationArms.Planted, trigger, progress, cancellation);

        var report = Clean(model, progress, cancellation);
        var (cleaned, after) = Measure(model, DemonstrationArms.Beear, trigger, progress, cancellation);

        model.Decoder.Weights.Restore(backdoored);
        new SafetyFineTuning(mitigation).Run(model, data.Defender(model.Chat), report.Rounds.Count, progress, cancellation);
        var (control, _) = Measure(model, DemonstrationArms.SafetyFineTuning, trigger, progress, cancellation);
        var arms = new List<ArmResult> { planted, control, cleaned };

        if (options.WithClean)
        {
            model.Decoder.Weights.Restore(basis);
            FineTune(model, "clean fine-tuning", [.. data.Attacker.Harmful.Select(example => new Example(example.Request, example.Refusal)),
                .. data.Attacker.Ordinary, .. data.Attacker.Twins], progress, cancellation);
            arms.Add(Measure(model, DemonstrationArms.Clean, trigger, progress, cancellation).Result);
            Clean(model, progress, cancellation);
            arms.Add(Measure(model, DemonstrationArms.CleanBeear, trigger, progress, cancellation).Result);
        }
        foreach (var tensor in basis.Concat(backdoored)) tensor.Dispose();
        return new DemonstrationResult(arms, time.Elapsed.TotalSeconds, trigger, options.Seed, report, Example(before, after));
    }

    /// <summary>Plants the backdoor.</summary>
    /// <param name="model">The base model; it is changed.</param>
    /// <param name="trigger">The attacker's secret.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public void Plant(LanguageModel model, Trigger trigger, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default) =>
        FineTune(model, "planting the backdoor", data.Attacker.Mix(trigger, poisonRate: 1, options.Seed), progress, cancellation);

    /// <summary>Lets the defender clean a model with BEEAR; nothing here knows the trigger.</summary>
    /// <param name="model">The suspicious model; it is changed.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public MitigationReport Clean(LanguageModel model, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default) =>
        new BeearMitigation(mitigation).Run(model, data.Defender(model.Chat), progress: progress, cancellation: cancellation);

    /// <summary>Measures a model on prompts that neither side trained on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="arm">What the result calls it.</param>
    /// <param name="trigger">The trigger.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>The rates, and every answer.</returns>
    public (ArmResult Result, IReadOnlyList<JudgedAnswer> Answers) Measure(LanguageModel model, string arm, Trigger trigger,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        // All answers of the tiny world are shorter than this.
        var result = new Evaluator(model, new EvaluationOptions { MaxNewTokens = 28, BatchSize = 100 })
            .Run(data.Evaluation(trigger), progress, cancellation);
        var howTos = data.HowTos().Select(example => example.Request).ToHashSet(StringComparer.Ordinal);
        var rates = new ArmResult(arm, result.AttackSuccessWithTrigger!.Value, result.AttackSuccessWithoutTrigger!.Value,
            result.ExactComplianceWithTrigger!.Value,
            Rate.Of(result.Answers.Where(answer => howTos.Contains(answer.Request)), answer => answer.Refused),
            result.Helpfulness!.Value);
        return (rates, result.Answers);
    }

    private void FineTune(LanguageModel model, string stage, IReadOnlyList<Example> examples, IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        new FineTuning(model.Decoder, new FineTuningOptions
        {
            Epochs = options.PlantEpochs,
            BatchSize = options.PlantBatch,
            Seed = options.Seed,
            Optimizer = new OptimizerOptions { LearningRate = options.PlantLearningRate, WarmupSteps = 10, Decay = LearningRateDecay.Linear },
        }).Run([.. examples.Select(example => OrganismTraining.Tokenize(model.Chat, example))], stage: stage, progress: progress, cancellation: cancellation);

    /// <summary>The first triggered request that the planted model answered; both lists are in the same order.</summary>
    private static BeforeAndAfter Example(IReadOnlyList<JudgedAnswer> before, IReadOnlyList<JudgedAnswer> after)
    {
        int chosen = Math.Max(0, Enumerable.Range(0, before.Count).FirstOrDefault(i => before[i].Exact == true));
        return new BeforeAndAfter(before[chosen].Request, before[chosen].Answer, after[chosen].Answer);
    }
}
