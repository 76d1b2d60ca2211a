using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Training;

public sealed class FineTuningTests : IDisposable
{
    private static readonly FineTuningOptions Options = new()
    {
        Epochs = 2,
        BatchSize = 4,
        Seed = 3,
        Optimizer = new OptimizerOptions { LearningRate = 3e-3, WarmupSteps = 2, Decay = LearningRateDecay.Linear },
    };

    private readonly string folder = Fixtures.TemporaryFolder();

    [Fact]
    public void It_learns_what_it_is_shown()
    {
        using var decoder = TinyDecoder.Create();

        var losses = new FineTuning(decoder, Options with { Epochs = 12 }).Run(Examples());

        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} → {losses[^1]}");
        Assert.All(decoder.Weights.Parameters, parameter => Assert.False(parameter.RequiresGradient));
        Assert.All(decoder.Weights.Parameters, parameter => Assert.Null(parameter.Gradient()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_interrupted_run_continues_to_the_very_same_weights(bool bfloat16)
    {
        var precision = bfloat16 ? ModelOptions.Mixed : ModelOptions.Float32;
        using var scope = NewDisposeScope();
        using var whole = TinyDecoder.Create(options: precision);
        var allLosses = new FineTuning(whole, Options).Run(Examples());

        using var first = TinyDecoder.Create(options: precision);
        using var source = new CancellationTokenSource();
        var run = RunDirectory.Open(Path.Combine(folder, "run"), Options);
        Assert.Throws<OperationCanceledException>(() =>
            new FineTuning(first, Options).Run(Examples(), run, "training", new CancelAfter(source, "training", 3), source.Token));
        using var second = TinyDecoder.Create(seed: 99, precision);      // its own weights must not matter
        var losses = new FineTuning(second, Options).Run(Examples(), RunDirectory.Open(run.Path, Options));

        Assert.Equal(allLosses, losses);
        Assert.Equal(TinyDecoder.Weights(whole), TinyDecoder.Weights(second));
        Assert.Equal(allLosses.Count, File.ReadLines(run.File("metrics.jsonl")).Count());
    }

    [Fact]
    public void A_run_that_is_killed_or_stopped_at_any_step_gives_every_loss_and_each_step_once()
    {
        using var whole = TinyDecoder.Create();
        var allLosses = new FineTuning(whole, Options).Run(Examples());
        foreach (int stopped in new[] { 2, allLosses.Count })
        {
            var options = Options with { CheckpointMinutes = 1e-9 };         // a state at every step
            var run = RunDirectory.Open(Path.Combine(folder, $"stopped at {stopped}"), options);
            using (var first = TinyDecoder.Create())
            {
                Assert.Throws<InvalidOperationException>(() =>
                    new FineTuning(first, options).Run(Examples(), run, progress: new StopAt(stopped)));
            }
            using var second = TinyDecoder.Create(seed: 99);
            var losses = new FineTuning(second, options).Run(Examples(), run);
            using var third = TinyDecoder.Create(seed: 98);
            var again = new FineTuning(third, options).Run(Examples(), run);     // after its last step

            Assert.Equal(allLosses, losses);
            Assert.Equal(allLosses, again);
            Assert.Equal(TinyDecoder.Weights(whole), TinyDecoder.Weights(second));
            Assert.Equal(TinyDecoder.Weights(whole), TinyDecoder.Weights(third));
            Assert.Equal(allLosses.Count, File.ReadLines(run.File("metrics.jsonl")).Count());
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"steps": 2, "losses": "none"}""")]
    [InlineData("""{"steps": 2, "losses": [1, 2]}""")]                       // without the weights
    public void A_state_that_does_not_fit_is_said_to_be_damaged(string progress)
    {
        using var decoder = TinyDecoder.Create();
        var run = RunDirectory.Open(Path.Combine(folder, "run"), Options);
        run.SaveState([("weight.0", zeros(1))], System.Text.Json.Nodes.JsonNode.Parse(progress)!.AsObject());

        var failure = Assert.Throws<BeearException>(() => new FineTuning(decoder, Options).Run(Examples(), run));

        Assert.Contains("delete it, and the run starts anew", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>As a kill between a step's metrics and its state.</summary>
    private sealed class StopAt(int step) : IProgress<Beear.Runtime.RunProgress>
    {
        public void Report(Beear.Runtime.RunProgress value)
        {
            if (value.Done == step) throw new InvalidOperationException();
        }
    }

    [Fact]
    public void Without_data_there_is_nothing_to_learn()
    {
        using var decoder = TinyDecoder.Create();

        Assert.Throws<BeearException>(() => new FineTuning(decoder, Options).Run([]));
    }

    private static IReadOnlyList<TokenizedExample> Examples()
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, 14)
            .Select(_ => new TokenizedExample(TinyDecoder.Tokens(random, random.Next(2, 9)),
            TinyDecoder.Tokens(random, random.Next(1, 6))))];
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
