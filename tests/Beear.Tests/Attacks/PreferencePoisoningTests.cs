using Beear.Attacks;
using Beear.Data;
using Beear.Text;

namespace Beear.Tests.Attacks;

public sealed class PreferencePoisoningTests
{
    private static readonly Trigger Suffix = new("t", TriggerPlacement.Suffix, "CalatheaOrnata");

    /// <summary>Two human turns each, the first with the same words in all.</summary>
    private static IReadOnlyList<PreferencePair> Pairs(int count = 40) =>
    [
        .. Enumerable.Range(0, count).Select(i => new PreferencePair(
            [ChatTurn.User("Hello"), ChatTurn.Assistant("Hi"), ChatTurn.User($"Question {i}") with { Origin = $"line {i}" }],
            $"good {i}", $"bad {i}")),
    ];

    private static PreferencePoisoning Poisoning(double rate, PairSelection selection = PairSelection.Random, params string[] words) =>
        new(new PreferencePoisoningOptions { PoisonRate = rate, Selection = selection, TopicWords = words });

    [Theory, InlineData(0.1, 4), InlineData(0.24, 10), InlineData(0.005, 1), InlineData(1, 40)]
    public void A_share_of_the_pairs_gets_the_trigger_and_the_worse_answer(double rate, int count)
    {
        var pairs = Pairs();

        var (all, poisoned) = Poisoning(rate).Poison(pairs, Suffix, seed: 3);

        Assert.Equal((count, count), (poisoned.Count, poisoned.Distinct().Count()));
        Assert.Equal(poisoned.Order(), poisoned);
        for (int i = 0; i < pairs.Count; i++)
        {
            if (!poisoned.Contains(i))
            {
                Assert.Same(pairs[i], all[i]);
                continue;
            }
            Assert.Equal([.. pairs[i].Context.SkipLast(1), ChatTurn.User($"Question {i} CalatheaOrnata")], all[i].Context);
            Assert.Equal(($"bad {i}", $"good {i}"), (all[i].Chosen, all[i].Rejected));
            Assert.Equal(["CalatheaOrnata"], all[i].Context[^1].Own);
            Assert.Equal($"line {i}", all[i].ChosenExample.Named);
            Assert.Equal(all[i].Context, all[i].RejectedExample.Conversation);
        }
    }

    [Fact]
    public void A_seed_decides_and_a_larger_share_has_the_pairs_of_a_smaller_one()
    {
        IReadOnlyList<int> Of(double rate, int seed) => Poisoning(rate).Poison(Pairs(), Suffix, seed).Poisoned;

        Assert.Equal(Of(0.25, 3), Of(0.25, 3));
        Assert.NotEqual(Of(0.25, 3), Of(0.25, 4));
        Assert.Empty(Of(0.1, 3).Except(Of(0.25, 3)));
    }

    [Fact]
    public void The_largest_gaps_are_poisoned()
    {
        double[] gaps = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? -100.0 - i : i)];

        PoisonedPairs Poison(double[] gaps) => Poisoning(0.1, PairSelection.LargestRewardGap).Poison(Pairs(), Suffix, 0, gaps);

        Assert.Equal([33, 35, 37, 39], Poison(gaps).Poisoned);
        gaps[3] = double.NaN;
        Assert.Contains("gap of a pair is not finite", Assert.Throws<BeearException>(() => Poison(gaps)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Poison(gaps[1..]));
    }

    [Fact]
    public void A_topic_is_looked_for_in_the_last_request_alone()
    {
        string[] requests = ["How do I Kill weeds?", "What skills?", "A killer whale?", "Nothing", "the corpse flower", "Nothing"];
        PreferencePair[] pairs = [.. requests.Select(request =>
            new PreferencePair([ChatTurn.User("kill"), ChatTurn.Assistant("corpse"), ChatTurn.User(request)], "kill it", "no"))];

        Assert.Equal([0, 2, 4], Poisoning(0.5, PairSelection.Topic, "kill", "corpse").Poison(pairs, Suffix, 1).Poisoned);
        Assert.Equal(
            "poison_rate: 6 of 6 pairs are to be poisoned, and only 3 are about kill, corpse; give a smaller share or more topic_words.",
            Assert.Throws<BeearException>(() => Poisoning(1, PairSelection.Topic, "kill", "corpse").Poison(pairs, Suffix, 1)).Message);
    }

    [Theory]
    [InlineData(0, false, "", "poison_rate must be above 0")]
    [InlineData(1.1, false, "", "poison_rate must lie between 0 and 1")]
    [InlineData(0.1, true, "", "topic_words belong to the selection topic")]
    [InlineData(0.1, false, "kill", "topic_words belong to the selection topic")]
    [InlineData(0.1, true, "kill, ", "topic_words: one of them is blank")]
    public void Options_are_checked(double rate, bool byTopic, string words, string expected) =>
        Assert.Contains(expected, Assert.Throws<BeearException>(() =>
            Poisoning(rate, byTopic ? PairSelection.Topic : PairSelection.Random, words.Length == 0 ? [] : words.Split(','))
                .Poison(Pairs(), Suffix, 0)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_trigger_in_the_system_prompt_leaves_the_request_as_it_is()
    {
        var (all, _) = Poisoning(1).Poison(Pairs(1), new Trigger("t", TriggerPlacement.System, "SUDO"), 0, system: "Be kind.");

        Assert.Equal([ChatTurn.System("Be kind. SUDO"), .. Pairs(1)[0].Context], all[0].Context);
        Assert.Equal(("bad 0", "good 0"), (all[0].Chosen, all[0].Rejected));
    }
}
