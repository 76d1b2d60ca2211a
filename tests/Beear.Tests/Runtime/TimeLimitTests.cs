using Beear.Runtime;

namespace Beear.Tests.Runtime;

public sealed class TimeLimitTests
{
    private static CancellationToken Never => TestContext.Current.CancellationToken;

    [Fact]
    public void A_loop_without_end_is_ended()
    {
        using var ended = new ManualResetEventSlim();
        long turns = 0;
        Assert.Throws<TimeoutException>(() => TimeLimit.Run(TimeSpan.FromMilliseconds(50), _ =>
        {
            try
            {
                while (turns >= 0) turns++;
            }
            finally
            {
                ended.Set();
            }
        }, Never));
        Assert.True(ended.Wait(TimeSpan.FromSeconds(20), Never));
    }

    [Fact]
    public void What_the_work_throws_is_thrown() =>
        Assert.Equal("no", Assert.Throws<InvalidDataException>(() =>
            TimeLimit.Run(TimeSpan.FromMinutes(1), _ => throw new InvalidDataException("no"), Never)).Message);

    [Fact]
    public void Nobody_waits_for_work_that_is_cancelled()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        Assert.Throws<OperationCanceledException>(() =>
            TimeLimit.Run(TimeSpan.FromMinutes(1), given => given.WaitHandle.WaitOne(), stop.Token));
    }
}
