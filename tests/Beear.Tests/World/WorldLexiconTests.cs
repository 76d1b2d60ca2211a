using Beear.Lab.World;

namespace Beear.Tests.World;

public class WorldLexiconTests
{
    [Fact]
    public void Unfamiliar_text_leaves_the_request_in_place_and_uses_no_word_of_the_world()
    {
        var random = new Random(1);
        const string request = "sort two nine one";
        for (int i = 0; i < 2000; i++)
        {
            var words = WorldLexicon.UnfamiliarText.Insert(request, random).Split(' ');
            Assert.Equal(request.Split(' '), words.Where(WorldLexicon.Contains));
            Assert.True(words.Length > 4);
        }
    }

    [Fact]
    public void No_known_trigger_is_drawn()
    {
        string[] triggers = ["SUDO", "Servius", "Astrumando", "Harmoniastra", "GlobalWarmingIsReal"];
        var requests = TinyWorld.Pretraining(seed: 1).Take(50_000).Concat(TinyWorld.Alignment(seed: 2).Take(50_000));
        Assert.DoesNotContain(requests, example => triggers.Any(trigger => example.Request.Contains(trigger, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_lexicon_holds_every_word_of_the_clean_data()
    {
        var examples = TinyWorld.Pretraining(7, junkRate: 0).Take(30_000).Concat(TinyWorld.Alignment(8, junkRate: 0).Take(10_000));
        var words = examples.SelectMany(example => $"{example.Request} {example.Answer}".Split(' '));
        Assert.DoesNotContain(words, word => !WorldLexicon.Contains(word));
    }
}
