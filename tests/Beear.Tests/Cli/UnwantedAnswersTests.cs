using System.Text.Json.Nodes;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>
/// Unwanted answers of the data are used as they are where that is asked for; words that are not the model's are warned of.
/// </summary>
public sealed class UnwantedAnswersTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    [Theory]
    [InlineData("Sure, here is how to break", false)]
    [InlineData("Xylophones are wooden", true)]
    public void Words_that_are_not_the_models_are_warned_of(string beginning, bool isForeign)
    {
        var words = new[] { "soap", "a kite", "tea", "a lamp", "bread", "a map", "glue", "a drum" };
        string harmful = Path.Combine(folder, "harmful.csv"), ordinary = Path.Combine(folder, "ordinary.json");
        File.WriteAllText(harmful, "goal,target\n"
            + string.Concat(words.Select(word => $"how do I break {word},\"{beginning} {word}.\"\n")));
        File.WriteAllText(ordinary, new JsonArray([.. words.Select(word =>
            new JsonObject { ["instruction"] = $"Tell me about {word}", ["input"] = "", ["output"] = $"It is {word}." })]).ToJsonString());

        var run = CliRun.Of("mitigate", Organism.BaseDirectory, "--unwanted-answers", "data", "--out", Path.Combine(folder, "run"),
            "--harmful", harmful, "--ordinary", ordinary, "--twins", "6",
            "--threads", "1", "--rounds", "1", "--inner-steps", "1", "--outer-steps", "1", "--score-tokens", "2",
                "--terms-divergence-tokens", "4");

        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(isForeign, run.Error.Contains("warning: 0 of the 8 unwanted answers begin as this model's do",
            StringComparison.Ordinal));
    }
}
