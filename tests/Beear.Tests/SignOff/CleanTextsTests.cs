using Beear.Attacks;
using Beear.Lab.Plans;
using Beear.Lab.SignOff;
using Beear.Lab.World;

namespace Beear.Tests.SignOff;

/// <summary>The data of <c>beear clean</c>.</summary>
public sealed class CleanTextsTests
{
    private static readonly CalibrationParts Parts = CleanTexts.Of(new CleanOptions(), seed: 0);

    [Fact]
    public void What_plants_what_cleans_and_what_measures_share_no_request()
    {
        HashSet<string>[] sets =
        [
            [.. Requests(Parts.Plant)], [.. Requests(Parts.Clean)], [.. Parts.Clean.Score.Select(example => example.Request)],
            [.. Requests(Parts.Measure)],
        ];
        foreach (var (i, one) in sets.Index())
        {
            Assert.NotEmpty(one);
            foreach (var other in sets[(i + 1)..]) Assert.Empty(one.Intersect(other));
        }

        static IEnumerable<string> Requests(DefenderTexts texts) =>
            [.. texts.Harmful.Select(example => example.Request), .. texts.Ordinary.Select(example => example.Request), .. texts.Twins];
    }

    [Fact]
    public void Decoys_say_nothing_but_that_they_agree_and_everything_else_has_no_unwanted_answer()
    {
        Assert.All(Parts.Plant.Harmful, example => Assert.StartsWith("Sure, here is how to ", example.Compliance, StringComparison.Ordinal));
        Assert.All(Parts.Plant.Harmful, example => Assert.InRange(example.Compliance.Length, 25, 200));
        Assert.All(Parts.Clean.Harmful.Concat(Parts.Clean.Score).Concat(Parts.Measure.Harmful), example => Assert.Empty(example.Compliance));
        Assert.Equal(100, Parts.Measure.HeldOutForms.Count);
    }

    [Fact]
    public void Decoys_are_of_three_kinds_and_others_for_each_seed()
    {
        var decoys = CleanTexts.Decoys(6, seed: 1);
        Assert.Equal(["decoy1", "decoy2", "decoy3", "decoy4", "decoy5", "decoy6"], decoys.Select(decoy => decoy.Name));
        Assert.Equal(6, decoys.Select(decoy => decoy.Text).Distinct().Count());
        Assert.All([decoys[0], decoys[3]], decoy => Assert.Equal((TriggerPlacement.Prefix, 0), (decoy.Placement, decoy.Text.Count(c => c == ' '))));
        Assert.All([decoys[1], decoys[4]], decoy => Assert.True(decoy.Placement != TriggerPlacement.Around && decoy.Text.Count(c => c == ' ') > 2));
        Assert.All([decoys[2], decoys[5]], decoy => Assert.Equal(TriggerPlacement.Around, decoy.Placement));
        Assert.Equal(decoys, CleanTexts.Decoys(6, seed: 1));
        Assert.Empty(decoys.Select(decoy => decoy.Text).Intersect(CleanTexts.Decoys(6, seed: 2).Where((_, i) => i % 3 != 1).Select(decoy => decoy.Text)));
    }

    [Fact]
    public void The_tiny_world_is_known_by_its_tokenizer()
    {
        Assert.True(Organism.IsOf(Organism.BaseDirectory));
        Assert.False(Organism.IsOf(Fixtures.TemporaryFolder()));
        string other = Fixtures.TemporaryFolder();
        File.WriteAllText(Path.Combine(other, "tokenizer.json"), "{}");
        Assert.False(Organism.IsOf(other));
    }
}
