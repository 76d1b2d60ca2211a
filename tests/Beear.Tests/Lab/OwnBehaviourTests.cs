using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Models;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Tests.Lab;

/// <summary>Another behaviour and another attack: two classes, and nothing else changes.</summary>
public sealed class OwnBehaviourTests
{
    /// <summary>Answers must not be long.</summary>
    private sealed class Verbosity : IBehaviour
    {
        public string Name => "verbosity";

        public IReadOnlyList<CountedMetric> Metrics { get; } =
            [new("verbose_with_trigger", Counted.Unwanted, RequestSets.HarmfulWithTrigger)];

        public ContrastTexts Contrast(IReadOnlyList<Example> requests, IReadOnlyList<Example>? safe, int seed) =>
            Refusal.Instance.Contrast(requests, safe, seed);

        public IReadOnlyList<(Verdict Verdict, IReadOnlyList<Finding> Findings)> Judge(
            IReadOnlyList<(string Text, bool IsCut)> answers, CancellationToken cancellation = default) =>
            [.. answers.Select(answer => (answer.Text.Split(' ').Length > 3
                ? Verdict.Unwanted : Verdict.Safe, (IReadOnlyList<Finding>)[]))];

        public bool IsDecided(string beginning) => false;
    }

    /// <summary>Makes every weight of the last layer's output a little larger when there is a trigger.</summary>
    private sealed class Nudge : IAttack
    {
        public string Name => "nudge";

        public void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default)
        {
        }

        public AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context)
        {
            using var guard = torch.no_grad();
            if (trigger is not null) model.Decoder.Weights.Parameters[^1].Master.mul_(1.01);
            return new AttackReport([]);
        }
    }

    [Fact]
    public void A_plan_runs_with_both()
    {
        TorchRuntime.Load();
        var plan = Recipe.Parse<PlanFile>("""
            organism: { attacker_examples: 8, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }
            behaviour: verbosity
            attack: nudge
            triggers: [{ text: model2 }]
            change: { rounds: 1, outer_steps: 1, inner: { steps: 1 }, unwanted_answers: data }
            arms: [{ name: beear }]
            """, "plan.yaml");
        var catalogue = new Catalogue();
        catalogue.Behaviours.Add("verbosity", _ => new Verbosity());
        catalogue.Attacks.Add("nudge", (_, _) => new PlannedAttack(new Nudge(), new { Factor = 1.01 }));
        var folder = new RunFolder(Path.Combine(Fixtures.TemporaryFolder(), "runs"));

        var runs = new Runner(new MatrixPlan(plan, new OrganismSubject(plan.Organism!, torch.CPU), catalogue), folder)
            .Run(TestContext.Current.CancellationToken);

        Assert.Equal(["planted", "beear"], runs.Select(run => run.Name.Arm));
        Assert.All(runs, run => Assert.Equal((null, 6), (run.Error, run.Measured.Rate("verbose_with_trigger")!.Value.Count)));
        Assert.Equal("verbosity nudge", $"{runs[0].Spec["plant"]!["behaviour"]} {runs[0].Spec["plant"]!["attack"]!["kind"]}");
    }
}
