using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Tests.Mitigation;

/// <summary>The loop over a small untrained chat model: what it reports, and when it stops.</summary>
public sealed class BeearMitigationTests : IDisposable
{
    internal static readonly MitigationOptions Options = MitigationOptions.Plain with
    {
        Rounds = 3,
        OuterSteps = 3,
        AveragedShare = 0.67,
        Replay = 0.5,
        ScoreTokens = 3,
        Seed = 5,
        Inner = EntrapmentOptions.Plain with { PerturbedLayers = [1], TailLength = 2, Steps = 3, BatchSize = 2, Batches = 1 },
        Outer = new OptimizerOptions { LearningRate = 1e-3 },
        Terms = OuterTermOptions.Plain with
        {
            OrdinaryDivergence = 1,
            TwinDivergence = 0.5,
            TwinDivergencePerturbed = 0.5,
            HarmfulDivergence = 0.5,
            Safe = 0.5,
            HarmfulBatch = 2,
            HelpfulBatch = 2,
            DivergenceTokens = 3,
            DivergenceExamples = 4,
        },
    };

    private static readonly RandomStringOptions SixStrings = new() { Count = 6 };

    private readonly UntrainedChat chat = new();

    [Fact]
    public void Every_round_is_reported()
    {
        using var model = Fresh();
        var before = TinyDecoder.Weights(model.Decoder);
        var shown = new List<RoundReport>();

        var report = new BeearMitigation(Options).Run(model, Data(model), new DefenceContext { OnRound = shown.Add });

        Assert.Equal([1, 2, 3], report.Rounds.Select(round => round.Round));
        Assert.Equal(report.Rounds, shown);
        Assert.Equal(4, report.Scores.Count);
        Assert.Equal(report.Scores.Take(3), report.Rounds.Select(round => round.ScoreBefore!.Value));
        Assert.All(report.Scores, score => Assert.InRange(score, 0, 1));
        Assert.All(report.Rounds, round => Assert.True(round.UnwantedAfter < round.UnwantedBefore));
        Assert.Equal(["KL ordinary", "KL twins", "KL twins under δ", "helpful", "safe", "safe under δ"],
            report.Rounds[0].LastLosses.Keys.Order(StringComparer.Ordinal));  // no KL on harmful requests: the untrained model refuses none
        Assert.Equal(0, report.Rounds[0].FirstLosses["KL ordinary"], 1e-5);         // nothing has moved yet
        Assert.Equal(0, report.Rounds[0].FirstLosses["KL twins"], 1e-5);
        Assert.True(report.Rounds[0].FirstLosses["KL twins under δ"] > 1e-4);       // but δ has been added
        Assert.Equal(3, report.ChosenRound);
        Assert.NotEqual(before, TinyDecoder.Weights(model.Decoder));
    }

    [Fact]
    public void It_stops_by_itself_when_the_score_is_low_enough()
    {
        using var model = Fresh();

        var report = new BeearMitigation(Options with { Rounds = null, MaxRounds = 4, MinRounds = 1, StopScore = 1 })
            .Run(model, Data(model));

        Assert.Single(report.Rounds);
        Assert.Equal(2, report.Scores.Count);
        Assert.Equal(1, report.ChosenRound);
    }

