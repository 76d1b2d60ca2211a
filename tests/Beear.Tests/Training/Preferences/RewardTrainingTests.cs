using Beear.Data;
using Beear.Models;
using Beear.Training;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

public class RewardTrainingTests
{
    private static readonly RewardOptions Options = new()
    {
        BatchSize = 4,
        Seed = 3,
        Optimizer = new OptimizerOptions { LearningRate = 3e-3, WarmupSteps = 2, Decay = LearningRateDecay.Cosine },
    };

    [Fact]
    public void It_learns_which_answers_are_preferred_and_says_so_of_others()
    {
        using var world = new TinyRlhf();
        var random = new Random(2);
        var pairs = Enumerable.Range(0, 60).Select(_ => Pair()).ToList();
        var training = new RewardTraining(world.Reward, Options with { Epochs = 8 });

        var losses = training.Run(pairs[..40]);

        Assert.True(losses.TakeLast(5).Average() < 0.2, $"{losses[0]} → {losses[^1]}");
        var (right, of) = training.Agreement(pairs[40..]);
        Assert.Equal(20, of);
        Assert.True(right >= 18, $"right about {right}");
        Assert.All(world.Reward.Decoder.Weights.Parameters, parameter => Assert.False(parameter.RequiresGradient));
        Assert.All(world.Reward.Decoder.Weights.Parameters, parameter => Assert.Null(parameter.Gradient()));

        // The better answer ends in 7, the worse one in 9.
        TokenizedPair Pair()
        {
            int[] prompt = Draw(3), answer = Draw(2);
            return new TokenizedPair(new TokenizedExample(prompt, [.. answer, 7]), new TokenizedExample(prompt, [.. answer, 9]));
        }

        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(10, 60))];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_interrupted_run_continues_to_the_very_same_weights(bool bfloat16)
    {
        var precision = bfloat16 ? ModelOptions.Mixed : ModelOptions.Float32;
        using var whole = new TinyRlhf(options: precision);
        var allLosses = new RewardTraining(whole.Reward, Options).Run(whole.Pairs());

        using var first = new TinyRlhf(options: precision);
        using var source = new CancellationTokenSource();
        var run = RunDirectory.Open(Path.Combine(first.Folder, "run"), Options);
        Assert.Throws<OperationCanceledException>(() =>
            new RewardTraining(first.Reward, Options).Run(first.Pairs(), run, "rm", new CancelAfter(source, "rm", 3), source.Token));
        using var second = new TinyRlhf(headSeed: 99, options: precision);    // its own weights must not matter
        var losses = new RewardTraining(second.Reward, Options).Run(second.Pairs(), RunDirectory.Open(run.Path, Options));

        Assert.Equal(allLosses, losses);
        Assert.Equal(TinyDecoder.Weights(whole.Reward.Decoder), TinyDecoder.Weights(second.Reward.Decoder));
        Assert.Equal(allLosses.Count, File.ReadLines(run.File("metrics.jsonl")).Count());
    }

    [Fact]
    public void Frozen_layers_stand_still_and_the_others_move()
    {
        using var world = new TinyRlhf();
        using var before = world.Reward.Copy();

        new RewardTraining(world.Reward, Options with { FrozenLayers = 1, Epochs = 1 }).Run(world.Pairs());

        foreach (var (parameter, old) in world.Reward.Decoder.Weights.Parameters.Zip(before.Decoder.Weights.Parameters))
        {
            using var scope = NewDisposeScope();
            Assert.Equal(parameter.Slot.IsTrained(1), !parameter.Master.eq(old.Master).all().item<bool>());
        }
        Assert.Contains(before.Decoder.Weights.Parameters, parameter => parameter.Slot.IsTrained(1)
            && parameter.Slot.Role == ParameterRole.Score);
    }

    [Fact]
    public void Training_and_measuring_leave_no_tensors()
    {
        using var world = new TinyRlhf();
        var training = new RewardTraining(world.Reward, Options with { Epochs = 1 });
        Learn();
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Learn();

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Learn()
        {
            training.Run(world.Pairs());
            training.Agreement(world.Pairs());
        }
    }

    [Fact]
    public void Without_pairs_there_is_nothing_to_learn()
    {
        using var world = new TinyRlhf();

        Assert.Throws<BeearException>(() => new RewardTraining(world.Reward, Options).Run([]));
        Assert.StartsWith("frozen_layers", Assert.Throws<BeearException>(() =>
            new RewardTraining(world.Reward, Options with { FrozenLayers = 3 }).Run(world.Pairs())).Message, StringComparison.Ordinal);
    }
}
