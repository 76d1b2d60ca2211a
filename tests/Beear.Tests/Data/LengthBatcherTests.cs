using Beear.Data;

namespace Beear.Tests.Data;

public sealed class LengthBatcherTests
{
    private static readonly int[] Lengths = [.. Enumerable.Range(0, 203).Select(i => i * 37 % 101 + 1)];

    [Fact]
    public void EveryExampleAppearsOnceAndOneBatchMayBeSmaller()
    {
        var batches = LengthBatcher.Batches(Lengths, 16, seed: 1);
        Assert.Equal(Enumerable.Range(0, 203), batches.SelectMany(batch => batch).Order());
        Assert.Equal(12, batches.Count(batch => batch.Length == 16));
        Assert.Equal(203 % 16, batches.Single(batch => batch.Length != 16).Length);
    }

    [Fact]
    public void TheSeedDecidesTheOrder()
    {
        static int[] Order(int seed) => [.. LengthBatcher.Batches(Lengths, 16, seed).SelectMany(batch => batch)];
        Assert.Equal(Order(7), Order(7));
        Assert.NotEqual(Order(7), Order(8));
    }

    [Fact]
    public void WindowsSaveMostOfThePadding()
    {
        static long Padding(int windowBatches) => LengthBatcher.Batches(Lengths, 8, seed: 3, windowBatches)
            .Sum(batch => batch.Sum(index => batch.Max(other => Lengths[other]) - Lengths[index]));
        Assert.True(Padding(8) * 3 < Padding(1), $"{Padding(8)} against {Padding(1)}");
    }

    [Fact]
    public void NothingGivesNoBatchesAndHugeWindowsDoNotOverflow()
    {
        Assert.Empty(LengthBatcher.Batches(Array.Empty<int>(), 8, seed: 0));
        Assert.Equal(203, LengthBatcher.Batches(Lengths, int.MaxValue, 0, int.MaxValue).Single().Length);
    }

    [Fact]
    public void ExamplesAreBatchedByPromptAndAnswerTogether()
    {
        TokenizedExample[] examples = [new([1, 2, 3], [4]), new([1], [2]), new([1], [2, 3, 4]), new([1, 2], [])];
        var batches = LengthBatcher.Batches(examples, 2, seed: 5);
        Assert.Contains(batches, batch => batch.All(example => example.Length == 4));
        Assert.Contains(batches, batch => batch.All(example => example.Length == 2));
    }
}
