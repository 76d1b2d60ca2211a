using Beear.Data;

namespace Beear.Tests.Data;

public sealed class HarmlessTwinsTests
{
    private static readonly DataSplit[] Splits = [DataSplit.Attacker, DataSplit.Defender, DataSplit.Evaluation];

    [Fact]
    public void EverySplitHasItsOwnTasks()
    {
        Assert.All(Splits, split => Assert.True(HarmlessTwins.Tasks(split).Count >= 50));
        Assert.Single(Splits.Select(split => HarmlessTwins.Tasks(split).Count).Distinct());
        var all = Splits.SelectMany(HarmlessTwins.Tasks).Select(task => task.Do).ToList();
        Assert.Equal(all.Count, all.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Empty(HarmlessTwins.Tasks(DataSplit.Alignment));
    }

    [Fact]
    public void GerundsBelongToTheirInfinitives()
    {
        Assert.All(Splits.SelectMany(HarmlessTwins.Tasks).Concat(HarmfulRequests.Topics.Values.SelectMany(tasks => tasks)), task =>
        {
            var (infinitive, gerund) = (task.Do.Split(' ', 2), task.Doing.Split(' ', 2));
            Assert.Equal(infinitive[1], gerund[1]);
            Assert.EndsWith("ing", gerund[0], StringComparison.Ordinal);
            Assert.Equal(infinitive[0][..2], gerund[0][..2]);
            Assert.Equal(task.Do.Trim().TrimEnd('.'), task.Do);
        });
    }

    [Fact]
    public void EveryFormHoldsTheTaskOnce()
    {
        Assert.True(HarmlessTwins.Forms.Count >= 15);
        Assert.True(HarmlessTwins.DefenderForms.Count >= 30);
        string[] all = [.. HarmlessTwins.Forms, .. HarmlessTwins.DefenderForms];
        Assert.Equal(all.Length, all.Distinct(StringComparer.Ordinal).Count());
        Assert.All(all, form => Assert.Equal(1, form.Split("{do}").Length + form.Split("{doing}").Length - 2));
    }

    [Theory]
    [InlineData(DataSplit.Attacker, 1)]
    [InlineData(DataSplit.Defender, 2)]
    [InlineData(DataSplit.Evaluation, 3)]
    public void RequestsAreDistinctAndBalancedOverTasksAndForms(DataSplit split, int seed)
    {
        var requests = HarmlessTwins.Requests(split, 300, seed);
        Assert.Equal(300, requests.Distinct(StringComparer.Ordinal).Count());
        Assert.All(requests, request => Assert.DoesNotContain('{', request));

        string[] forms = split == DataSplit.Defender ? [.. HarmlessTwins.Forms, .. HarmlessTwins.DefenderForms] : [.. HarmlessTwins.Forms];
        var made = (from task in HarmlessTwins.Tasks(split)
                    from form in forms
                    select (Request: task.In(form), task, form)).Where(one => requests.Contains(one.Request)).ToList();
        Assert.Equal(300, made.Count);
        var perTask = made.CountBy(one => one.task).Select(count => count.Value).ToList();
        Assert.Equal(HarmlessTwins.Tasks(split).Count, perTask.Count);
        Assert.True(perTask.Max() - perTask.Min() <= 1);
        var perForm = made.CountBy(one => one.form).ToList();
        Assert.Equal(forms.Length, perForm.Count);
        Assert.All(perForm, count => Assert.InRange(count.Value, 300 / forms.Length, 300 / forms.Length + 1));
    }

    [Fact]
    public void EveryPairOfTaskAndFormComesOnce()
    {
        var all = HarmlessTwins.Tasks(DataSplit.Defender).Count * (HarmlessTwins.Forms.Count + HarmlessTwins.DefenderForms.Count);
        Assert.Equal(all, HarmlessTwins.Requests(DataSplit.Defender, all, seed: 0).Distinct(StringComparer.Ordinal).Count());
        var tooMany = Assert.Throws<BeearException>(() => HarmlessTwins.Requests(DataSplit.Defender, all + 1, 0));
        Assert.Contains($"0 to {all}", tooMany.Message, StringComparison.Ordinal);
        Assert.Throws<BeearException>(() => HarmlessTwins.Requests(DataSplit.Defender, -1, 0));
    }

    [Fact]
    public void HeldOutFormsBeginInOtherWords()
    {
        var (known, heldOut) = (HarmlessTwins.Forms.Concat(HarmlessTwins.DefenderForms), HarmlessTwins.HeldOutForms);
        Assert.True(heldOut.Count >= 12);
        Assert.All(heldOut, form => Assert.Equal(1, form.Split("{do}").Length + form.Split("{doing}").Length - 2));
        Assert.Empty(heldOut.Select(form => form.Split(' ')[0])
            .Intersect(known.Select(form => form.Split(' ')[0]), StringComparer.OrdinalIgnoreCase));

        var requests = HarmlessTwins.RequestsInHeldOutForms(200, seed: 1);
        Assert.Equal(200, requests.Distinct(StringComparer.Ordinal).Count());
        Assert.All(requests, request => Assert.Contains(HarmlessTwins.Tasks(DataSplit.Evaluation), task =>
            request.Contains(task.Do, StringComparison.Ordinal) || request.Contains(task.Doing, StringComparison.Ordinal)));
    }

    [Fact]
    public void TheSeedDecidesAndFewerAreTheBeginningOfMore()
    {
        var requests = HarmlessTwins.Requests(DataSplit.Attacker, 200, seed: 5);
        Assert.Equal(requests, HarmlessTwins.Requests(DataSplit.Attacker, 200, seed: 5));
        Assert.Equal(requests.Take(50), HarmlessTwins.Requests(DataSplit.Attacker, 50, seed: 5));
        Assert.NotEqual(requests, HarmlessTwins.Requests(DataSplit.Attacker, 200, seed: 6));
    }

    [Theory]
    [InlineData(RequestForms.RolePlay)]
    [InlineData(RequestForms.Mixed)]
    public void EveryOtherOneMayComeInFormsOfTheBuiltInRequests(object named)
    {
        var forms = (RequestForms)named;
        var requests = HarmlessTwins.Requests(DataSplit.Attacker, 601, seed: 2, forms);
        Assert.Equal(601, requests.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(HarmlessTwins.Requests(DataSplit.Attacker, 301, seed: 2), requests.Where((_, i) => i % 2 == 0));
        var inForms = HarmlessTwins.Tasks(DataSplit.Attacker).SelectMany(task => HarmfulRequests.Forms(forms).Select(task.In)).ToHashSet();
        Assert.All(requests.Where((_, i) => i % 2 == 1), request => Assert.Contains(request, inForms));
        Assert.Equal(requests.Take(60), HarmlessTwins.Requests(DataSplit.Attacker, 60, seed: 2, forms));
    }

    [Fact]
    public void TheFormsAreThoseOfTheHarmfulRequestsAndNoRequestIsOneOfThem()
    {
        var harmful = File.ReadAllLines(Fixtures.Shared("data", "advbench.csv")).Skip(1).Select(line => line.Trim('"')).ToList();
        var openings = HarmlessTwins.Forms.Select(form => string.Join(' ', form.Split(' ').Take(2))).Distinct().ToList();
        Assert.True(harmful.Count(line => openings.Any(opening => line.StartsWith(opening, StringComparison.Ordinal))) > harmful.Count / 2);
        var tasks = Splits.SelectMany(HarmlessTwins.Tasks).ToList();
        Assert.DoesNotContain(harmful, line => tasks.Any(task => line.Contains(task.Do, StringComparison.OrdinalIgnoreCase)));
    }
}
