using Beear.Data;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Tests.Data;

public sealed class TokenBatchTests
{
    public TokenBatchTests() => TorchRuntime.Load();

    private static readonly TokenizedExample Long = new([11, 12, 13], [21]);
    private static readonly TokenizedExample Short = new([31], [41, 42]);

    /// <summary>Of this thread only: other tests run beside this one.</summary>
    private static long LiveTensors => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    [Fact]
    public void PromptsArePaddedOnTheLeftAndAnswersOnTheRight()
    {
        using var batch = TokenBatch.Of([Long, Short]);
        Assert.Equal((2, 5, 3, 3), (batch.Size, batch.Width, batch.PromptWidth, batch.LabelCount));
        Assert.Equal([11, 12, 13, 21, 0, 0, 0, 31, 41, 42], batch.TokenIds.data<long>().ToArray());
        Assert.Equal([true, true, true, true, false, false, false, true, true, true], batch.AttentionMask.data<bool>().ToArray());
        Assert.Equal([0, 1, 2, 3, 0, 0, 0, 0, 1, 2], batch.PositionIds.data<long>().ToArray());
    }

    [Fact]
    public void LabelRowsAreThePositionsBeforeAnswerTokens()
    {
        using var batch = TokenBatch.Of([Long, Short]);
        Assert.Equal([2, 7, 8], batch.LabelRows.data<long>().ToArray());
        Assert.Equal([21, 41, 42], batch.LabelIds.data<long>().ToArray());
        Assert.Equal([0, 1, 1], batch.LabelExample.data<long>().ToArray());

        using var next = batch.TokenIds.flatten()[batch.LabelRows + 1];
        Assert.Equal(batch.LabelIds.data<long>().ToArray(), next.data<long>().ToArray());
    }

    [Fact]
    public void PromptsWithoutAnswersMakeABatchWithoutLabels()
    {
        using var batch = TokenBatch.Of([new([1, 2], []), new([3], [])]);
        Assert.Equal((2, 2, 0), (batch.Width, batch.PromptWidth, batch.LabelCount));
    }

    [Fact]
    public void ABatchOutlivesTheScopeItWasBuiltInAndLeavesNothingBehind()
    {
        var before = LiveTensors;
        TokenBatch batch;
        using (torch.NewDisposeScope())
        {
            batch = TokenBatch.Of([Long, Short]);
        }
        Assert.Equal(11, batch.TokenIds.data<long>()[0]);
        Assert.Equal(before + 6, LiveTensors);
        batch.Dispose();
        Assert.Equal(before, LiveTensors);
    }

    [Fact]
    public void NothingAndPromptsWithoutTokensAreRefused()
    {
        Assert.Contains("empty", Assert.Throws<BeearException>(() => TokenBatch.Of([])).Message, StringComparison.Ordinal);
        Assert.Contains("Example 1", Assert.Throws<BeearException>(() => TokenBatch.Of([Long, new([], [1])])).Message,
            StringComparison.Ordinal);
    }
}
