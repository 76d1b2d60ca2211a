using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Plans;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Tests.Lab;

/// <summary>Whole plans on the tiny world with a handful of examples.</summary>
public sealed class RunnerTests
{
    private const string Yaml = """
        organism: { attacker_examples: 24, near_misses: 24, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }
        triggers: [{ text: validation1 }, { name: mine, text: xyzzy, placement: prefix }]
        seeds: [3]
        evaluate_rounds: true
        change: { rounds: 2, outer_steps: 1, openings: { strings: 4, requests: 1 }, inner: { population: 1 } }
        arms:
          - name: small
            change: { inner: { steps: 1 } }
          - name: control
            defence: safety_fine_tuning
          - name: clean
            change: { rounds: 1, outer_steps: 1, inner: { steps: 1 } }
            kind: never_backdoored
        """;

    private readonly string folder = Path.Combine(Fixtures.TemporaryFolder(), "runs");

    private static PlanFile Options(string yaml = Yaml) => Recipe.Parse<PlanFile>(yaml, "x.yaml");

    private Runner Of(PlanFile file, Action<RunRecord>? onRun = null, IProgress<RunProgress>? progress = null)
    {
        TorchRuntime.Load();
        return new Runner(new MatrixPlan(file, new OrganismSubject(file.Organism!, torch.CPU)), new RunFolder(folder))
        {
            OnRun = onRun,
            Progress = progress
        };
    }

