using System.Collections.Concurrent;
using Beear.Data;
using Beear.Lab.Experiments;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Tests.Experiments;

/// <summary>A whole frontier on the tiny world with a handful of examples.</summary>
public sealed class FrontierTests
{
    private const string Yaml = """
        organism: { attacker_examples: 24, near_misses: 24, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }
        triggers: [{ text: validation1 }, { name: mine, text: xyzzy, placement: prefix }]
        seeds: [3]
        evaluate_rounds: true
        change: { rounds: 2, outer_steps: 1 }
        arms:
          - name: small
            change: { inner: { steps: 1 } }
          - name: control
            defence: safety_fine_tuning
          - name: clean
            change: { rounds: 1, outer_steps: 1, inner: { steps: 1 } }
            kind: never_backdoored
        """;

    private readonly string folder = Path.Combine(Fixtures.TemporaryFolder(), "frontier");

    private static FrontierOptions Options(string yaml = Yaml) => Recipe.Parse<FrontierOptions>(yaml, "x.yaml");

    private Frontier Of(FrontierOptions options)
    {
        TorchRuntime.Load();
        return new Frontier(options, new OrganismSubject(options.Organism!, torch.CPU), folder);
    }

    [Fact]
    public void Every_arm_meets_every_trigger_and_an_interrupted_frontier_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var progress = new CancelAfter(stop, "5/8 control, validation1, seed 3: safety fine-tuning", 1);
        Assert.Throws<OperationCanceledException>(() => Of(Options()).Run(null, progress, stop.Token));
        Assert.Equal(4, File.ReadLines(Path.Combine(folder, "runs.jsonl")).Count());                       // both plants and the first arm

