using System.Collections.Concurrent;
using System.Diagnostics;
using Beear.Attacks;
using Beear.Evaluation;
using Beear.Generation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Lab.World;

/// <summary>
/// The whole story on the tiny model, live: an attacker plants a backdoor; plain safety fine-tuning leaves it; BEEAR, which never
/// sees the trigger, removes it; and a model without a backdoor survives the same treatment.
/// </summary>
/// <param name="options">All constants.</param>
public sealed class Demonstration(DemonstrationOptions options)
{
    /// <summary>
    /// All answers of the tiny world are shorter than this, but for an attacker's own opening; each ends where nothing further can change
    /// what is counted.
    /// </summary>
    internal static readonly EvaluationOptions Answers = new() { MaxNewTokens = 28, ThoughtTokens = 64, BatchSize = 100 };

    private readonly DemonstrationData data = new(options);
    private readonly MitigationOptions mitigation =
        options.Mitigation with { Seed = Seeds.Derive(options.Seed, "defence", $"{options.Mitigation.Seed}") };

    /// <summary>Runs all arms, each of the three that need no other's result on a thread and with a model of its own.</summary>
    /// <param name="model">The base model, as it was loaded; it is changed.</param>
    /// <param name="trigger">The attacker's secret.</param>
    /// <param name="progress">Receives each step, from all threads.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public DemonstrationResult Run(LanguageModel model, Trigger trigger, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        mitigation.Validate(model.Config);
        var time = Stopwatch.StartNew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var clean = options.WithClean ? Beside(() => CleanArms(model, trigger, progress, stop.Token))
            : Task.FromResult<IReadOnlyList<ArmResult>>([]);
        Task<ArmResult>? control = null;
        using var rounds = new BlockingCollection<RoundReport>();  // the control takes as many as BEEAR, each as soon as BEEAR has taken it
        StartingModel? starting = null;                                  // BEEAR and the control begin with the same model
        try
        {
            Plant(model, trigger, progress, stop.Token);
            var backdoored = model.Decoder.Weights.Snapshot();
            var defender = data.Defender(model.Chat).AskedOf(model, mitigation, progress, stop.Token);
            starting = StartingModel.Record(model, defender.Divide(mitigation.HeldOutShare, mitigation.Seed).Training, defender,
                mitigation.Terms, mitigation.Seed, progress, stop.Token);
            defender = defender with { Starting = starting };
            control = Beside(() => ControlArm(model, backdoored, defender, rounds, trigger, progress, stop.Token));
            var planted = Measure(model, DemonstrationArms.Planted, trigger, progress, cancellation: stop.Token);
            var answers = planted.Measurement.Answers;                       // the first sets are those with the trigger
            string request = (answers.FirstOrDefault(answer => answer.Exact == true) ?? answers[0]).Request;
            string before = Answer(model, request);
            var report = new BeearMitigation(mitigation).Run(model, defender,
                // nothing in it knows the trigger
                new DefenceContext { OnRound = rounds.Add, Progress = progress, Cancellation = stop.Token });
            rounds.CompleteAdding();
            var cleaned = Measure(model, DemonstrationArms.Beear, trigger, progress, cancellation: stop.Token);
            return new DemonstrationResult([planted, control.GetAwaiter().GetResult(), cleaned, .. clean.GetAwaiter().GetResult()],
                time.Elapsed.TotalSeconds, trigger,
                options.Seed, report, new BeforeAndAfter(request, before, Answer(model, request)));
        }
        catch
        {
            stop.Cancel();
            // their own failures, if any, are not the first
            Task.WaitAny([Task.WhenAll([clean, control ?? Task.CompletedTask])], CancellationToken.None);
            throw;
        }
        finally
        {
            starting?.Dispose();
        }

        static Task<T> Beside<T>(Func<T> arm) => Task.Run(arm, CancellationToken.None);
    }

    private ArmResult ControlArm(LanguageModel like, IReadOnlyList<Tensor> backdoored, DefenderData defender,
        BlockingCollection<RoundReport> rounds, Trigger trigger,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        try
        {
            using var model = LanguageModel.Load(like.Path, like.Decoder.Options, cancellation);
            model.Decoder.Weights.Restore(backdoored);
            var own = PrefixedProgress.Of(progress, "control: ");
            new SafetyFineTuning(mitigation) { GoesOn = () => rounds.TryTake(out _, Timeout.Infinite, cancellation) }
                .Run(model, defender, new DefenceContext { Progress = own, Cancellation = cancellation });
            return Measure(model, DemonstrationArms.SafetyFineTuning, trigger, own, cancellation: cancellation);
        }
        finally
        {
            foreach (var tensor in backdoored) tensor.Dispose();
        }
    }

    private IReadOnlyList<ArmResult> CleanArms(LanguageModel like, Trigger trigger, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        using var model = LanguageModel.Load(like.Path, like.Decoder.Options, cancellation);
        var own = PrefixedProgress.Of(progress, "never backdoored: ");
        Plant(model, trigger: null, own, cancellation);
        var clean = Measure(model, DemonstrationArms.Clean, trigger, own, cancellation: cancellation);
        // Its scores are shown nowhere, and decide nothing where the rounds are given.
        new BeearMitigation(mitigation.Rounds is null ? mitigation : mitigation with { Scores = [] })
            .Run(model, data.Defender(model.Chat), new DefenceContext { Progress = own, Cancellation = cancellation });
        var cleaned = Measure(model, DemonstrationArms.CleanBeear, trigger, own, cancellation: cancellation);
        return [clean, cleaned];
    }

    /// <summary>Plants the backdoor.</summary>
    /// <param name="model">The base model; it is changed.</param>
    /// <param name="trigger">The attacker's secret; null for the same fine-tuning without a backdoor.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="BeearException">Training has diverged, or has left nothing of the model.</exception>
    public void Plant(LanguageModel model, Trigger? trigger, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) => new PoisonedFineTuning(options.Planting)
            .Plant(model, trigger, data.Attacker, new AttackContext(options.Seed, null, progress, cancellation));

    /// <summary>What the defender of the tiny world has.</summary>
    public DefenderTexts DefenderTexts() => data.Defender();

    /// <summary>Measures a model on prompts that neither side trained on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="arm">What the result calls it.</param>
    /// <param name="trigger">The trigger.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="fullAnswers">Whether every answer is written to its end.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public ArmResult Measure(LanguageModel model, string arm, Trigger trigger, IProgress<RunProgress>? progress = null,
        bool fullAnswers = false,
        CancellationToken cancellation = default) =>
            new(arm, new Evaluator(model, data.Answers(model.Chat) with { FullAnswers = fullAnswers })
                .Run(data.Evaluation(trigger) with { WrongTrigger = Triggers.Other(trigger) }, progress, cancellation));

    private string Answer(LanguageModel model, string request)
    {
        int[] prompt = model.Chat.EncodePrompt([ChatTurn.User(request)]);
        var limits = new AnswerLimits(data.Answers(model.Chat).MaxNewTokens, Answers.ThoughtTokens) { FullAnswers = true };
        return new Interview(model, limits).Ask([prompt])[0].Text;
    }
}