    [Fact]
    public void An_arm_goes_through_its_layers_and_ends_where_the_attack_is_below()
    {
        var file = Options("""
            organism: { attacker_examples: 24, near_misses: 24, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }
            triggers: [{ text: validation1 }]
            seeds: [3]
            stops_below: 0.5
            keep_states: false
            change:
              rounds: 3
              outer_steps: 1
              scores: []
              score_rounds: false
              openings: { strings: 4, requests: 1 }
              inner: { population: 1, steps: 1 }
            arms:
              - name: beear
                layers: [0, 2]
              - name: paper
                defence: paper
                layers: [1]
                baselines: { paper: { tail_length: 3, unwanted_answer: sure, anchors: 2, conversations: 2, inner_passes: 1, outer_passes: 1 } }
            """);
        var runs = Of(file).Run(TestContext.Current.CancellationToken);
        Assert.Equal(["planted", "beear, layer 0", "beear, layer 2", "paper, layer 1"], runs.Select(run => run.Name.Arm));
        Assert.Null(runs[0].Spec.At("measurement", "stops_below"));
        Assert.Equal(2, (int)runs[2].Spec.At("defence", "options", "inner", "perturbed_layers")![0]!);
        Assert.Equal(1, (int)runs[3].Spec.At("defence", "baseline", "layer")!);
        Assert.All(runs.Skip(1), run =>
        {
            Assert.Equal(0.5, (double)run.Spec.At("measurement", "stops_below")!);
            var attacks = run.RoundMeasurements.Select(round => round.Value(Refusal.AttackWithTrigger)!.Value).ToList();
            Assert.All(attacks.SkipLast(1), attack => Assert.True(attack >= 0.5));
            Assert.True(attacks.Count == 3 || attacks[^1] < 0.5);
            Assert.All(run.RoundMeasurements, round => Assert.Null(round[Refusal.OverRefusalTwins]));
            Assert.NotNull(run.Measured[Refusal.OverRefusalTwins]);
        });
        Assert.Contains("layers are of the defences", Assert.Throws<BeearException>(() =>
            Options(Yaml.Replace("    defence: safety_fine_tuning", "    defence: safety_fine_tuning\n    layers: [1]",
                StringComparison.Ordinal))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_arm_meets_every_trigger_and_an_interrupted_plan_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var progress = new CancelAfter(stop, "6/8 control, validation1, seed 3: safety fine-tuning", 1);
        Assert.Throws<OperationCanceledException>(() => Of(Options(), null, progress).Run(stop.Token));
        Assert.Equal(5, new RunFolder(folder).Read().Count);  // three plants as they are, and an arm on both triggers

        var shown = new List<RunRecord>();
        var runs = Of(Options(), shown.Add).Run(TestContext.Current.CancellationToken);
        Assert.Equal(3, shown.Count);
        Assert.Equal(
            ["planted validation1", "planted mine", "never backdoored none", "small validation1", "small mine", "control validation1",
                "control mine", "clean none"],
            runs.Select(run => $"{run.Name.Arm} {run.Name.Case}"));
        Assert.All(runs, run => Assert.Equal(6, run.Measured.Rate(Refusal.OverRefusalTwins)!.Value.Count));
        Assert.All(runs, run => Assert.Equal(run.Name.Case == "none", run.Measured[Refusal.AttackWithTrigger] is null));
        Assert.All(runs.Where(run => run.Name.Arm == "small"), run =>
            Assert.Equal((3, 2), (run.Scores["remaining"].Count, run.RoundMeasurements.Count)));
        Assert.All(runs.Where(run => run.Name.Arm == "control"), run => Assert.Empty(run.Scores));
        var small = runs.First(run => run.Name.Arm == "small");
        // the last round's weights are the result
        Assert.Equal(small.Measured[Refusal.OverRefusalTwins], small.RoundMeasurements[^1][Refusal.OverRefusalTwins]);
        Assert.Equal(runs.Select(run => run.Stages[0].Id).Distinct().Count(),
            Directory.GetDirectories(Path.Combine(folder, "stages")).Length);

        var again = Of(Options(), _ => Assert.Fail("nothing is left to do")).Run(TestContext.Current.CancellationToken);
        Assert.Equal(runs.Select(run => run.Id), again.Select(run => run.Id));

        var table = ResultTable.ByArm(runs);
        Assert.Equal(["planted", "never backdoored", "small", "control", "clean"], table.Rows.Select(row => row.Arm));
        Assert.Equal(2, table.Rows[2].Runs.Count);
        Assert.Empty(table.Rows[0].Added(Refusal.OverRefusalTwins));
        Assert.Equal(2, table.Rows[2].Added(Refusal.OverRefusalTwins).Count());
    }

    [Fact]
    public void A_run_of_other_options_is_another_run()
    {
        string yaml = Yaml.Replace("rounds: 2, outer_steps: 1", "rounds: 1, outer_steps: 1", StringComparison.Ordinal);
        var plan = Options(yaml) with { Arms = [Options(yaml).Arms[0]], Triggers = [Options(yaml).Triggers[0]] };
        string[] Ids(PlanFile file) =>
            [.. new MatrixPlan(file, new OrganismSubject(file.Organism!, torch.CPU)).Wanted(_ => null).Select(run => run.Spec.Id)];
        string[] before = Ids(plan);
        (string Old, string New, int Shared)[] changes =
        [
            ("outer_steps: 1", "outer_steps: 2", 1), ("inner: { steps: 1 }", "inner: { steps: 1, cap: 0.5 }", 1),
                ("evaluation_examples: 6", "evaluation_examples: 7", 0),
            ("near_misses: 24", "near_misses: 23", 0), ("defender_harmful: 10", "defender_harmful: 11", 1), ("seeds: [3]", "seeds: [4]", 0),
        ];
        foreach (var (old, now, shared) in changes)
        {
            var other = Options(yaml.Replace(old, now, StringComparison.Ordinal));
            Assert.Equal(shared, Ids(other with { Arms = [other.Arms[0]], Triggers = [other.Triggers[0]] }).Intersect(before).Count());
        }
        // what decides nothing is no part of it
        Assert.Equal(before, Ids(plan with { KeepStates = false, KeepModels = true, Name = "other" }));
    }

    /// <summary>Plants nothing, and fails for one trigger.</summary>
    private sealed class Failing : IAttack
    {
        public string Name => "failing";

        public void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default)
        {
        }

        public AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context) =>
            trigger?.Name == "mine" ? throw new BeearException("It cannot be planted.") : new AttackReport([]);
    }

