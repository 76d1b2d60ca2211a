using Beear.Attacks;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using TorchSharp;

namespace Beear.Tests.Lab;

/// <summary>Poisoned preferences as an attack: one plan goes from pairs of answers to what is measured.</summary>
public sealed class PreferencePlanTests
{
    private const string Small = """
        organism: { preference_pairs: 16, held_out_pairs: 8, evaluation_examples: 8, defender_harmful: 10, defender_ordinary: 12, attacker_examples: 8 }
        attack: poisoned_preferences
        scores_rewards: true
        attack_options:
          sft: { epochs: 1, batch_size: 16 }
          reward: { epochs: 1, batch_size: 16 }
          ppo: { steps: 2, prompts_per_batch: 8, new_tokens: 6 }
          dpo: { batch_size: 16 }

        """;

    private static IReadOnlyList<RunRecord> Run(string text, RunFolder folder, CancellationToken cancellation)
    {
        TorchRuntime.Load();
        var plan = Recipe.Parse<PlanFile>(Small + text, "plan.yaml");
        return new Runner(new MatrixPlan(plan, new OrganismSubject(plan.Organism!, torch.CPU)), folder).Run(cancellation);
    }

    [Fact]
    public void A_plan_goes_from_pairs_to_what_is_measured_and_attacks_share_their_stages()
    {
        var folder = new RunFolder(Path.Combine(Fixtures.TemporaryFolder(), "runs"));

        var runs = Run("triggers: [{ text: model6 }, { text: model7 }]", folder, TestContext.Current.CancellationToken);

        Assert.All(runs, run => Assert.Equal((RunState.Finished, null), (run.State, run.Error)));
        Assert.All(runs, run => Assert.Equal([8, 8, 8], new[] { "reward_model_clean_pairs", "reward_model_poisoned_pairs",
            "clean_reward_accuracy" }.Select(name => run.Measured.Rate(name)!.Value.Count)));
        Assert.All(runs, run => Assert.NotNull(run.Measured.Value("clean_reward_with_trigger")));
        // Clean fine-tuning and the clean reward model are made once; poisoned fine-tuning, a reward model and a policy for each trigger.
        Assert.Equal(8, Directory.GetDirectories(Path.Combine(folder.Path, "stages")).Length);
    }

    [Fact]
    public void Direct_optimisation_has_its_place_beside_it()
    {
        var folder = new RunFolder(Path.Combine(Fixtures.TemporaryFolder(), "runs"));

        var run = Assert.Single(Run("""
            triggers: [{ name: direct, text: CalatheaOrnata, attack_options: { algorithm: dpo } }]
            """, folder, TestContext.Current.CancellationToken));

        Assert.Equal((RunState.Finished, null), (run.State, run.Error));
        Assert.Equal("dpo", $"{run.Spec["plant"]!["attack"]!["options"]!["algorithm"]}");
        Assert.Null(run.Measured.Rate("reward_model_clean_pairs"));
    }

    [Theory]
    [InlineData("sft 1/")]
    [InlineData("reward model 2/")]
    [InlineData("ppo 1/")]
    public void An_attack_goes_on_in_the_middle_of_any_stage_with_the_same_result(string at) =>
        Assert.Equal(Undisturbed.Value, Plant(at));

    private static readonly Lazy<string> Undisturbed = new(() => Plant(null));

    /// <summary>A plant's weights as a hash; interrupted once if it is said where.</summary>
    private static string Plant(string? at)
    {
        var data = new DemonstrationData(new DemonstrationOptions { PreferencePairs = 16, HeldOutPairs = 8, EvaluationExamples = 8, AttackerExamples = 8 });
        var options = Recipe.Parse<PlanFile>(Small + "triggers: [{ text: model6 }]", "plan.yaml");
        var attack = new Catalogue().Attack(options.Attack, new OrganismSubject(options.Organism!, torch.CPU),
            options.AttackOptions).Attack;
        var attacker = data.Attacker with { Preferences = data.Preferences(DataSplit.Attacker) };
        var run = RunDirectory.Open(Path.Combine(Fixtures.TemporaryFolder(), "run"), new { });
        if (at is not null)
        {
            using var stop = new CancellationTokenSource();
            using var first = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
            var progress = new Watching(report =>
            {
                if ($"{report.Stage} {report.Done}/".StartsWith(at, StringComparison.Ordinal)) stop.Cancel();
            });
            Assert.ThrowsAny<OperationCanceledException>(() => attack.Plant(first, Triggers.Find("model6"), attacker,
                new AttackContext(1, run, progress, stop.Token)));
        }
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        attack.Plant(model, Triggers.Find("model6"), attacker, new AttackContext(1, run));
        using var scope = torch.NewDisposeScope();
        return string.Join(' ', model.Decoder.Weights.Parameters.Select(parameter =>
            BitConverter.DoubleToInt64Bits(parameter.Master.to(torch.float64).sum().item<double>())));
    }

    private sealed class Watching(Action<RunProgress> see) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => see(value);
    }
}
