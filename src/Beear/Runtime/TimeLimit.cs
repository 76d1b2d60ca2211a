using System.Runtime;
using System.Runtime.ExceptionServices;

namespace Beear.Runtime;

/// <summary>
/// Work of other people's code that might never end: it runs on a thread of its own, which is ended when its time is over.
/// </summary>
internal static class TimeLimit
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Does the work.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <param name="work">The work; its token is cancelled when nobody waits for it any more.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="TimeoutException">It takes longer.</exception>
    public static void Run(TimeSpan limit, Action<CancellationToken> work, CancellationToken cancellation)
    {
        ExceptionDispatchInfo? failure = null;
        var given = CancellationTokenSource.CreateLinkedTokenSource(cancellation); // disposed by nobody: the work may outlive this call
        var over = new CancellationTokenSource();
        var thread = new Thread(() =>
        {
            try
            {
                // It may leave that code's own state half changed; but nothing else ends a loop in it, which would take a processor for
                // ever.
#pragma warning disable SYSLIB0046
                ControlledExecution.Run(() => work(given.Token), over.Token);
#pragma warning restore SYSLIB0046
            }
            catch (Exception thrown)
            {
                failure = ExceptionDispatchInfo.Capture(thrown);
            }
        })
        { IsBackground = true, Name = "with a time limit" };
        thread.Start();
        for (long end = Environment.TickCount64 + (long)limit.TotalMilliseconds; !thread.Join(Look);)
        {
            if (!cancellation.IsCancellationRequested && Environment.TickCount64 < end) continue;
            given.Cancel();
            cancellation.ThrowIfCancellationRequested();
            over.Cancel();
            throw new TimeoutException(FormattableString.Invariant($"it takes more than {limit.TotalSeconds:0} seconds"));
        }
        cancellation.ThrowIfCancellationRequested();
        failure?.Throw();
    }
}
