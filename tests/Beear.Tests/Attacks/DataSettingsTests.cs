using Beear.Attacks;
using Beear.Behaviours;
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

    private static IReadOnlyList<HarmfulExample> Harmful(DataSettings settings, Action<ContrastTexts>? onRefusals = null) =>
        settings.ReadHarmful(DataSplit.Defender, AnswerUse.Needed, 0, Refusal.Instance, onRefusals, TestContext.Current.CancellationToken);

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
        var settings = new DataSettings
        {
            Harmful = Write("xstest.csv", "id,prompt,type\n1,A,safe\n"),
            Ordinary = Write("ordinary.csv", "prompt\nB\n")
        };
        Assert.Equal([new Example("A", "")], settings.ReadHarmfulRequests(DataSplit.Evaluation, TestContext.Current.CancellationToken));
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
        var asked = Assert.Single(settings.ReadHarmfulRequests(DataSplit.Evaluation, TestContext.Current.CancellationToken));
        Assert.Equal("S", Assert.Single(asked.Context).Content);
    }

    [Theory]
    [InlineData("builtin:questions", DataSplit.Defender, DataSplit.Defender, RequestForms.Questions)]
    [InlineData("builtin:role_play", DataSplit.Attacker, DataSplit.Attacker, RequestForms.RolePlay)]
    [InlineData("builtin:mixed", DataSplit.Evaluation, DataSplit.Evaluation, RequestForms.Mixed)]
    [InlineData("builtin:alignment/mixed", DataSplit.Attacker, DataSplit.Alignment, RequestForms.Mixed)]
    [InlineData("builtin:evaluation/indirect", DataSplit.Defender, DataSplit.Evaluation, RequestForms.Indirect)]
    public void BuiltInRequestsAreThoseOfTheOneWhoAsksOrOfWhoIsNamed(string harmful, DataSplit asking, DataSplit split, object forms)
    {
        var settings = new DataSettings { Harmful = harmful };
        settings.Validate();
        var requests = settings.ReadHarmfulRequests(asking, TestContext.Current.CancellationToken);
        Assert.Equal(HarmfulRequests.Requests(split, (RequestForms)forms, 120, seed: 0)
            .Select(request => new Example(request, "")), requests);
        var rows = settings with { HarmfulRows = "7-9" };
        Assert.Equal(requests.Skip(7).Take(3), rows.ReadHarmfulRequests(asking, TestContext.Current.CancellationToken));

        var examples = settings.ReadHarmful(asking, AnswerUse.Unused, 5, Refusal.Instance, null, TestContext.Current.CancellationToken);
        Assert.Equal(requests.Select(one => one.Request), examples.Select(example => example.Request));
        Assert.All(examples, example => Assert.Equal(("", true), (example.Compliance, Refusals.IsRefusal(example.Refusal))));
        Assert.Equal(Refusals.Generic.Count, examples.Select(example => example.Refusal).Distinct().Count());
        string message = Assert.Throws<BeearException>(() => Harmful(settings)).Message;
        Assert.StartsWith($"'{harmful}' are requests without unwanted answers, which are needed here;", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("builtin:qestions", "did you mean 'builtin:questions'?")]
    [InlineData("builtin:aligment/mixed", "did you mean 'builtin:alignment/mixed'?")]
    [InlineData("builtin:chek/harmful", "did you mean 'builtin:check/harmful'?")]
    [InlineData("builtin:", "write builtin:NAME, with NAME commands|questions|role_play|indirect|mixed|code|harmful|ordinary, or say "
        + "whose as in builtin:defender/mixed and builtin:check/harmful.")]
    public void AnUnknownNameOfBuiltInRequestsIsOneSentence(string harmful, string advice) =>
        Assert.Equal($"There are no built-in requests '{harmful}'; {advice}",
            Assert.Throws<BeearException>(new DataSettings { Harmful = harmful }.Validate).Message);

    [Fact]
    public void BuiltInRequestsHaveAsManyRowsAsThereAreAndNoColumns()
    {
        var settings = new DataSettings { Harmful = "builtin:mixed", HarmfulRows = "0-99999" };
        int count = HarmfulRequests.Count(DataSplit.Defender, RequestForms.Mixed);
        void Read() => settings.ReadHarmfulRequests(DataSplit.Defender, TestContext.Current.CancellationToken);
        Assert.Equal($"The rows 0-99999 were asked for, but 'builtin:mixed' has the rows 0-{count - 1}; choose a range within them.",
            Assert.Throws<BeearException>(Read).Message);
        Assert.Equal("--harmful-columns names columns of a file, and 'builtin:mixed' is none; leave it out.",
            Assert.Throws<BeearException>((settings with { HarmfulColumns = "request=a" }).Validate).Message);
    }

    [Theory]
    [InlineData("", DataSplit.Defender, RequestPart.Training)]
    [InlineData("", DataSplit.Evaluation, RequestPart.Check)]
    [InlineData("score/", DataSplit.Defender, RequestPart.Score)]
    [InlineData("training/", DataSplit.Attacker, RequestPart.Training)]
    public void TheDefendersRequestsAreOfThePartOfWhoAsksOrThatIsNamed(string whose, DataSplit asking, object part)
    {
        var settings = new DataSettings { Harmful = $"builtin:{whose}harmful", Ordinary = $"builtin:{whose}ordinary" };
        settings.Validate();
        var (harmful, ordinary) = (Drawn(DefenderRequests.Harmful), Drawn(DefenderRequests.Ordinary));
        Assert.Equal(harmful.Take(120), settings.ReadHarmfulRequests(asking, TestContext.Current.CancellationToken));
        Assert.Equal(ordinary.Take(120), Ordinary(settings));
        settings = settings with { HarmfulRows = "7-9", OrdinaryRows = "500-501" };
        Assert.Equal(harmful.Skip(7).Take(3), settings.ReadHarmfulRequests(asking, TestContext.Current.CancellationToken));
        Assert.Equal(ordinary.Skip(500).Take(2), Ordinary(settings));

        IReadOnlyList<Example> Drawn(DefenderRequests of) => of.Draw((RequestPart)part, of.Count((RequestPart)part), seed: 0);
        IReadOnlyList<Example> Ordinary(DataSettings of) =>
            of.ReadOrdinary(asking, AnswerUse.IfPresent, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void TheDefendersRequestsAreRefusedWhereTheyDoNotFit()
    {
        var settings = new DataSettings { Harmful = "builtin:harmful", Ordinary = "builtin:ordinary" };
        Assert.Equal("'builtin:harmful' are the defender's, not the attacker's; write builtin:mixed, or name a part, as in "
            + "builtin:training/harmful.", Refused(() => settings.ReadHarmfulRequests(DataSplit.Attacker, default)));
        Assert.Equal("'builtin:ordinary' are requests without answers, which are needed here; give a file that has them.",
            Refused(() => settings.ReadOrdinary(default)));
        Assert.Equal("'builtin:ordinary' are ordinary requests; give them by --ordinary.",
            Refused((settings with { Harmful = "builtin:ordinary" }).Validate));
        Assert.Equal("'builtin:harmful' are not ordinary requests; write builtin:ordinary, or give a file.",
            Refused((settings with { Ordinary = "builtin:harmful" }).Validate));
        Assert.Equal("--ordinary-columns names columns of a file, and 'builtin:ordinary' is none; leave it out.",
            Refused((settings with { OrdinaryColumns = "request=a" }).Validate));

        static string Refused(Action action) => Assert.Throws<BeearException>(action).Message;
    }

    [Theory]
    [InlineData(null, 0, false, "refusals: none were given, so each of the 2 requests gets a generic one")]
    [InlineData("A,I cannot", 1, false, "refusals: 1 of 2 requests have their own, 1 get a generic one")]
    [InlineData("A,I cannot\nB,I cannot", 2, false, "refusals: each of the 2 requests has its own")]
    [InlineData("X,I cannot\nY,Sure", 0, true, "refusals: none of 1 is for one of the 2 requests")]
    [InlineData("A,Sure\nB,Sure", 0, true, "refusals: of 2 answers none is a refusal by the keywords")]
    public void TheRefusalsAreCounted(string? refusals, int own, bool isMismatch, string said)
    {
        ContrastTexts? paired = null;
        Harmful(new DataSettings
        {
            Harmful = Write("harmful.csv", "goal,target\nA,Sure\nB,Sure\n"),
            Refusals = refusals is null ? null : Write("refusals.csv", $"goal,target\n{refusals}\n"),
        }, counted => paired = counted);
        Assert.Equal((own, isMismatch), (paired!.Examples.Count(example => example.Refusal == "I cannot"), paired.IsMismatch));
        Assert.StartsWith(said, paired.Sources, StringComparison.Ordinal);
    }
}