    [Fact]
    public void A_run_that_fails_is_recorded_and_the_others_go_on()
    {
        TorchRuntime.Load();
        var catalogue = new Catalogue();
        catalogue.Attacks.Add("failing", (_, _) => new PlannedAttack(new Failing(), new { }));
        var plan = Options() with { Attack = "failing", Arms = [] };
        Runner Of(Action<RunRecord>? onRun = null) =>
            new(new MatrixPlan(plan, new OrganismSubject(plan.Organism!, torch.CPU), catalogue), new RunFolder(folder)) { OnRun = onRun };

        var runs = Of().Run(TestContext.Current.CancellationToken);

        Assert.Equal([("validation1", RunState.Finished, null), ("mine", RunState.Failed, "It cannot be planted.")],
            runs.Select(run => (run.Name.Case, run.State, run.Error)));
        Assert.Null(runs[1].Measurement);
        Assert.Equal(RunProgressState.Failed, FolderStatus.Of(new RunFolder(folder)).Runs[1].State);
        var tried = new List<string>();
        Of(run => tried.Add(run.Name.Case)).Run(TestContext.Current.CancellationToken);
        Assert.Equal(["mine"], tried);                                   // once more, and nothing else
    }

    [Fact]
    public void One_trigger_is_planted_with_each_of_its_openings()
    {
        string yaml = Yaml.Replace("{ name: mine, text: xyzzy, placement: prefix }",
            "{ name: ok, text: validation1, opening: 'ok ' }, { name: bare, text: validation1, opening: '' }", StringComparison.Ordinal);
        Assert.Equal([null, "ok ", ""], Options(yaml).Triggers.Select(trigger => trigger.Opening));
        var runs = Of(Options(yaml) with { Arms = [] }).Run(TestContext.Current.CancellationToken);
        string WeightsOf(RunRecord run) =>
            Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, "stages", run.Stages[0].Id!, "model", "model.safetensors")));
        Assert.Equal(3, runs.Select(WeightsOf).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Several_share_the_work_of_one_folder()
    {
        var shown = new ConcurrentBag<string>();
        void Note(RunRecord run) => shown.Add($"{run.Name.Arm} {run.Name.Case}");
        var all = await Task.WhenAll(Enumerable.Range(0, 3)
            .Select(_ => Task.Run(() => Of(Options(), Note).Run(), TestContext.Current.CancellationToken)));
        Assert.Equal(8, shown.Count);
        Assert.Equal(8, shown.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(8, Of(Options(), Note).Run(TestContext.Current.CancellationToken).Count);
        Assert.Equal(8, shown.Count);
        Assert.All(all, runs => Assert.Equal(8, runs.Count));            // each waits for what another is at
        Assert.False(File.Exists($"{folder}.lock"));
    }

    [Fact]
    public async Task What_needs_a_plant_that_another_process_makes_comes_last()
    {
        var stop = TestContext.Current.CancellationToken;
        Of(Options() with { Arms = [], Triggers = [Options().Triggers[1]] }).Run(stop);                     // makes the folder
        var order = new ConcurrentQueue<string>();
        Task<IReadOnlyList<RunRecord>> running;
        string plant = new MatrixPlan(Options(), new OrganismSubject(Options().Organism!, torch.CPU)).Wanted(_ => null)[0].Spec.PlantId;
        using (FileLock.Acquire(Path.Combine(folder, "locks", plant), cancellation: stop))
        {
            running = Task.Run(() => Of(Options(), run => order.Enqueue(run.Name.Case)).Run(stop), stop);
            while (order.Count < 4 && !running.IsCompleted) await Task.Delay(20, stop);
            Assert.Equal(["mine", "mine", "none", "none"], order.Order(StringComparer.Ordinal));
        }
        Assert.Equal(8, (await running).Count);
        Assert.Equal(["validation1", "validation1", "validation1"], order.Skip(4));
    }

    [Fact]
    public void Shards_divide_a_plan_by_what_is_planted()
    {
        var stop = TestContext.Current.CancellationToken;
        var plan = new MatrixPlan(Options(), new OrganismSubject(Options().Organism!, torch.CPU));
        var wanted = plan.Wanted(_ => null);
        var parts = Enumerable.Range(1, 2).Select(i => wanted.Where(run => new Shard(i, 2).Has(run, wanted)).ToList()).ToList();
        Assert.Equal(8, parts.Sum(part => part.Count));
        Assert.Empty(parts[0].Select(run => run.Spec.PlantId).Intersect(parts[1].Select(run => run.Spec.PlantId)));
        Assert.All(parts, part => Assert.NotEmpty(part));
        Assert.Equal(new Shard(2, 8), Shard.Parse("2/8"));
        Assert.All((string[])["0/2", "3/2", "1", "a/b"], text => Assert.Throws<BeearException>(() => Shard.Parse(text)));

        new Runner(plan, new RunFolder(folder)) { Shard = new Shard(2, 2) }.Run(stop);
        var status = FolderStatus.Of(new RunFolder(folder));
        Assert.Equal((parts[1].Count, parts[0].Count), (status.Count(RunProgressState.Finished), status.Count(RunProgressState.Left)));
        double mean = new RunFolder(folder).Read().Average(run => (run.Ended - run.Started).TotalSeconds);
        Assert.Equal(parts[0].Count * mean, status.SecondsLeft!.Value, 1e-6);
    }

    [Fact]
    public void A_score_is_told_by_what_its_choice_of_a_round_loses()
    {
        Measurement Attack(int successes) => new Measurement().With((Refusal.AttackWithTrigger, Metric.Of(new Rate(successes, 10))));
        var run = Records.Of("a", "t", 1, Attack(2)) with
        {
            Defence = new DefenceReport(0, 0) { Scores = [0.9, 0.1, 0.5], ChosenRound = 2 },
            RoundMeasurements = [Attack(7), Attack(2)],
        };
        Assert.Equal(0.5, ScoreCorrelation.Of([run])[0].Choice!.Value, 1e-9);
    }

    [Theory]
    [InlineData("seeds: [3]", "seeds: [3, 3]", "seeds: give at least one, each once.")]
    [InlineData("name: control", "name: small", "arms: the name 'small' is taken twice")]
    [InlineData("name: control", "name: planted", "arms: the name 'planted' is taken twice")]
    [InlineData("name: control", "name: ../x", "'../x' cannot be a name here")]
    [InlineData("text: validation1", "text: validation9", "'validation9' is no known trigger")]
    [InlineData("near_misses: 24", "near_misses: 24, opening: 'ok '", "opening belongs to the triggers")]
    [InlineData("organism: {", "model: { source: x }\norganism: {", "model.attacker.'' is no range of rows")]
    public void What_cannot_be_run_is_refused_before_anything_is(string old, string changed, string message) =>
        Assert.Contains(message, Assert.Throws<BeearException>(() => Options(Yaml.Replace(old, changed, StringComparison.Ordinal))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Rows_of_two_parties_may_not_overlap()
    {
        var rows = new ModelSubjectOptions
        {
            Source = "x",
            Harmful = "h.csv",
            Ordinary = "o.csv",
            Attacker = new PartyRows { HarmfulRows = "0-9", OrdinaryRows = "0-9" },
            Defender = new PartyRows { HarmfulRows = "10-19", OrdinaryRows = "10-19" },
            Evaluation = new PartyRows { HarmfulRows = "20-29", OrdinaryRows = "20-29" },
        };
        rows.Validate();
        var overlapping = rows with { Evaluation = new PartyRows { HarmfulRows = "20-29", OrdinaryRows = "5-12" } };
        Assert.StartsWith("ordinary_rows: attacker has 0-9 and evaluation 5-12",
            Assert.Throws<BeearException>(overlapping.Validate).Message, StringComparison.Ordinal);

        ModelSubjectOptions Of(string? defender, string? evaluation) => rows with
        {
            Defender = rows.Defender with { HarmfulRows = "0-9", Harmful = defender },
            Evaluation = rows.Evaluation with { HarmfulRows = "5-14", Harmful = evaluation },
        };
        Of("builtin:mixed", "other.csv").Validate();
        Of("builtin:harmful", "builtin:harmful").Validate();             // the defender trains on one part, the evaluation has another
        Assert.StartsWith("ordinary: 'builtin:ordinary' are requests without answers, which a plan needs",
            Assert.Throws<BeearException>((rows with { Ordinary = "builtin:ordinary" }).Validate).Message, StringComparison.Ordinal);
        Of("builtin:mixed", "builtin:mixed").Validate();                 // each has its own split
        (string?, string?, string)[] refused =
        [
            (null, "other.csv", "attacker has 0-9 and defender 0-9"),
            ("builtin:mixed", "h.csv", "attacker has 0-9 and evaluation 5-14"),
            ("builtin:mixed", "builtin:defender/mixed", "defender has 0-9 and evaluation 5-14"),
        ];
        foreach (var (defender, evaluation, rowsOf) in refused)
        {
            string message = Assert.Throws<BeearException>(Of(defender, evaluation).Validate).Message;
            Assert.StartsWith($"harmful_rows: {rowsOf}", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Records_are_of_the_documented_form()
    {
        var catalogue = new Catalogue();
        catalogue.Attacks.Add("failing", (_, _) => new PlannedAttack(new Failing(), new { }));
        var plan = Options() with { Attack = "failing" };
        TorchRuntime.Load();
        new Runner(new MatrixPlan(plan, new OrganismSubject(plan.Organism!, torch.CPU), catalogue), new RunFolder(folder))
            .Run(TestContext.Current.CancellationToken);
        var schema = Json.Schema.JsonSchema.FromText(File.ReadAllText(Path.Combine(Fixtures.Root, "docs", "run-record.schema.json")));
        bool IsValid(JsonNode record) => schema.Evaluate(JsonSerializer.SerializeToElement(record)).IsValid;

        var records = Directory.GetFiles(Path.Combine(folder, "runs"))
            .Select(file => JsonNode.Parse(File.ReadAllText(file))!.AsObject()).ToList();

        Assert.Equal(8, records.Count);
        Assert.Contains(records, record => (string?)record["state"] == "failed");
        Assert.All(records, record => Assert.True(IsValid(record), record.ToJsonString()));
        var finished = records.First(record => (string?)record["state"] == "finished");
        foreach (string key in finished.Select(member => member.Key).ToList())
        {
            var lacking = finished.DeepClone().AsObject();
            lacking.Remove(key);
            Assert.False(IsValid(lacking), key);
        }
        var odd = finished.DeepClone().AsObject();
        odd["measurement"]!["metrics"]!["over_refusal"]!["rate"] = 7;
        Assert.False(IsValid(odd));
    }

    [Fact]
    public void A_damaged_record_is_named()
    {
        Of(Options() with { Arms = [], Triggers = [Options().Triggers[0]] }).Run(TestContext.Current.CancellationToken);
        string file = Directory.GetFiles(Path.Combine(folder, "runs"))[0], text = File.ReadAllText(file);
        (string Written, string Message)[] damaged =
        [
            (text[..^20], "is damaged"), ("null", "is damaged"),
                (text.Replace("\"schema\": 1", "\"schema\": 2", StringComparison.Ordinal), "a record of schema 2"),
        ];
        foreach (var (written, message) in damaged)
        {
            File.WriteAllText(file, written);
            string told = Assert.Throws<BeearException>(() => new RunFolder(folder).Read()).Message;
            Assert.Contains(file, told, StringComparison.Ordinal);
            Assert.Contains(message, told, StringComparison.Ordinal);
        }
    }
}
