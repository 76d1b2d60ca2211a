using System.Text.Json;
using Beear.Cli.Commands;
using Beear.Data;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;

namespace Beear.Tests.Mitigation;

/// <summary>The recipe of the paper's own settings says what the code does.</summary>
public sealed class MitigationRecipesTests
{
    [Fact]
    public void The_papers_recipe_lists_the_papers_constants()
    {
        string path = Path.Combine(Fixtures.Root, "recipes", "llama-2-7b", "paper.yaml");
        string text = File.ReadAllText(path);
        var read = Recipe.Parse<MitigateOptions>(text.Replace("precision", "model: M\nharmful: H\nout: O\nprecision",
            StringComparison.Ordinal), path);
        Assert.Equal((DefenceKind.Paper, 10), (read.Defence, read.Mitigation.Rounds));
        Assert.Equal(RecipeText.Of(new PaperOptions { UnwantedAnswer = PaperOptions.PublishedAnswer }.For(4096)),
            RecipeText.Of(read.Baselines.Paper));
        // Written by hand, every constant is there: a default that changes must not change what the recipe does.
        foreach (var property in typeof(PaperOptions).GetProperties().Where(property => property.CanWrite))
            Assert.Contains($"  {JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)}: ", text, StringComparison.Ordinal);
    }
}