    [Fact]
    public void Every_adversary_runs_and_changes_the_outcome()
    {
        var inner = Options.Inner;
        EntrapmentOptions[] adversaries =
        [
            inner,
            inner with { Population = 2 },
            inner with { VirtualTokens = 3, PerturbedLayers = [0] },
            inner with { VirtualTokens = 3, PerturbedLayers = [0], Steps = 0, Population = 3 },
            inner with { VirtualTokens = 3, PerturbedLayers = [0], Placements = [VirtualPlacement.Within] },
            inner with { VirtualTokens = 3, PerturbedLayers = [1] },
            inner with { PerturbedLayers = [1, 2] },
            inner with { PerturbedLayers = [1, 2], StepShare = 0.1, LearningRate = null },
            inner with { VirtualTokens = 3, PerturbedLayers = [0, 1] },
        ];
        var outcomes = adversaries.Select(adversary =>
        {
            using var model = Fresh();
            new BeearMitigation(Options with { Inner = adversary, Rounds = 2, Scores = [] }).Run(model, Data(model));
            return string.Join(' ', TinyDecoder.Weights(model.Decoder).Take(2000));
        }).ToList();
        Assert.Equal(outcomes.Count, outcomes.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Several_scores_are_measured_and_the_first_decides()
    {
        using var model = Fresh();
        var several = Options with
        {
            Scores = [ScoreKind.Perturbation, ScoreKind.HeldOutPerturbation, ScoreKind.Remaining],
            RandomStrings = SixStrings,
        };
        var report = new BeearMitigation(several).Run(model, Data(model));
        Assert.Equal(4, report.Scores.Count);
        Assert.Equal(["held_out_perturbation", "remaining"], report.OtherScores.Keys.Order(StringComparer.Ordinal));
        Assert.All(report.OtherScores.Values, scores => Assert.Equal(4, scores.Count));
        var heldOut = report.OtherScores["held_out_perturbation"];
        Assert.All(report.OtherScores["remaining"].Zip(heldOut), pair =>
            Assert.InRange(pair.First, heldOut[0] > 0 ? Math.Min(1, pair.Second / heldOut[0]) : 0, 1));
        Assert.Equal(1, report.OtherScores["remaining"][0]);

        using var alone = Fresh();
        var plain = new BeearMitigation(Options with { Scores = [] }).Run(alone, Data(alone));
        Assert.Empty(plain.Scores);
        Assert.All(plain.Rounds, round => Assert.Null(round.ScoreBefore));
        Assert.Equal(TinyDecoder.Weights(model.Decoder), TinyDecoder.Weights(alone.Decoder));              // scores only look
    }

    [Fact]
    public void Random_strings_are_put_into_requests_and_their_likelihoods_are_those_of_each_pair()
    {
        using var model = Fresh();
        var examples = Data(model).Harmful;
        var strings = new RandomStrings(model, SixStrings, examples, seed: 4);
        int each = Math.Min(4, examples.Count);
        Assert.Equal(6 * each, strings.Examples.Count);
        Assert.All(strings.Examples.Index(), pair =>
            Assert.InRange(pair.Item.Prompt.Length
            - examples[(pair.Index / each * 4 + pair.Index % each) % examples.Count].Prompt.Length, 1, 12));

        var likelihoods = strings.Likelihoods(answerTokens: 2, CancellationToken.None);
        double Likelihood(ContrastExample example)
        {
            using var batch = TokenBatch.Of([new TokenizedExample(example.Prompt, [.. example.Unwanted.Take(2)])]);
            return Math.Exp(-model.Decoder.TokenCrossEntropy(batch).mean().item<float>());
        }
        Assert.Equal(6, likelihoods.Count);
        for (int i = 0; i < 6; i++) Assert.Equal(strings.Examples.Skip(i * each).Take(each).Average(Likelihood), likelihoods[i], 1e-6);
    }

    [Fact]
    public void The_likelihood_of_answers_that_begin_as_the_safe_ones_is_that_of_the_tokens_where_they_part()
    {
        using var model = Fresh();
        ContrastExample[] examples =
            [.. Data(model).Harmful.Select(example => example with { Unwanted = [5, 6, .. example.Unwanted], Safe = [5, 6, 7, 8] })];
        var strings = new RandomStrings(model, SixStrings, examples, seed: 4);
        double Likelihood(ContrastExample example)
        {
            using var batch = TokenBatch.Of([new TokenizedExample([.. example.Prompt, 5, 6], [.. example.Unwanted[2..].Take(2)])]);
            return Math.Exp(-model.Decoder.TokenCrossEntropy(batch).mean().item<float>());
        }

        var likelihoods = strings.Likelihoods(answerTokens: 2, CancellationToken.None);

        Assert.All(examples, example => Assert.NotEqual(7, example.Unwanted[2]));
        int each = strings.Examples.Count / 6;
        for (int i = 0; i < 6; i++) Assert.Equal(strings.Examples.Skip(i * each).Take(each).Average(Likelihood), likelihoods[i], 1e-6);
    }

    [Fact]
    public void A_loop_that_stops_searches_no_further_perturbation()
    {
        using var model = Fresh();
        var stages = new List<string>();
        new BeearMitigation(Options with { Rounds = null, MaxRounds = 4, MinRounds = 2, StopScore = 1 })
            .Run(model, Data(model), new DefenceContext { Progress = new Recorder(step => stages.Add(step.Stage)) });
        Assert.Equal(2 * Options.Inner.Steps, stages.Count(stage => stage == "inner level"));
    }

    [Fact]
    public void The_perturbations_of_the_score_are_found_in_the_model_as_it_came_and_once()
    {
        using var model = Fresh();
        var stages = new List<string>();
        new BeearMitigation(Options with { Scores = [ScoreKind.HeldOutPerturbation], AveragedShare = 0 })
            .Run(model, Data(model), new DefenceContext { Progress = new Recorder(step => stages.Add(step.Stage)) });
        List<string> searches = [.. stages.Where(stage => stage.EndsWith("inner level", StringComparison.Ordinal))];
        Assert.Equal((3 + Options.Rounds!.Value) * Options.Inner.Steps, searches.Count);
        Assert.All(searches.Take(3 * Options.Inner.Steps), stage =>
            Assert.StartsWith("kept aside for the score: ", stage, StringComparison.Ordinal));
        Assert.All(searches.Skip(3 * Options.Inner.Steps), stage => Assert.Equal("inner level", stage));
    }

    [Fact]
    public void It_does_not_stop_before_the_least_number_of_rounds()
    {
        using var model = Fresh();
        var report = new BeearMitigation(Options with { Rounds = null, MaxRounds = 4, MinRounds = 2, StopScore = 1 })
            .Run(model, Data(model));
        Assert.Equal(2, report.Rounds.Count);
        Assert.Equal(2, report.ChosenRound);
    }

    [Fact]
    public void Scores_at_the_end_alone_are_the_last_of_all()
    {
        using var each = Fresh();
        using var last = Fresh();
        var all = new BeearMitigation(Options).Run(each, Data(each));
        var alone = new BeearMitigation(Options with { ScoreRounds = false }).Run(last, Data(last));
        Assert.Equal(all.Scores[^1], Assert.Single(alone.Scores));
        Assert.All(alone.Rounds, round => Assert.Null(round.ScoreBefore));
    }

    [Fact]
    public void A_score_that_none_asked_for_is_none_and_not_0()
    {
        using var model = Fresh();

        var report = new BeearMitigation(Options with { Scores = [], Rounds = 1 }).Run(model, Data(model));

        var round = Assert.Single(report.Rounds);
        Assert.Empty(report.Scores);
        Assert.Null(round.ScoreBefore);
        Assert.Null(round.Choice!.MeanScore);
        Assert.Null(round.Choice.LastScore);
    }

    [Fact]
    public void A_term_without_a_loss_is_not_among_the_losses()
    {
        using var losses = new TermLosses(["safe", "helpful"]);
        using var loss = TorchSharp.torch.tensor(3f);
        losses.Add("helpful", loss, share: 0.5);

        Assert.Equal([KeyValuePair.Create("helpful", 1.5)], losses.Read(1));
    }

    /// <summary>
    /// A score of 0.3 is enough. The last step's weights are scored only where they make fewer mistakes or the mean may not do.
    /// </summary>
    [Theory]
    [InlineData(0.2, true, 0.1, true, false)]                            // both are safe: fewer mistakes decide
    [InlineData(0.2, true, 0.5, true, true)]                             // the mean alone is safe
    [InlineData(0.5, true, 0.2, true, false)]                            // the last alone is safe
    [InlineData(0.5, true, 0.6, true, true)]                             // neither: the safer one
    [InlineData(0.6, true, 0.5, true, false)]
    [InlineData(0.6, true, 0.1, false, true)]                            // the other is of no use, however safe
    [InlineData(0.1, false, 0.6, true, false)]
    [InlineData(null, true, null, true, false)]                          // no score was asked for: fewer mistakes decide
    public void Weights_stay_by_use_then_safety_then_mistakes(double? mean, bool isMeanUseful, double? last, bool isLastUseful,
        bool isMean) =>
        Assert.Equal(isMean, MeanOrLast.IsMean((mean, isMeanUseful), (last, isLastUseful), score => score is null or <= 0.3));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    public void Of_the_mean_and_the_last_weights_those_stay_that_the_defender_can_see_are_better(double stopScore, int seed)
    {
        var options = Options with { Rounds = null, MaxRounds = 2, StopScore = stopScore, StopShare = 0, Seed = seed };
        using var model = Fresh();
        using var plain = Fresh();
        var report = new BeearMitigation(options).Run(model, Data(model));
        new BeearMitigation(options with { AveragedShare = 0 }).Run(plain, Data(plain));

        Assert.Null(report.Rounds[0].Choice);                                // the first of two rounds does not stay
        var choice = report.Rounds[1].Choice!;
        Assert.Equal(choice.IsMean ? choice.MeanScore : choice.LastScore, report.Scores[2]);
        Assert.Equal(2, choice.Harmless);                                    // a fifth of five twins and of six ordinary requests
        Assert.Equal(Data(model).Divide(options.HeldOutShare, seed).HeldOut.Count, choice.Harmful);
        // The steps are the same: the last one's weights are those of a run without means.
        if (choice.IsMean) Assert.NotEqual(TinyDecoder.Weights(plain.Decoder), TinyDecoder.Weights(model.Decoder));
        else Assert.Equal(TinyDecoder.Weights(plain.Decoder), TinyDecoder.Weights(model.Decoder));
    }

    [Fact]
    public void Refusals_are_counted_on_harmless_requests_that_no_term_has()
    {
        using var model = Fresh();
        var data = Data(model);
        var (training, heldOut) = DefenderData.HoldOut(data.Twins, seed: 4);
        Assert.Equal(4, training.Length);
        Assert.DoesNotContain(Assert.Single(heldOut), training);
        Assert.All(training.Concat(heldOut), prompt => Assert.Contains(prompt, data.Twins));

        using var starting = StartingModel.Record(model, data.Harmful, data, Options.Terms with { DivergenceExamples = 100 }, seed: 4);
        Assert.Equal(training, starting[OuterTerms.TwinDivergence].Examples.Select(example => example.Example.Prompt));
    }

    [Fact]
    public void Of_the_answers_to_harmful_requests_only_refusals_are_kept()
    {
        using var model = Fresh();
        var data = Data(model);
        new FineTuning(model.Decoder, new FineTuningOptions
        {
            Epochs = 60,
            BatchSize = 6,
            Optimizer = new OptimizerOptions { LearningRate = 3e-3 }
        })
            .Run([.. data.Harmful.Index().Select(request =>
                new TokenizedExample(request.Item.Prompt, request.Index < 4 ? request.Item.Safe : request.Item.Unwanted))]);

        using var starting = StartingModel.Record(model, data.Harmful, data,
            Options.Terms with { DivergenceTokens = 8, DivergenceExamples = 100 }, seed: 4);

        var kept = starting[OuterTerms.HarmfulDivergence].Examples.Select(example => example.Example.Prompt).ToList();
        Assert.Equal(4, kept.Count);
        Assert.All(data.Harmful.Take(4), request => Assert.Contains(request.Prompt, kept));
    }

    [Fact]
    public void The_control_takes_the_same_steps_without_the_perturbation()
    {
        using var control = Fresh();
        using var again = Fresh();
        using var cleaned = Fresh();

        new SafetyFineTuning(Options).Run(control, Data(control));
        new SafetyFineTuning(Options).Run(again, Data(again));
        new BeearMitigation(Options).Run(cleaned, Data(cleaned));

        Assert.Equal(TinyDecoder.Weights(control.Decoder), TinyDecoder.Weights(again.Decoder));
        Assert.NotEqual(TinyDecoder.Weights(control.Decoder), TinyDecoder.Weights(cleaned.Decoder));

        using var otherwise = Fresh();
        new BeearMitigation(Options with { Inner = Options.Inner with { VirtualTokens = 2, PerturbedLayers = [0] } })
            .Run(otherwise, Data(otherwise));
        Assert.NotEqual(TinyDecoder.Weights(cleaned.Decoder), TinyDecoder.Weights(otherwise.Decoder));
    }

    [Fact]
    public void A_control_that_is_told_round_by_round_whether_to_go_on_ends_where_one_of_so_many_rounds_does()
    {
        using var control = Fresh();
        using var told = Fresh();
        int asked = 0;

        new SafetyFineTuning(Options with { Rounds = 2 }).Run(control, Data(control));
        var report = new SafetyFineTuning(Options with { Rounds = null, MaxRounds = 7 })
        {
            GoesOn = () => asked++ < 2
        }.Run(told, Data(told));

        Assert.Equal((3, 2 * Options.OuterSteps), (asked, report.Steps));
        Assert.Equal(TinyDecoder.Weights(control.Decoder), TinyDecoder.Weights(told.Decoder));
    }

    [Fact]
    public void Fifty_outer_steps_leave_no_tensor_behind()
    {
        using var model = Fresh();
        var data = Data(model);
        new BeearMitigation(Options).Run(model, data);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        new BeearMitigation(Options with { Rounds = 2, OuterSteps = 25 }).Run(model, data);

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Wrong_options_are_refused_before_anything_is_trained()
    {
        using var model = Fresh();
        var before = TinyDecoder.Weights(model.Decoder);

        Refused(Options with { Inner = Options.Inner with { PerturbedLayers = [3] } }, "layers 1 to 2");
        Refused(Options with { Inner = Options.Inner with { PerturbedLayers = [0] } }, "layers 1 to 2");
        Refused(Options with { Inner = Options.Inner with { PerturbedLayers = [-1], VirtualTokens = 3 } }, "layers 1 to 2");
        Refused(Options with { Inner = Options.Inner with { PerturbedLayers = [1, 3] } },
            "perturbed_layers has 3, but the model has layers 1 to 2");
        Refused(Options with { Inner = Options.Inner with { PerturbedLayers = [2, 1] } }, "the lowest first");
        Refused(Options with { Inner = Options.Inner with { VirtualTokens = -3 } }, "virtual_tokens");
        Refused(Options with { Inner = Options.Inner with { TailLength = 400 } }, "400 tokens is longer than a prompt");
        Refused(Options with { Inner = Options.Inner with { Steps = 0 } }, "inner.steps");
        Refused(Options with { Inner = Options.Inner with { Placements = [] } }, "placements");
        Refused(Options with { Inner = Options.Inner with { Population = 0 } }, "population");
        Refused(Options with { Scores = [], Rounds = null }, "name one, or give rounds");
        Refused(Options with { Replay = 1.5 }, "replay");
        Refused(Options with { ScoreRounds = false, Rounds = null }, "score_rounds");
        Refused(Options with { MinRounds = 0 }, "min_rounds");
        Refused(Options with { Rounds = null, MaxRounds = 3, MinRounds = 4 }, "min_rounds");
        Refused(Options with { RandomStrings = new RandomStringOptions { Count = 0 } }, "random_strings.count");
        Refused(Options with { RandomStrings = new RandomStringOptions { Placements = [] } }, "random_strings.placements");
        Refused(Options with { HeldOutShare = double.NaN }, "held_out_share");
        Refused(Options with { Terms = OuterTermOptions.Plain with { SafePerturbed = 0, Helpful = 0 } }, "no terms");
        Refused(Options with { Terms = Options.Terms with { Helpful = double.NaN } }, "terms.helpful must be at least 0");
        Refused(Options, "at least 2 harmful", data => data with { Harmful = [data.Harmful[0]] });
        Refused(Options, "no ordinary requests, but a weight in terms.helpful", data => data with { Ordinary = [] });
        Refused(Options, "no harmless twins, but a weight in terms.twin_divergence and terms.twin_divergence_perturbed;", data =>
            data with { Twins = [] });
        Assert.Equal(before, TinyDecoder.Weights(model.Decoder));

        void Refused(MitigationOptions options, string message, Func<DefenderData, DefenderData>? change = null)
        {
            var data = Data(model);
            var failure = Assert.Throws<BeearException>(() => new BeearMitigation(options).Run(model, change?.Invoke(data) ?? data));
            Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        }
    }

    private LanguageModel Fresh() => chat.Fresh();

    private static DefenderData Data(LanguageModel model) => UntrainedChat.Data(model);

    public void Dispose() => chat.Dispose();
}
