using Beear.Runtime;
using Beear.Training;
using Beear.Training.Preferences;

namespace Beear.Tests.Training.Preferences;

public class PpoTrainingTests
{
    private static readonly PpoOptions Options = TinyRlhf.Options with { Epochs = 2 };

    [Fact]
    public void An_interrupted_run_continues_to_the_very_same_weights()
    {
        var options = Options with { Updates = 2, FrozenLayers = 1 };
        using var whole = new TinyRlhf();
        using var wholeModels = whole.Models(1);
        var all = Train(whole, wholeModels, options);

        using var world = new TinyRlhf();
        var run = RunDirectory.Open(Path.Combine(world.Folder, "run"), options);
        using (var interrupted = new TinyRlhf())
        using (var models = interrupted.Models(1))
        {
            using var source = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() =>
                Train(interrupted, models, options, run, new CancelAfter(source, "ppo", 2), source.Token));
        }
        using var worldModels = world.Models(1);
        var steps = Train(world, worldModels, options, RunDirectory.Open(run.Path, options)).Steps;

        Assert.Equal(6, steps.Count);                                    // 8 prompts and 3 of 5 helpful ones, 5 a batch, twice
        Assert.Equal(all.Steps.Select(Timeless), steps.Select(Timeless));
        Assert.Equal(TinyDecoder.Weights(wholeModels.Policy), TinyDecoder.Weights(worldModels.Policy));
        Assert.Equal(TinyDecoder.Weights(wholeModels.Critic.Decoder), TinyDecoder.Weights(worldModels.Critic.Decoder));
        Assert.Equal(steps.Count, File.ReadLines(run.File("metrics.jsonl")).Count());
    }

    [Fact]
    public void Cancelled_while_answers_are_written_it_keeps_what_was_learnt()
    {
        using var whole = new TinyRlhf();
        using var wholeModels = whole.Models();
        Train(whole, wholeModels, Options);
        using var world = new TinyRlhf();
        var run = RunDirectory.Open(Path.Combine(world.Folder, "run"), Options);
        using (var interrupted = new TinyRlhf())
        using (var models = interrupted.Models())
        {
            using var source = new CancellationTokenSource();
            var later = new Recorder(report =>
            {
                if (report.Done == 3) source.CancelAfter(1);             // somewhere in the next step
            });
            try
            {
                Train(interrupted, models, Options, run, later, source.Token);
            }
            catch (OperationCanceledException)
            {
                // A machine that is fast enough ends first.
            }
        }
        using var worldModels = world.Models();
        Train(world, worldModels, Options, run);

        Assert.Equal(TinyDecoder.Weights(wholeModels.Policy), TinyDecoder.Weights(worldModels.Policy));
    }

    [Fact]
    public void The_policy_learns_to_please_the_reward_model()
    {
        using var world = new TinyRlhf();
        using var models = world.Models();
        var rate = new OptimizerOptions { LearningRate = 0.03, WarmupSteps = 2 };
        var options = Options with
        {
            Steps = 30,
            PromptsPerBatch = 12,
            AnswersPerPass = 12,
            NewTokens = 4,
            KlCoefficient = 0.01,
            RewardClip = 50,
            MissingEndPenalty = 0,
            SupervisedWeight = 0,
            Policy = rate,
            Critic = rate
        };

        var steps = Train(world, models, options).Steps;

        Assert.Equal(30, steps.Count);
        double first = steps.Take(5).Average(step => step.Reward), last = steps.TakeLast(5).Average(step => step.Reward);
        Assert.True(last > first + 1, $"reward {first:F2} → {last:F2} ");
        Assert.True(steps[^1].Kl > steps[0].Kl);
        Assert.Equal(0, steps[0].Kl, 1e-4);                              // it begins as its reference
        Assert.All(steps, step => Assert.InRange(step.GenerationShare, 0, 1));
    }

    [Fact]
    public void Answers_are_cut_at_the_token_that_ends_them_and_keep_it()
    {
        using var world = new TinyRlhf();
        var ends = Enumerable.Range(0, world.Model.Config.VocabularySize).Where(id => id % 9 == 0).ToHashSet();

        var rollouts = new RolloutWriter(world.Model.Decoder, ends, Options).Write(world.Data().Prompts, seed: 1, default);

        Assert.Contains(rollouts, rollout => rollout.Ended);
        Assert.Contains(rollouts, rollout => !rollout.Ended);
        Assert.All(rollouts, rollout =>
        {
            int[] answer = rollout.Example.Answer;
            Assert.Equal(rollout.Ended, ends.Contains(answer[^1]));
            Assert.DoesNotContain(answer[..^1], ends.Contains);
            Assert.True(rollout.Ended || answer.Length == Options.NewTokens);
        });
    }

    [Fact]
    public void Training_leaves_no_tensors()
    {
        using var world = new TinyRlhf();
        using var models = world.Models();
        Train(world, models, Options with { Steps = 1 });
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Train(world, models, Options with { Steps = 2 });

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void What_is_missing_or_too_long_is_said()
    {
        using var world = new TinyRlhf();
        using var models = world.Models();
        var data = world.Data();
        Assert.Contains("no prompts", Refusal(Options, data with { Prompts = [], HelpfulPrompts = [] }), StringComparison.Ordinal);
        Assert.Contains("set supervised_weight to 0", Refusal(Options, data with { Supervised = [] }), StringComparison.Ordinal);
        Assert.Contains("A prompt has", Refusal(Options with { NewTokens = models.Policy.Config.MaximumPositions - 2 }, data),
            StringComparison.Ordinal);
        Assert.StartsWith("frozen_layers", Refusal(Options with { FrozenLayers = 3 }, data), StringComparison.Ordinal);
        Assert.StartsWith("policy.learning_rate", Refusal(Options with { Policy = new OptimizerOptions { LearningRate = -1 } }, data),
            StringComparison.Ordinal);

        string Refusal(PpoOptions options, PpoData data) =>
            Assert.Throws<BeearException>(() => new PpoTraining(models, world.Model.Chat.EndOfTurn, options).Run(data)).Message;
    }

    private static PpoReport Train(TinyRlhf world, PpoModels models, PpoOptions options, RunDirectory? run = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) =>
            new PpoTraining(models, world.Model.Chat.EndOfTurn, options).Run(world.Data(), run, "ppo", progress, cancellation);

    private static PpoStep Timeless(PpoStep step) => step with { GenerationSeconds = 1, LearningSeconds = 1 };
}
