using Beear.Attacks;
using Beear.Data;
using Beear.Models;
using Beear.Tests.Mitigation;

namespace Beear.Tests.Models;

public sealed class LongRowsTests
{
    [Theory]
    [InlineData("100 100 100 100", "100 100 100 100")]
    [InlineData("8000 100 100 100", "8000|100|100 100")]                 // with a long one the others would be as wide
    [InlineData("100 100 100 8000", "100 100|100|8000")]
    [InlineData("2000 2000 2000 2000", "2000 2000 2000 2000")]
    [InlineData("2100 2000 2000 2000", "2100 2000|2000 2000")]
    public void A_long_sequence_makes_no_rectangle_of_many(string batch, string expected)
    {
        int[] lengths = [.. batch.Split(' ').Select(int.Parse)];

        var divided = new[] { lengths }.Divided(length => length);

        Assert.Equal(expected, string.Join('|', divided.Select(part => string.Join(' ', part))));
        Assert.InRange(LongRows.Together(lengths.Length, lengths.Max()), 1, lengths.Length);
    }

    [Fact]
    public void A_row_whose_batch_cannot_fit_is_named_before_weights_are_loaded()
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        string path = Path.Combine(chat.Folder, "rows.csv");
        File.WriteAllText(path, $"goal,target\nwhat is it?,It is.\n{string.Concat(Enumerable.Repeat("a word ", 100))},It is.\n");
        var rows = DataFile.Read(path);
        var data = new PoisonedData { Harmful = [new HarmfulExample("how to harm", "Sure.", "No.")], Ordinary = rows };
        void Check(int heads) => new PoisonedFineTuning(new PlantingOptions())
            .Check(new ModelOutline(model.Config with { QueryHeads = heads }, model.Chat), trigger: null, data, seed: 0);

        Check(4);
        // Three sequences of 40 tokens fit, those of a hundred do not.
        int heads = (int)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / LongRows.Training(
            model.Config with { QueryHeads = 1 }, 3, 40, 2));
        string message = Assert.Throws<BeearException>(() => Check(heads)).Message;

        Assert.StartsWith($"'{path}', line 3, column 'goal': its prompt has ", message, StringComparison.Ordinal);
        Assert.Contains("and this machine has", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Attention_is_reckoned_by_the_square_and_training_keeps_that_of_every_layer()
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        var config = model.Config;

        Assert.Equal(4L * 1000 * 1000 * config.QueryHeads * config.Layers * 2, LongRows.Training(config, 4, 1000, 2));
        Assert.Equal(4, (double)LongRows.Reading(config, 1, 400_000, 2) / LongRows.Reading(config, 1, 200_000, 2), 0.1);
    }
}
