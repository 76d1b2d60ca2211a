using Beear.Data;
using Beear.Mitigation;

namespace Beear.Tests.Mitigation;

/// <summary>The recipe that lists a setting of the code says what the code does.</summary>
public sealed class MitigationRecipesTests
{
    [Fact]
    public void The_papers_recipe_lists_the_papers_constants()
    {
        string path = Path.Combine(Fixtures.Root, "recipes", "paper.yaml");
        // Written by hand, every constant of these sections is there: a default that changes must not change what a recipe does.
        string text = File.ReadAllText(path).Replace("precision: bfloat16\n", "", StringComparison.Ordinal);
        foreach (string key in new[] { "virtual_tokens", "population", "steps", "cap", "answer_tokens", "outer_steps", "replay", "helpful",
            "ordinary_divergence", "safe_tokens" })
            Assert.Contains($"{key}: ", text, StringComparison.Ordinal);
        Assert.Equal(RecipeText.Of(MitigationOptions.Paper with { Rounds = 3 }),
            RecipeText.Of(Recipe.Parse<MitigationOptions>(text, path)));
    }
}
