using System.Text.RegularExpressions;
using Beear.Data;

namespace Beear.Tests.Data;

public sealed partial class HarmfulRequestsTests
{
    private const int Parties = 4;
    private static readonly DataSplit[] Splits = Enum.GetValues<DataSplit>();
    private static readonly RequestForms[] Kinds = [.. Enum.GetValues<RequestForms>().Where(forms => forms != RequestForms.Mixed)];

    private static IEnumerable<RequestTask> AllTasks => HarmfulRequests.Topics.Values.SelectMany(tasks => tasks);

    [Fact]
    public void EveryPartyHasItsOwnTasksOfEveryTopic()
    {
        Assert.True(HarmfulRequests.Topics.Count >= 14);
        Assert.All(HarmfulRequests.Topics.Values, tasks => Assert.True(tasks.Count >= 16 && tasks.Count % Parties == 0));
        Assert.All(Splits, split => Assert.All(HarmfulRequests.Topics.Values, tasks =>
            Assert.Equal(tasks.Count / Parties, tasks.Count(HarmfulRequests.Tasks(split).Contains))));
        string[] all = [.. Splits.SelectMany(HarmfulRequests.Tasks).Select(task => task.Do)];
        Assert.Equal(AllTasks.Count(), all.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(all.Length, AllTasks.Count());
        Assert.Empty(all.Intersect(Splits.SelectMany(HarmlessTwins.Tasks).Select(task => task.Do), StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public void EveryFormHoldsTheTaskOnceAndIsNoneOfTheTwins()
    {
        Assert.Single(Kinds.Select(kind => HarmfulRequests.Forms(kind).Count).Distinct());
        var forms = HarmfulRequests.Forms(RequestForms.Mixed);
        Assert.Equal(Kinds.SelectMany(HarmfulRequests.Forms), forms);
        Assert.All(Kinds, kind => Assert.True(HarmfulRequests.Forms(kind).Count >= 14));
        Assert.All(forms, form => Assert.Equal(1, form.Split("{do}").Length + form.Split("{doing}").Length - 2));
        IReadOnlyList<string> ofTwins = [.. HarmlessTwins.Forms, .. HarmlessTwins.DefenderForms, .. HarmlessTwins.HeldOutForms];
        string[] all = [.. forms.Concat(ofTwins).Select(Bare)];
        Assert.Equal(all.Length, all.Distinct().Count());

        static string Bare(string form) =>
            string.Concat(form.Replace("{do}", "").Replace("{doing}", "").Where(char.IsLetter)).ToLowerInvariant();
    }

    [Theory]
    [InlineData(RequestForms.Questions)]
    [InlineData(RequestForms.Mixed)]
    public void EveryPairOfTaskAndFormComesOnceAndNoPartySharesOne(object named)
    {
        var forms = (RequestForms)named;
        string[] all = [.. Splits.SelectMany(split =>
            HarmfulRequests.Requests(split, forms, HarmfulRequests.Count(split, forms), seed: 3))];
        Assert.Equal(AllTasks.Count() * HarmfulRequests.Forms(forms).Count, all.Length);
        Assert.Equal(all.Length, all.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        int count = HarmfulRequests.Count(DataSplit.Defender, forms);
        string message = Assert.Throws<BeearException>(() => HarmfulRequests.Requests(DataSplit.Defender, forms, count + 1, 0)).Message;
        Assert.Contains($"harmful requests were asked for; choose 0 to {count}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void MixedRequestsAreOfAllKindsAndSoAreThoseOfATask()
    {
        var tasks = HarmfulRequests.Tasks(DataSplit.Evaluation);
        var kindOf = (from kind in Kinds
                      from form in HarmfulRequests.Forms(kind)
                      from task in tasks
                      select (Request: task.In(form), Made: (kind, task, form))).ToDictionary(one => one.Request, one => one.Made);
        var made = HarmfulRequests.Requests(DataSplit.Evaluation, RequestForms.Mixed, Kinds.Length * tasks.Count, seed: 8)
            .Select(request => kindOf[request]).ToList();
        Assert.All(made.Chunk(Kinds.Length), four => Assert.Equal(Kinds.Length, four.Select(one => one.kind).Distinct().Count()));
        Assert.All(made.GroupBy(one => one.task), of => Assert.Equal(Kinds, of.Select(one => one.kind).Order()));
        var perForm = made.CountBy(one => one.form).Select(count => count.Value).ToList();
        Assert.Equal((HarmfulRequests.Forms(RequestForms.Mixed).Count, true), (perForm.Count, perForm.Max() - perForm.Min() <= 1));
    }

    [Fact]
    public void TheSeedDecidesAndFewerAreTheBeginningOfMore()
    {
        var requests = HarmfulRequests.Requests(DataSplit.Alignment, RequestForms.Mixed, 200, seed: 5);
        Assert.Equal(requests.Take(50), HarmfulRequests.Requests(DataSplit.Alignment, RequestForms.Mixed, 50, seed: 5));
        Assert.NotEqual(requests, HarmfulRequests.Requests(DataSplit.Alignment, RequestForms.Mixed, 200, seed: 6));
    }

    [Fact]
    public void NoSixWordsInARowAreThoseOfAdvBench()
    {
        var known = DataFile.Read(Fixtures.Shared("data", "advbench.csv"), cancellationToken: TestContext.Current.CancellationToken)
            .SelectMany(row => SixWords(row.Request).Concat(SixWords(row.Answer))).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("develop a virus that disables antivirus", known);
        var ours = AllTasks.SelectMany(task => HarmfulRequests.Forms(RequestForms.Mixed).Select(task.In)).SelectMany(SixWords);
        Assert.Empty(ours.Where(known.Contains).Distinct());
    }

    private static IEnumerable<string> SixWords(string text)
    {
        string[] words = [.. Word().Matches(text.ToLowerInvariant()).Select(word => word.Value)];
        return Enumerable.Range(0, Math.Max(0, words.Length - 5)).Select(i => string.Join(' ', words[i..(i + 6)]));
    }

    [GeneratedRegex("[a-z0-9']+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();
}
