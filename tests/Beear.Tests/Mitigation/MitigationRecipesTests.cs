using Beear.Data;
using Beear.Mitigation;

namespace Beear.Tests.Mitigation;

/// <summary>The recipes that list a setting of the code say what the code does.</summary>
public sealed class MitigationRecipesTests
{
    [Fact]
    public void The_anchored_recipe_lists_the_defaults_with_its_number_of_rounds() =>
        Same(new MitigationOptions { Rounds = 2 }, "smollm2/anchored.yaml");

    [Theory]
    [InlineData("smollm2/paper.yaml")]
    [InlineData("llama-2-7b/paper.yaml")]
    public void The_papers_recipe_lists_the_papers_constants(string recipe) => Same(MitigationOptions.Paper with { Rounds = 3 }, recipe);

    private static void Same(MitigationOptions expected, string recipe)
    {
        string path = Path.Combine(Fixtures.Root, "recipes", recipe);
        // Written by hand, every constant of these sections is there: a default that changes must not change what a recipe does.
        string text = File.ReadAllText(path).Replace("precision: bfloat16\n", "", StringComparison.Ordinal);
        foreach (string key in new[] { "virtual_tokens", "population", "steps", "cap", "answer_tokens", "outer_steps", "replay", "helpful",
            "ordinary_divergence", "safe_tokens" })
            Assert.Contains($"{key}: ", text, StringComparison.Ordinal);
        Assert.Equal(RecipeText.Of(expected), RecipeText.Of(Recipe.Parse<MitigationOptions>(text, path)));
    }
}
