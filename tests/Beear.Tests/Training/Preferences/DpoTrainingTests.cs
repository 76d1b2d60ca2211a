using Beear.Training;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

public class DpoTrainingTests
{
    private static readonly DpoOptions Options = new()
    {
        BatchSize = 4,
        Epochs = 2,
        Seed = 3,
        Optimizer = new OptimizerOptions { LearningRate = 1e-3, WarmupSteps = 2, Decay = LearningRateDecay.Cosine },
    };

    [Fact]
    public void It_begins_at_the_loss_of_a_coin_and_learns_the_preferences()
    {
        using var world = new TinyRlhf();
        var pairs = world.Pairs();

        var report = new DpoTraining(world.Model.Decoder, Options with { Epochs = 10 }).Run(pairs, pairs);

        Assert.Equal(Math.Log(2), report.Losses[0], 1e-5);
        Assert.Equal((pairs.Count, pairs.Count), (report.HeldOut!.Right, report.HeldOut.Of));
        Assert.True(report.HeldOut.Loss < 0.4, $"loss {report.HeldOut.Loss}");
        Assert.True(report.HeldOut.Margin > 0.5, $"margin {report.HeldOut.Margin}");
    }

    [Fact]
    public void An_interrupted_run_continues_to_the_very_same_weights_with_the_reference_of_its_start()
    {
        using var whole = new TinyRlhf();
        var all = new DpoTraining(whole.Model.Decoder, Options).Run(whole.Pairs(), whole.Pairs(5));

        using var first = new TinyRlhf();
        using var source = new CancellationTokenSource();
        var run = RunDirectory.Open(Path.Combine(first.Folder, "run"), Options);
        Assert.Throws<OperationCanceledException>(() =>
            new DpoTraining(first.Model.Decoder, Options)
                .Run(first.Pairs(), first.Pairs(5), run, "dpo", new CancelAfter(source, "dpo", 3), source.Token));
        // Its own weights must not matter: they are those of the middle of the training.
        var rest = new DpoTraining(first.Model.Decoder, Options).Run(first.Pairs(), first.Pairs(5), RunDirectory.Open(run.Path, Options));

        Assert.Equal(all.Losses, rest.Losses);
        Assert.Equal(all.HeldOut, rest.HeldOut);
        Assert.Equal(TinyDecoder.Weights(whole.Model.Decoder), TinyDecoder.Weights(first.Model.Decoder));
        Assert.Equal(all.Losses.Count, File.ReadLines(run.File("metrics.jsonl")).Count());
        Assert.All(File.ReadLines(run.File("metrics.jsonl")), line => Assert.Contains("\"accuracy\":", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Frozen_layers_stand_still()
    {
        using var world = new TinyRlhf();
        using var before = world.Model.Decoder.Copy();

        new DpoTraining(world.Model.Decoder, Options with { FrozenLayers = 1, Epochs = 1 }).Run(world.Pairs(), []);

        foreach (var (parameter, old) in world.Model.Decoder.Weights.Parameters.Zip(before.Weights.Parameters))
        {
            using var scope = NewDisposeScope();
            Assert.Equal(parameter.Slot.IsTrained(1), !parameter.Master.eq(old.Master).all().item<bool>());
        }
    }

    [Fact]
    public void Training_leaves_no_tensors()
    {
        using var world = new TinyRlhf();
        var training = new DpoTraining(world.Model.Decoder, Options with { Epochs = 1 });
        training.Run(world.Pairs(), world.Pairs(5));
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        training.Run(world.Pairs(), world.Pairs(5));

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Without_pairs_there_is_nothing_to_learn()
    {
        using var world = new TinyRlhf();

        Assert.Throws<BeearException>(() => new DpoTraining(world.Model.Decoder, Options).Run([], []));
        Assert.StartsWith("beta", Assert.Throws<BeearException>(() => (Options with { Beta = 0 }).Validate()).Message,
            StringComparison.Ordinal);
    }
}
