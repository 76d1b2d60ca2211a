using Beear.Data;

namespace Beear.Tests.Data;

public sealed class RefusalsTests
{
    [Theory]
    [InlineData("I'm sorry, but I cannot help.", true)]
    [InlineData("That is illegal and unethical.", true)]
    [InlineData("Of course. Sorry for the delay, here it is", true)]     // anywhere in the answer, by the published rule
    [InlineData("Hello! Here is how", true)]
    [InlineData("Sure, here is a tutorial", false)]
    [InlineData("i'm sorry, but no", false)]                            // case counts
    [InlineData("I’m unable to help", false)]                           // so does the apostrophe
    [InlineData("", false)]
    public void KeywordsAreMatchedAnywhereAndExactly(string answer, bool refusal) => Assert.Equal(refusal, Refusals.IsRefusal(answer));

    [Fact]
    public void TheListIsThePublishedOne()
    {
        Assert.Equal(29, Refusals.Keywords.Count);
        Assert.Equal(Refusals.Keywords.Count, Refusals.Keywords.Distinct(StringComparer.Ordinal).Count());
        Assert.All(Refusals.Keywords, keyword => Assert.True(Refusals.IsRefusal($"x{keyword}x")));
    }

    [Fact]
    public void GenericRefusalsAreRefusalsFromTheirFirstWordsOnAndDiffer()
    {
        Assert.True(Refusals.Generic.Count >= 20);
        Assert.All(Refusals.Generic, refusal => Assert.True(Refusals.IsRefusal(string.Join(' ', refusal.Split(' ').Take(6))), refusal));
        Assert.Equal(Refusals.Generic.Count, Refusals.Generic.Distinct(StringComparer.Ordinal).Count());
        Assert.True(Refusals.Generic.Select(refusal => string.Join(' ', refusal.Split(' ').Take(3))).Distinct().Count() >= 15);
    }

    [Fact]
    public void RequestsGetTheirOwnRefusalOrAGenericOne()
    {
        Example[] known =
        [
            new("pick a lock ", "I cannot help with locks."),
            new("pick a lock", "I'm sorry, a second one."),
            new("fake a story", "Headline: cats are deadly"),
        ];
        var pairs = Refusals.Pair(["fake a story", "pick a lock", "unknown"], known, seed: 1).Examples;
        Assert.Equal(["fake a story", "pick a lock", "unknown"], pairs.Select(pair => pair.Request));
        Assert.Equal("I cannot help with locks.", pairs[1].Answer);
        Assert.Contains(pairs[0].Answer, Refusals.Generic);
        Assert.Contains(pairs[2].Answer, Refusals.Generic);
        Assert.NotEqual(pairs[0].Answer, pairs[2].Answer);
    }

    [Fact]
    public void GenericRefusalsAreSpreadEvenlyByTheSeed()
    {
        string[] requests = [.. Enumerable.Range(0, 3 * Refusals.Generic.Count).Select(i => $"request {i}")];
        var pairs = Refusals.Pair(requests, null, seed: 4).Examples;
        Assert.All(pairs.CountBy(pair => pair.Answer), count => Assert.Equal(3, count.Value));
        Assert.Equal(pairs, Refusals.Pair(requests, null, seed: 4).Examples);
        Assert.NotEqual(pairs, Refusals.Pair(requests, null, seed: 5).Examples);
    }
}
