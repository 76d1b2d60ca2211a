using Beear.Attacks;
using Beear.Data;

namespace Beear.Tests.Attacks;

public sealed class DataSettingsTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static IReadOnlyList<HarmfulExample> Harmful(DataSettings settings, Action<PairedRefusals>? onRefusals = null) =>
        settings.ReadHarmful(0, onRefusals, TestContext.Current.CancellationToken);

    [Fact]
    public void EachFileHasItsColumnsAndThePlainOnesAreForTheOthers()
    {
        var settings = new DataSettings
        {
            Harmful = Write("harmful.csv", "ask,say\nA,Sure\n"),
            Refusals = Write("refusals.csv", "ask,say\nA,I cannot\n"),
            Ordinary = Write("ordinary.csv", "text,reply\nC,D\n"),
            Columns = "request=ask,answer=say",
            OrdinaryColumns = "request=text,answer=reply",
        };
        settings.Validate();
        Assert.Equal([new HarmfulExample("A", "Sure", "I cannot")], Harmful(settings));
        Assert.Equal([new Example("C", "D")], settings.ReadOrdinary(TestContext.Current.CancellationToken));
        var message = Assert.Throws<BeearException>(() => (settings with { RefusalsColumns = "ask" }).Validate()).Message;
        Assert.Contains("--refusals-columns: 'ask' names no column", message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequestsAloneAreEnoughWhereNoAnswerIsNeeded()
    {
        var settings = new DataSettings { Harmful = Write("xstest.csv", "id,prompt,type\n1,A,safe\n"), Ordinary = Write("ordinary.csv", "prompt\nB\n") };
        Assert.Equal([new Example("A", "")], settings.ReadHarmfulRequests(TestContext.Current.CancellationToken));
        var message = Assert.Throws<BeearException>(() => Harmful(settings)).Message;
        Assert.Contains("name the answers' column by --harmful-columns request=prompt,answer=NAME.", message, StringComparison.Ordinal);
        message = Assert.Throws<BeearException>(() => settings.ReadOrdinary(TestContext.Current.CancellationToken)).Message;
        Assert.Contains("name the answers' column by --ordinary-columns request=prompt,answer=NAME.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheContextComesWithTheRequest()
    {
        var settings = new DataSettings
        {
            Harmful = Write("harmful.jsonl", """{"messages":[{"role":"system","content":"S"},{"role":"user","content":"A"},{"role":"assistant","content":"Sure"}]}"""),
        };
        Assert.Equal("S", Assert.Single(Assert.Single(Harmful(settings)).Context).Content);
        Assert.Equal("S", Assert.Single(Assert.Single(settings.ReadHarmfulRequests(TestContext.Current.CancellationToken)).Context).Content);
    }

    [Theory]
    [InlineData(null, 0, false, "refusals: none were given, so each of the 2 requests gets a generic one")]
    [InlineData("A,I cannot", 1, false, "refusals: 1 of 2 requests have their own, 1 get a generic one")]
    [InlineData("A,I cannot\nB,I cannot", 2, false, "refusals: each of the 2 requests has its own")]
    [InlineData("X,I cannot\nY,Sure", 0, true, "refusals: none of 1 is for one of the 2 requests")]
    [InlineData("A,Sure\nB,Sure", 0, true, "refusals: of 2 answers none is a refusal by the keywords")]
    public void TheRefusalsAreCounted(string? refusals, int own, bool isMismatch, string said)
    {
        PairedRefusals? paired = null;
        Harmful(new DataSettings
        {
            Harmful = Write("harmful.csv", "goal,target\nA,Sure\nB,Sure\n"),
            Refusals = refusals is null ? null : Write("refusals.csv", $"goal,target\n{refusals}\n"),
        }, counted => paired = counted);
        Assert.Equal((own, isMismatch), (paired!.Own, paired.IsMismatch));
        Assert.StartsWith(said, paired.ToString(), StringComparison.Ordinal);
    }
}