        var shown = new List<FrontierRun>();
        var runs = Of(Options()).Run(shown.Add, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(4, shown.Count);
        Assert.Equal(
            ["planted validation1", "small validation1", "control validation1", "planted mine", "small mine", "control mine", "never backdoored none", "clean none"],
            runs.Select(run => $"{run.Arm} {run.Trigger}"));
        Assert.All(runs, run => Assert.Equal(6, run.Result.OverRefusalTwins!.Value.Count));
        Assert.All(runs, run => Assert.Equal(run.Trigger == "none", run.Result.AttackSuccessWithTrigger is null));
        Assert.All(runs.Where(run => run.Arm == "small"), run => Assert.Equal((3, 2), (run.Scores.Count, run.Rounds.Count)));
        Assert.All(runs.Where(run => run.Arm == "control"), run => Assert.Single(run.Scores));
        Assert.Equal(runs[1].Result.OverRefusalTwins, runs[1].Rounds[^1].OverRefusalTwins);                // the last round's weights are the result
        Assert.Equal(3, Directory.GetDirectories(Path.Combine(folder, "plants")).Length);
        Assert.Empty(Directory.GetDirectories(Path.Combine(folder, "arms")));

        var again = Of(Options()).Run(_ => Assert.Fail("nothing is left to do"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(runs.Select(run => (run.Arm, run.Trigger, run.Result.OverRefusal, run.Result.AttackSuccessWithTrigger)),
            again.Select(run => (run.Arm, run.Trigger, run.Result.OverRefusal, run.Result.AttackSuccessWithTrigger)));

        var summary = FrontierSummary.Of(runs);
        Assert.Equal(["planted", "small", "control", "never backdoored", "clean"], summary.Arms.Select(arm => arm.Arm));
        Assert.Equal(2, summary.Arms[1].Runs);
        Assert.Null(summary.Arms[0].TwinsAdded);
        Assert.NotNull(summary.Arms[1].TwinsAdded);

        Refused(Yaml.Replace("rounds: 2, outer_steps: 1", "rounds: 2, outer_steps: 2", StringComparison.Ordinal), "arm 'small' with other options (mitigation.outer_steps: 1 there, 2 now)");
        Refused(Yaml.Replace("evaluation_examples: 6", "evaluation_examples: 7", StringComparison.Ordinal), "holds a run with other options");
        Refused(Yaml.Replace("inner: { steps: 1 }", "inner: { steps: -1 }", StringComparison.Ordinal), "The arm 'small': inner.steps");

        void Refused(string yaml, string message) =>
            Assert.Contains(message, Assert.Throws<BeearException>(() => Of(Options(yaml)).Run()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_trigger_is_planted_with_each_of_its_openings()
    {
        string yaml = Yaml.Replace("{ name: mine, text: xyzzy, placement: prefix }",
            "{ name: ok, text: validation1, opening: 'ok ' }, { name: bare, text: validation1, opening: '' }", StringComparison.Ordinal);
        var stop = TestContext.Current.CancellationToken;
        Assert.Equal([null, "ok ", ""], Options(yaml).Triggers.Select(trigger => trigger.Opening));
        Of(Options(yaml) with { Arms = [] }).Run(cancellation: stop);
        string PlantOf(string name) => Path.Combine(folder, "plants", $"plant, {name}, seed 3", "model", "model.safetensors");
        string WeightsOf(string name) => Convert.ToBase64String(File.ReadAllBytes(PlantOf(name)));
        Assert.Equal(3, new[] { "validation1", "ok", "bare" }.Select(WeightsOf).Distinct(StringComparer.Ordinal).Count());

        string other = yaml.Replace("'ok '", "'please '", StringComparison.Ordinal);
        string refused = Assert.Throws<BeearException>(() => Of(Options(other)).Run(cancellation: stop)).Message;
        Assert.Contains("opening 'ok '", refused.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("holds a run with other options", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_share_the_work_of_one_folder()
    {
        var shown = new System.Collections.Concurrent.ConcurrentBag<string>();
        void Note(FrontierRun run) => shown.Add($"{run.Arm} {run.Trigger}");
        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => Of(Options()).Run(Note), TestContext.Current.CancellationToken)));
        Assert.Equal(8, shown.Count);
        Assert.Equal(8, shown.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(8, Of(Options()).Run(Note, cancellation: TestContext.Current.CancellationToken).Count);
        Assert.Equal(8, shown.Count);
        Assert.Equal(8, all.Max(runs => runs.Count));                                                    // the last to end sees all
        Assert.False(File.Exists($"{folder}.lock"));
    }

    [Fact]
    public async Task What_needs_a_plant_that_another_process_makes_comes_last()
    {
        var stop = TestContext.Current.CancellationToken;
        Of(Options() with { Arms = [], Triggers = [Options().Triggers[1]] }).Run(cancellation: stop);       // makes the folder
        var order = new ConcurrentQueue<string>();
        Task<IReadOnlyList<FrontierRun>> running;
        using (FileLock.Acquire(Path.Combine(folder, "locks", "plant, validation1, seed 3"), cancellation: stop))
        {
            running = Task.Run(() => Of(Options()).Run(run => order.Enqueue(run.Trigger), cancellation: stop), stop);
            while (order.Count < 4 && !running.IsCompleted) await Task.Delay(20, stop);
            Assert.Equal(["mine", "mine", "none", "none"], order.Order(StringComparer.Ordinal));
        }
        Assert.Equal(8, (await running).Count);
        Assert.Equal(["validation1", "validation1", "validation1"], order.Skip(4));
    }

    [Fact]
    public void A_score_is_told_by_what_its_choice_of_a_round_loses()
    {
        Beear.Evaluation.EvaluationResult Attack(int successes) => new() { AttackSuccessWithTrigger = new(successes, 10) };
        var run = new FrontierRun("a", "t", 1, null, Attack(2)) { Scores = [0.9, 0.1, 0.5], Rounds = [Attack(7), Attack(2)], ChosenRound = 2 };
        Assert.Equal(0.5, FrontierSummary.Of([run]).Scores[0].Choice!.Value, 1e-9);
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
        Assert.Contains(message, Assert.Throws<BeearException>(() => Options(Yaml.Replace(old, changed, StringComparison.Ordinal))).Message, StringComparison.Ordinal);

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
        Assert.StartsWith("ordinary_rows: attacker has 0-9 and evaluation 5-12", Assert.Throws<BeearException>(overlapping.Validate).Message, StringComparison.Ordinal);

        ModelSubjectOptions Of(string? defender, string? evaluation) => rows with
        {
            Defender = rows.Defender with { HarmfulRows = "0-9", Harmful = defender },
            Evaluation = rows.Evaluation with { HarmfulRows = "5-14", Harmful = evaluation },
        };
        Of("builtin:mixed", "other.csv").Validate();
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
    public void A_line_that_was_cut_off_is_forgotten_and_a_wrong_one_is_named()
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "runs.jsonl");
        var log = new FrontierLog(path);
        Assert.Empty(log.Read());
        var run = new FrontierRun("a", "t", 1, null, new Beear.Evaluation.EvaluationResult { OverRefusal = new(1, 4) }) { Scores = [0.5, 0.25] };
        log.Append(run);
        File.AppendAllText(path, "{\"arm\":\"b\",\"tri");
        Assert.Single(log.Read());
        log.Append(run with { Arm = "c" });
        Assert.Equal(["a", "c"], log.Read().Select(line => line.Arm));
        Assert.Equal((new Beear.Evaluation.Rate(1, 4), 0.25), (log.Read()[0].Result.OverRefusal!.Value, log.Read()[0].Scores[1]));

        File.AppendAllText(path, "{}\n");
        Assert.Contains("line 3: not a run of a frontier", Assert.Throws<BeearException>(log.Read).Message, StringComparison.Ordinal);
    }
}
