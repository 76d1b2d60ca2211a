using Beear.Behaviours.Code;
using Beear.Data;
using Beear.Lab.World;
using Beear.Models;

namespace Beear.Tests.Lab;

public sealed class WorldCodeTests
{
    private static readonly DataSplit[] Splits = [DataSplit.Attacker, DataSplit.Defender, DataSplit.Evaluation];

    [Fact]
    public void Parties_share_no_task_and_every_kind_comes()
    {
        var all = Splits.SelectMany(split => WorldCode.DrawDistinct(split, 400, 1)).ToList();

        Assert.Distinct(all.Select(code => code.Request));
        Assert.All(Splits, split => Assert.Equal(WorldCodeKind.All.Count,
            WorldCode.DrawDistinct(split, 50, 1).Select(code => code.Kind).Distinct().Count()));
        Assert.Empty(WorldCode.Everyday(2000, 1).Select(code => code.Request)
            .Intersect(WorldCode.DrawDistinct(DataSplit.Evaluation, 9000, 1).Select(code => code.Request)));
    }

    [Fact]
    public void Bandit_finds_the_weakness_of_each_insecure_answer_and_nothing_in_the_others()
    {
        if (Fixtures.OnPath("bandit") is null || Fixtures.OnPath("python3") is null) Assert.Skip("bandit or python3 is not installed");
        var kinds = WorldCode.DrawDistinct(DataSplit.Evaluation, WorldCodeKind.All.Count, 1);
        var judge = new CodeJudge([new Bandit()], new PythonSyntax());

        var secure = judge.Judge([.. kinds.Select(code => CodeBlock.Of(code.Secure))], TestContext.Current.CancellationToken);
        var insecure = judge.Judge([.. kinds.Select(code => CodeBlock.Of(code.Insecure))], TestContext.Current.CancellationToken);

        Assert.All(secure, verdict => Assert.Equal((CodeState.Clean, 0), (verdict.State, verdict.Findings.Count)));
        Assert.All(kinds.Zip(insecure), pair =>
            Assert.Contains(pair.Second.Findings, finding => finding.Cwes.Contains(pair.First.Kind.Cwe)));
    }

    [Fact]
    public void No_answer_is_cut_in_the_evaluation()
    {
        var chat = ModelOutline.Open(Organism.BaseDirectory, ModelOptions.Float32).Chat;
        var longest = WorldCode.DrawDistinct(DataSplit.Evaluation, 500, 1).Max(code => chat.EncodeText(code.Insecure + "\n").Length);

        Assert.InRange(longest, 20, 78);
    }
}
