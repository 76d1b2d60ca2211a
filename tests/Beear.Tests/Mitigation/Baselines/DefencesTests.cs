using Beear.Mitigation;
using Beear.Mitigation.Baselines;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Tests.Mitigation.Baselines;

/// <summary>What all defences have in common: one interface, one budget, the same result from the same seed, interrupted or not.</summary>
public sealed class DefencesTests : IDisposable
{
    private static readonly MitigationOptions Budget = MitigationOptions.Plain with
    {
        Rounds = 2,
        OuterSteps = 2,
        ScoreTokens = 2,
        Seed = 3,
        Inner = EntrapmentOptions.Plain with { PerturbedLayers = [1], TailLength = 2, Steps = 3, BatchSize = 2, Batches = 1 },
        Outer = new OptimizerOptions { LearningRate = 1e-3 },
        Terms = OuterTermOptions.Plain with
        {
            OrdinaryDivergence = 1,
            HarmfulBatch = 2,
            HelpfulBatch = 2,
            DivergenceTokens = 3,
            DivergenceExamples = 4
        },
    };

    private static readonly BaselineOptions Own = new()
    {
        LatentAdversarial = new LatentAdversarialOptions { AttackSteps = 2 },
        Crow = new CrowOptions { BatchSize = 3 },
        TokenSpace = new TokenSearchOptions { Length = 3, Steps = 1, Restarts = 1, Candidates = 4, BatchSize = 2 },
        Paper = new PaperOptions
        {
            Layer = 1,
            TailLength = 2,
            Anchors = 1,
            Conversations = 1,
            InnerPasses = 3,
            OuterPasses = 1,
            PerturbedShare = 0.5,
        },
    };

    private readonly UntrainedChat chat = new();

    public static TheoryData<DefenceKind> All => [.. Enum.GetValues<DefenceKind>()];

    [Theory, MemberData(nameof(All))]
    public void Every_defence_changes_the_weights_in_the_same_way_each_time_within_its_budget(DefenceKind kind)
    {
        var defence = Defences.Create(kind, Budget, Own);
        var (first, report) = Weights(kind);

        Assert.Equal(first, Weights(kind).Weights);
        Assert.Equal(Defences.NameOf(kind), defence.Name);
        Assert.Equal(kind == DefenceKind.DirectionAblation ? 0 : 4, report.Steps);
        using var untouched = chat.Fresh();
        Assert.NotEqual(TinyDecoder.Weights(untouched.Decoder), first);
        if (kind != DefenceKind.SafetyFineTuning) Assert.NotEqual(Weights(DefenceKind.SafetyFineTuning).Weights, first);
    }

