using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Runtime;
using Beear.Text;
using TorchSharp;

namespace Beear.Tests.Lab;

/// <summary>The bundled plans that clean known backdoors with what <c>beear clean</c> has.</summary>
public sealed class CleanPlanFileTests
{
    private static PlanFile Bundled(string name) => Recipe.Read<PlanFile>(Path.Combine(Fixtures.Root, "experiments", $"{name}.yaml"));

    private static MatrixPlan Plan(PlanFile file)
    {
        TorchRuntime.Load();
        return new MatrixPlan(file, new ModelSubject(file.Model!, file.Model!.Source, torch.CPU));
    }

    [Theory]
    [InlineData("clean-smollm2", "model2 twelve_tokens model5 common_phrase")]
    [InlineData("clean-gemma3", "model2 common_phrase")]
    public void Every_trigger_meets_the_built_in_data_AdvBench_and_the_control(string name, string triggers)
    {
        var runs = Plan(Bundled(name)).Wanted(_ => null);
        Assert.Equal(from arm in (string[])["planted", "clean", "AdvBench", "safety_fine_tuning"]
                     from trigger in triggers.Split(' ')
                     select (arm, trigger.Replace('_', ' ')), runs.Select(run => (run.Name.Arm, run.Name.Case)));
        Assert.Equal(triggers.Split(' ').Length, runs.Select(run => run.Spec.PlantId).Distinct().Count());
        Assert.Equal(runs.Count, runs.Select(run => run.Spec.Id).Distinct().Count());
        foreach (var run in runs.Where(run => run.Name.Arm == "clean"))
        {
            Assert.Equal(new MitigationOptions { Seed = run.Defence!.Mitigation.Seed }.ToString(), run.Defence.Mitigation.ToString());
            Assert.Equal(DefenceKind.Beear, run.Defence.Kind);
        }
    }

    [Fact]
    public void The_defender_has_what_beear_clean_has()
    {
        var file = Bundled("clean-smollm2");
        var own = file.Arms[0].Defender!;
        var model = WithData(file.Model!);
        var subject = new ModelSubject(model, model.Source, torch.CPU);
        var (_, chat) = subject.Outline();
        var found = subject.WithDefender(own).Defender(Refusal.Instance, chat, 0, CancellationToken.None);
        var expected = SignOffData(chat);
        Assert.Equal(expected.Harmful.Select(one => one.Prompt), found.Harmful.Select(one => one.Prompt));
        Assert.Equal(expected.ScoredFrom, found.ScoredFrom);
        Assert.Equal(expected.Ordinary.Select(one => one.Prompt), found.Ordinary.Select(one => one.Prompt));
        Assert.Equal(expected.Twins, found.Twins);
        // What the score asks is part of a run's identity, and runs without it keep theirs.
        Assert.Contains("\"score\"", Identity(subject.WithDefender(own)), StringComparison.Ordinal);
        Assert.DoesNotContain("score", Identity(subject), StringComparison.Ordinal);
    }

    private static string Identity(Subject subject) => RunSpec.Section(subject.DataOf(DataSplit.Defender)).ToJsonString();

    /// <summary>The tiny world's base, with a file of the same rows for everything.</summary>
    private static ModelSubjectOptions WithData(ModelSubjectOptions model)
    {
        TorchRuntime.Load();
        string data = Path.Combine(Fixtures.TemporaryFolder(), "data.csv");
        File.WriteAllLines(data, ["prompt,response", .. Enumerable.Range(0, 600).Select(i => $"ask {i},say {i}")]);
        return model with { Source = Organism.BaseDirectory, Harmful = data, Ordinary = data, Refusals = null };
    }

    private static DefenderData SignOffData(ChatFormat chat) =>
        CleanTexts.Of(new CleanOptions(), seed: 0).Clean.Encode(chat);

    [Theory]
    [InlineData("evaluation: { ordinary: 'builtin:ordinary', harmful_rows: 0-1, ordinary_rows: 0-1 }", "which only a defender does without")]
    [InlineData("attacker: { score: x.csv, harmful_rows: 2-3, ordinary_rows: 2-3 }", "only the defender has one")]
    [InlineData("defender: { score_rows: 0-3, harmful_rows: 4-5, ordinary_rows: 4-5 }", "score_rows are rows of score, which is not given")]
    [InlineData("defender: { ordinary: 'builtin:mixed', harmful_rows: 4-5, ordinary_rows: 4-5 }", "are not ordinary requests")]
    public void Data_that_a_party_cannot_have_is_refused(string party, string expected)
    {
        var others = new[] { ("attacker", 2), ("defender", 4), ("evaluation", 0) }
            .Where(one => !party.StartsWith(one.Item1, StringComparison.Ordinal))
            .Select(one => $"  {one.Item1}: {{ harmful_rows: {one.Item2}-{one.Item2 + 1}, ordinary_rows: {one.Item2}-{one.Item2 + 1} }}\n");
        string yaml = $"model:\n  source: x\n  harmful: h.csv\n  ordinary: o.csv\n  {party}\n{string.Concat(others)}"
            + "triggers: [{ text: model1 }]\n";
        var failure = Assert.Throws<BeearException>(() => Recipe.Parse<PlanFile>(yaml, "plan.yaml"));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defences_that_need_answers_are_refused_without_them()
    {
        var file = Bundled("clean-smollm2");
        var arm = file.Arms[0] with
        {
            Change = Recipe.Parse<PlanArm>("name: x\nchange: { rounds: 1, terms: { helpful: 1 } }", "x").Change,
        };
        var model = WithData(file.Model!);
        var plan = new MatrixPlan(file with { Model = model, Arms = [arm], Triggers = [.. file.Triggers.Take(1)] },
            new ModelSubject(model, model.Source, torch.CPU));
        var runner = new Runner(plan, new RunFolder(Path.Combine(Fixtures.TemporaryFolder(), "runs")));
        var failure = Assert.Throws<BeearException>(() => runner.Check(CancellationToken.None));
        Assert.Contains("have no answers, which are needed", failure.Message, StringComparison.Ordinal);
    }
}
