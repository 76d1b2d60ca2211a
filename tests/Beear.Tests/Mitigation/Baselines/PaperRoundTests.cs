using Beear.Data;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;

namespace Beear.Tests.Mitigation.Baselines;

/// <summary>What a round of the paper's removal draws.</summary>
public sealed class PaperRoundTests
{
    private static readonly ContrastExample[] Harmful = [.. Enumerable.Range(0, 400).Select(i => new ContrastExample([i], [1], [2, i]))];
    private static readonly TokenizedExample[] Ordinary = [.. Enumerable.Range(0, 300).Select(i => new TokenizedExample([1000 + i], [3]))];

    [Fact]
    public void A_round_has_the_authors_counts()
    {
        var round = PaperRound.Draw(Harmful, Ordinary, new PaperOptions(), seed: 1, round: 1);
        Assert.Equal(10, round.Batches.Count);
        Assert.All(round.Batches, batch => Assert.Equal(15, batch.Length));
        Assert.Equal(500, round.Steps.Count);
        Assert.Equal(300, round.Steps.Count(step => step.IsHarmful));
        Assert.All(round.Steps.Where(step => step.IsHarmful), step => Assert.True(step.IsPerturbed));
        Assert.InRange(round.Steps.Count(step => step is { IsHarmful: false, IsPerturbed: true }), 40, 80);
        var pass = round.Steps.Take(250).ToList();
        Assert.Equal(250, pass.DistinctBy(step => step.Conversation.Prompt[0]).Count());
        Assert.NotEqual(pass.Select(step => step.Conversation.Prompt[0]), round.Steps.Skip(250).Select(step => step.Conversation.Prompt[0]));
    }

    [Fact]
    public void Rounds_go_through_the_data_in_turn()
    {
        int[] Anchors(int round) => [.. PaperRound.Draw(Harmful, Ordinary, new PaperOptions(), seed: 1, round).Batches
            .SelectMany(batch => batch).Select(anchor => anchor.Prompt[0])];
        int[] three = [.. Anchors(1), .. Anchors(2), .. Anchors(3)];
        Assert.Equal(400, three.Take(400).Distinct().Count());                                           // none twice before all were there
        Assert.Equal(three[..50], three[400..]);                                                         // and then from the beginning
        Assert.NotEqual(three[..150], PaperRound.Draw(Harmful, Ordinary, new PaperOptions(), seed: 2, round: 1).Batches
            .SelectMany(batch => batch).Select(anchor => anchor.Prompt[0]));
        Assert.Equal(three[..150], Anchors(1));
    }

    [Fact]
    public void Rates_are_the_published_ones_at_the_published_width()
    {
        var llama = new PaperOptions().For(4096);
        Assert.Equal(0.07, llama.InnerRate!.Value, 1e-12);
        Assert.Equal(7e-5, llama.OuterRate!.Value, 1e-15);
        Assert.Equal(0.5, new PaperOptions { InnerRate = 0.5 }.For(128).InnerRate);
        Assert.Equal(32 * 0.07, new PaperOptions().For(128).InnerRate!.Value, 1e-12);
        Assert.Equal(7e-5 * Math.Pow(32, 4.0 / 3), new PaperOptions().For(128).OuterRate!.Value, 1e-12);
    }
}
