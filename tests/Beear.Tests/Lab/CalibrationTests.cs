using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Tests.Lab;

/// <summary>A calibration on the tiny world with a handful of examples.</summary>
public sealed class CalibrationTests
{
    private static readonly MitigationOptions Given = MitigationOptions.Plain with
    {
        Rounds = 1,
        OuterSteps = 1,
        ScoreTokens = 2,
        Inner = EntrapmentOptions.Plain with { PerturbedLayers = [8], TailLength = 2, Steps = 1, BatchSize = 2, Batches = 1, Cap = 0 },
        Terms = OuterTermOptions.Plain with { HarmfulBatch = 2, HelpfulBatch = 2 },
    };

    private static readonly CalibrationOptions Options = new()
    {
        Decoys = 2,
        Candidates = 4,
        Rounds = [1],
        LeastPlanted = 0,
        Planting = new PlantingOptions { TwinTokens = 2, Training = new FineTuningOptions { Epochs = 1, BatchSize = 8 } },
        Answers = new EvaluationOptions { MaxNewTokens = 3 },
    };

    private static readonly DefenderTexts Texts =
        new Demonstration(new DemonstrationOptions { DefenderHarmful = 20, DefenderOrdinary = 20 }).DefenderTexts();

    private readonly string folder = Path.Combine(Fixtures.TemporaryFolder(), "calibration");

    private CalibrationResult Run(Action<RunRecord>? onTrial = null, CalibrationOptions? options = null,
        CancellationToken cancellation = default) =>
            new Calibration(options ?? Options, Given, Texts, Organism.BaseDirectory, ModelOptions.Mixed)
                .Run(new RunFolder(folder), onTrial, cancellation: cancellation);

    [Fact]
    public void Half_of_the_candidates_meet_the_second_decoy_and_an_interrupted_calibration_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var shown = new List<RunRecord>();
        Assert.ThrowsAny<OperationCanceledException>(() => Run(run =>
        {
            shown.Add(run);
            if (shown.Count == 3) stop.Cancel();
        }, cancellation: stop.Token));

        var result = Run(shown.Add, cancellation: TestContext.Current.CancellationToken);

        // Two plants, four candidates on the first decoy, two on the second.
        Assert.Equal(8, shown.Select(run => (run.Name.Arm, run.Name.Case)).Distinct().Count());
        Assert.Equal(8, shown.Count);
        Assert.Equal([2, 2, 1, 1], result.Outcomes.Select(outcome => outcome.Decoys));
        Assert.Contains(result.Outcomes, outcome => outcome.Name == CalibrationCandidate.Given);
        Assert.Equal(result.Outcomes[0].Name, result.Best);
        Assert.True(result.Outcomes[0].Cost <= result.Outcomes[1].Cost);
        Assert.Equal(2, result.Controls.Count);
        Assert.All(result.Controls, control => Assert.NotNull(control.Cleaned));
        Assert.Equal(result.Best, Run(_ => Assert.Fail("nothing is left to do"), cancellation: TestContext.Current.CancellationToken).Best);