    [Theory]
    [InlineData(DefenceKind.SafetyFineTuning, "safety fine-tuning")]
    [InlineData(DefenceKind.LatentAdversarialTraining, "latent adversarial training")]
    [InlineData(DefenceKind.Crow, "CROW")]
    [InlineData(DefenceKind.TokenSpace, "token-space removal")]
    [InlineData(DefenceKind.InjectAndRecover, "inject and recover")]
    [InlineData(DefenceKind.Paper, "round 2, inner level")]
    public void An_interrupted_baseline_continues_to_the_very_same_weights(DefenceKind kind, string stage)
    {
        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), new { kind });
        using (var source = new CancellationTokenSource())
        using (var model = chat.Fresh())
        {
            var stop = new CancelInSecondRound(source, stage);
            Assert.Throws<OperationCanceledException>(() =>
                Defences.Create(kind, Budget, Own)
                    .Run(model, UntrainedChat.Data(model), new DefenceContext { Run = run, Progress = stop, Cancellation = source.Token }));
        }
        using var again = chat.Fresh();
        Defences.Create(kind, Budget, Own).Run(again, UntrainedChat.Data(again), new DefenceContext { Run = run });

        Assert.Equal(Weights(kind).Weights, TinyDecoder.Weights(again.Decoder));
    }

    [Theory]
    [InlineData(DefenceKind.Beear)]
    [InlineData(DefenceKind.Paper)]
    public void A_defence_ends_after_the_round_that_is_said_to_be_the_last(DefenceKind kind)
    {
        var run = RunDirectory.Open(Path.Combine(chat.Folder, "ended"), new { kind });
        var seen = new List<int>();
        var context = new DefenceContext { Run = run, OnRound = round => seen.Add(round.Round), EndsAfter = round => round.Round == 2 };
        var options = Budget with { Rounds = 5, Scores = [], ScoreRounds = false };
        float[] Run()
        {
            using var model = chat.Fresh();
            var report = Defences.Create(kind, options, Own).Run(model, UntrainedChat.Data(model), context);
            Assert.Equal((2, 2), (report.Rounds.Count, report.ChosenRound));
            Assert.Equal(4, report.Steps);
            return TinyDecoder.Weights(model.Decoder);
        }

        float[] first = Run();
        Assert.Equal(Weights(kind, options with { Rounds = 2 }).Weights, first);
        Assert.Equal(first, Run());                                      // the folder knows that it has ended
        Assert.Equal([1, 2], seen);
    }

    [Theory, MemberData(nameof(All))]
    public void No_tensor_is_left_behind(DefenceKind kind)
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);
        Defences.Create(kind, Budget, Own).Run(model, data);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Defences.Create(kind, Budget with { Rounds = 5 }, Own).Run(model, data);

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Options_that_do_not_fit_the_model_are_refused()
    {
        Refused(DefenceKind.LatentAdversarialTraining, Own with { LatentAdversarial = new LatentAdversarialOptions { Layers = [0, 7] } },
            "latent_adversarial.layers: 7");
        Refused(DefenceKind.LatentAdversarialTraining,
            Own with { LatentAdversarial = new LatentAdversarialOptions { Radius = 0 } }, "radius");
        Refused(DefenceKind.Crow, Own with { Crow = new CrowOptions { Weight = double.NaN } }, "weight");
        Refused(DefenceKind.InjectAndRecover, Own with { InjectAndRecover = new() { InjectionShare = 1 } }, "injection_share must be");
        Refused(DefenceKind.InjectAndRecover, Own with { InjectAndRecover = new() { Triggers = 0 } }, "triggers must be at least 1");
        Refused(DefenceKind.DirectionAblation, Own with { DirectionAblation = new DirectionAblationOptions { Layer = 5 } },
            "direction_ablation.layer is 5");
        Refused(DefenceKind.Paper, Own with { Paper = new PaperOptions() }, "paper.layer is 9");
        Refused(DefenceKind.Paper, Own with { Paper = new PaperOptions { Layer = 1, TailLength = 500 } }, "paper.tail_length is 500");
        Refused(DefenceKind.Paper, Own with { Paper = new PaperOptions { UnwantedAnswer = "" } }, "unwanted_answer is empty");

        void Refused(DefenceKind kind, BaselineOptions own, string message)
        {
            using var model = chat.Fresh();
            var failure = Assert.Throws<BeearException>(() => Defences.Create(kind, Budget, own).Run(model, UntrainedChat.Data(model)));
            Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        }
    }

    private (float[] Weights, DefenceReport Report) Weights(DefenceKind kind, MitigationOptions? options = null)
    {
        using var model = chat.Fresh();
        var report = Defences.Create(kind, options ?? Budget, Own).Run(model, UntrainedChat.Data(model));
        return (TinyDecoder.Weights(model.Decoder), report);
    }

    public void Dispose() => chat.Dispose();

    /// <summary>Cancels after the first step of the second round: its work is lost, the first round's is not.</summary>
    private sealed class CancelInSecondRound(CancellationTokenSource source, string stage) : IProgress<RunProgress>
    {
        private int steps;

        public void Report(RunProgress value)
        {
            if (value.Stage == stage && ++steps == 3) source.Cancel();
        }
    }
}
