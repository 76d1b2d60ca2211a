using System.Text.Json.Nodes;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Tests.Mitigation;

/// <summary>The loop over a small untrained chat model: that an interruption changes nothing.</summary>
public sealed class BeearMitigationInterruptionTests : IDisposable
{
    private static readonly MitigationOptions Options = BeearMitigationTests.Options;

    private static readonly EconomyOptions Compact = new()
    {
        Checkpointing = true,
        Moments = StoredType.Bfloat16,
        Weights = StoredType.Bfloat16,
        UpdateInBackward = true,
        SplitTokens = 20,
    };

    private readonly UntrainedChat chat = new();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(2, 3)]
    [InlineData(2, 3, 5, 2)]
    [InlineData(2, 0, 0, 1, true)]
    [InlineData(2, 2, 0, 1, false, true)]
    public void An_interrupted_run_continues_to_the_very_same_weights(int interruptedAfter, int virtualTokens, int maxVirtualTokens = 0,
        int several = 1,
        bool compact = false, bool inTurn = false)
    {
        var inner = Options.Inner with
        {
            PerturbedLayers = inTurn ? [0, 2] : Options.Inner.PerturbedLayers,
            VirtualTokens = virtualTokens,
            MaxVirtualTokens = maxVirtualTokens,
            Population = several
        };
        var options = Options with { Inner = inner, Economy = compact ? Compact : new EconomyOptions() };
        LanguageModel Fresh() => chat.Fresh(compact ? ModelOptions.Compact : ModelOptions.Float32);
        using var whole = Fresh();
        var expected = new BeearMitigation(options).Run(whole, Data(whole));

        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), options);
        using (var first = Fresh())
        using (var source = new CancellationTokenSource())
        {
            void StopAfter(RoundReport round)
            {
                if (round.Round == interruptedAfter) source.Cancel();
            }
            Assert.Throws<OperationCanceledException>(() =>
                new BeearMitigation(options).Run(first, Data(first),
                new DefenceContext { Run = run, OnRound = StopAfter, Cancellation = source.Token }));
        }
        using var second = Fresh();
        var report = new BeearMitigation(options).Run(second, Data(second), new DefenceContext { Run = run });

        Assert.Equal(expected.Scores, report.Scores);
        Assert.Equal(expected.Rounds.Select(round => round.DeltaNorm), report.Rounds.Select(round => round.DeltaNorm));
        Assert.Equal(TinyDecoder.Weights(whole.Decoder), TinyDecoder.Weights(second.Decoder));
    }

    [Fact]
    public void An_interruption_while_a_round_is_scored_loses_none_of_its_steps()
    {
        using var whole = Fresh();
        var expected = new BeearMitigation(Options).Run(whole, Data(whole));

        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), Options);
        using (var first = Fresh())
        using (var source = new CancellationTokenSource())
        {
            var stop = new Recorder(step =>
            {
                if (step.Stage == "round 3, mistakes of the mean") source.Cancel();       // while the last step's weights are looked at
            });
            Assert.Throws<OperationCanceledException>(() =>
                new BeearMitigation(Options).Run(first, Data(first),
                new DefenceContext { Run = run, Progress = stop, Cancellation = source.Token }));
        }
        using var second = Fresh();
        var stages = new HashSet<string>(StringComparer.Ordinal);
        var report = new BeearMitigation(Options)
            .Run(second, Data(second), new DefenceContext { Run = run, Progress = new Recorder(step => stages.Add(step.Stage)) });

        Assert.DoesNotContain("round 3, outer level", stages);
        Assert.Equal(expected.Scores, report.Scores);
        Assert.Equal(expected.Rounds[2].Choice, report.Rounds[2].Choice);
        Assert.Equal(TinyDecoder.Weights(whole.Decoder), TinyDecoder.Weights(second.Decoder));
        Assert.Equal(3, File.ReadLines(run.File("metrics.jsonl")).Count());
    }

    [Theory]
    [InlineData(1)]                                                          // the first round is the best
    [InlineData(4)]                                                          // the last one is
    public void The_best_round_is_kept_over_an_interruption_and_a_finished_run_trains_nothing(int seed)
    {
        var options = Options with { Rounds = null, MaxRounds = 4, MinRounds = 1, StopScore = 0, StopShare = 0, Seed = seed };
        using var whole = Fresh();
        var expected = new BeearMitigation(options).Run(whole, Data(whole));
        Assert.Equal(expected.Scores.Skip(1).Min(), expected.Scores[expected.ChosenRound!.Value]);

        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), options);
        for (int cut = 1; cut < 4; cut++)
        {
            using var model = Fresh();
            using var source = new CancellationTokenSource();
            var stop = new Recorder(step =>
            {
                if (step.Stage == $"round {cut + 1}, outer level") source.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() =>
                new BeearMitigation(options).Run(model, Data(model),
                new DefenceContext { Run = run, Progress = stop, Cancellation = source.Token }));
        }
        for (int again = 0; again < 2; again++)
        {
            using var model = Fresh();
            var stages = new HashSet<string>(StringComparer.Ordinal);
            var report = new BeearMitigation(options)
                .Run(model, Data(model), new DefenceContext { Run = run, Progress = new Recorder(step => stages.Add(step.Stage)) });
            Assert.Equal((expected.ChosenRound, again == 0), (report.ChosenRound, stages.Contains("round 4, outer level")));
            Assert.Equal(expected.Scores, report.Scores);
            Assert.Equal(TinyDecoder.Weights(whole.Decoder), TinyDecoder.Weights(model.Decoder));
        }
    }

    [Fact]
    public void A_state_of_another_shape_is_said_to_be_damaged()
    {
        var run = Interrupted(Options);
        var (state, progress) = run.OpenState()!.Value;
        using var scope = TorchSharp.torch.NewDisposeScope();
        var tensors = state.Tensors.Keys.Select(name => (name, state.Read(name))).ToList();
        state.Dispose();
        string[] values = ["null", "{}", "[]", "[{}]", "[null]", "-1", "1000000000", "1e300", "\"text\"", "true"];
        var tried = 0;
        foreach (var (key, own) in progress.Where(pair => pair.Key != "metrics_bytes").ToList())
        {
            foreach (string value in values.Append("").Where(value => value != own?.ToJsonString()))
            {
                var changed = progress.DeepClone().AsObject();
                if (value.Length == 0) changed.Remove(key);
                else changed[key] = JsonNode.Parse(value);
                // the same, said otherwise
                if (JsonNode.DeepEquals(changed, progress) || (key is "finished" or "unscored" && value is "" or "null")) continue;
                run.SaveState(tensors, changed);
                using var model = Fresh();
                var failure = Record.Exception(() =>
                    new BeearMitigation(Options).Run(model, Data(model), new DefenceContext { Run = run }));

                Assert.True(failure is BeearException
                    && failure.Message.Contains("state.safetensors' is damaged", StringComparison.Ordinal), $"{key}: {value}: {failure}");
                tried++;
            }
        }
        Assert.InRange(tried, 60, 100);
    }

    /// <summary>A run that was interrupted after its first round.</summary>
    private RunDirectory Interrupted(MitigationOptions options)
    {
        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), options);
        using var first = Fresh();
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            new BeearMitigation(options).Run(first, Data(first),
            new DefenceContext { Run = run, OnRound = _ => source.Cancel(), Cancellation = source.Token }));
        return run;
    }

    private LanguageModel Fresh() => chat.Fresh();

    private static DefenderData Data(LanguageModel model) => UntrainedChat.Data(model);

    public void Dispose() => chat.Dispose();
}