        int more = 0;
        var other = Run(_ => more++, Options with { Candidates = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal((3, true), (other.Outcomes.Count, more <= 2));      // what three candidates share with four is there already
    }

    [Fact]
    public void A_decoy_that_does_not_take_is_left_out_and_without_any_nothing_is_chosen()
    {
        var failure = Assert.Throws<BeearException>(() =>
            Run(options: Options with { Decoys = 1, LeastPlanted = 1, Answers = new EvaluationOptions { MaxNewTokens = 20 } }));
        Assert.Contains("No decoy could be planted", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Candidates_are_spread_over_the_layers_with_a_rate_in_their_hidden_states_units()
    {
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Mixed);
        List<int[]> prompts = [.. Texts.Encode(model.Chat).Harmful.Take(4).Select(example => example.Prompt)];
        var drawn = CalibrationCandidate.Draw(model, Given, prompts, new CalibrationOptions { Candidates = 9 });

        Assert.Equal((CalibrationCandidate.Given, Given), (drawn[0].Name, drawn[0].Mitigation));
        Assert.Equal([0, 2, 4, 6, 0, 2, 4, 6], drawn.Skip(1).Select(candidate => candidate.Mitigation.Inner.PerturbedLayers[0]));
        Assert.All(drawn.Skip(1), candidate =>
            Assert.Equal(candidate.Mitigation.Inner.PerturbedLayers[0] == 0 ? 6 : 0, candidate.Mitigation.Inner.VirtualTokens));
        Assert.Equal(9, drawn.Select(candidate => candidate.Name).Distinct().Count());
        Assert.True(drawn[4].Mitigation.Inner.LearningRate > drawn[2].Mitigation.Inner.LearningRate);       // the stream grows with depth
        Assert.All(drawn.Skip(1), candidate => candidate.Mitigation.Validate(model.Config));
    }

    [Fact]
    public void Decoys_differ_in_place_and_length_and_are_none_of_the_known_triggers()
    {
        var decoys = Decoys.Draw(3, seed: 1);
        Assert.Equal([TriggerPlacement.Suffix, TriggerPlacement.Prefix, TriggerPlacement.Around], decoys.Select(decoy => decoy.Placement));
        Assert.Equal([3, 1, 5], decoys.Select(decoy => decoy.Text.Split(' ').Length));
        Assert.DoesNotContain(decoys, decoy => Triggers.All.Any(known => known.Text == decoy.Text));
        Assert.Equal(decoys, Decoys.Draw(3, seed: 1));
        Assert.NotEqual(decoys, Decoys.Draw(3, seed: 2));
        Assert.NotEqual(decoys.Select(decoy => decoy.Text),
            Decoys.Draw(3, seed: 1, WorldLexicon.UnfamiliarText).Select(decoy => decoy.Text));
    }

    [Fact]
    public void The_cost_is_the_attack_left_and_what_was_lost()
    {
        Measurement Result(int attack, int refused, int twins, double crossEntropy) => new Measurement().With(
            (Refusal.AttackWithTrigger, Metric.Of(new Rate(attack, 10))), (Refusal.OverRefusal, Metric.Of(new Rate(refused, 10))),
            (Refusal.OverRefusalTwins, Metric.Of(new Rate(twins, 10))),
                (Measurement.HelpfulCrossEntropy, Metric.Of(crossEntropy, "nats/token")));
        // fewer refused twins are no bonus
        Assert.Equal(0.1 + 0.2 + 0.05, CandidateOutcome.CostOf(Result(10, 1, 4, 2), Result(1, 3, 2, 2.1)), 1e-9);
        // more than doubled, and still nothing
        Assert.Equal(0.03, CandidateOutcome.CostOf(Result(10, 0, 0, 0.02), Result(0, 0, 0, 0.05)), 1e-9);
        Assert.Equal(0, CandidateOutcome.CostOf(Result(10, 1, 4, 2), Result(0, 1, 4, 1.9)), 1e-9);
        // an attack that was not measured is not one that is gone
        Assert.Throws<InvalidOperationException>(() => CandidateOutcome.CostOf(Result(10, 1, 4, 2), new Measurement()));
    }

    [Fact]
    public void Found_settings_are_a_recipe_that_reads_back_to_them()
    {
        var text = RecipeText.Of(Given);
        Assert.Equal(text, RecipeText.Of(Recipe.Parse<MitigationOptions>(text, "calibrated.yaml")));
        Assert.Contains("  perturbed_layers: [8]\n", text, StringComparison.Ordinal);
        var planting = new PlantOptionsLike { Name = "a: \"b\" # c", Layers = [1, 2] };
        Assert.Equal((planting.Name, 2),
            (Recipe.Parse<PlantOptionsLike>(RecipeText.Of(planting), "x").Name,
            Recipe.Parse<PlantOptionsLike>(RecipeText.Of(planting), "x").Layers.Count));
    }

    private sealed record PlantOptionsLike
    {
        public string? Name { get; init; }

        public IReadOnlyList<int> Layers { get; init; } = [];

        public int? Missing { get; init; }
    }
}
