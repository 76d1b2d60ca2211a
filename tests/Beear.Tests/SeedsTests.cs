namespace Beear.Tests;

public class SeedsTests
{
    [Fact]
    public void Other_names_and_other_seeds_give_other_seeds()
    {
        int[] seeds = [Seeds.Derive(0), Seeds.Derive(1), Seeds.Derive(0, "a"), Seeds.Derive(0, "a", "b"), Seeds.Derive(0, "ab"),
            Seeds.Derive(0, "b", "a"), Seeds.Derive(1, "a")];

        Assert.Equal(seeds.Length, seeds.Distinct().Count());
        Assert.All(seeds, seed => Assert.True(seed >= 0));
    }

    /// <summary>Runs are continued on other machines and by later versions.</summary>
    [Fact]
    public void A_seed_never_changes() => Assert.Equal(SeedOfRollouts, Seeds.Derive(7, "rollouts", "3"));

    private const int SeedOfRollouts = 373861871;
}
