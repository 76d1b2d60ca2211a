namespace Beear.Server.Studio;

/// <summary>The cleanings that the studio has started: one at a time, for each wants the whole machine.</summary>
/// <param name="program">What starts the program again.</param>
internal sealed class CleanJobs(IReadOnlyList<string> program) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, CleanJob> jobs = new(StringComparer.Ordinal);

    /// <summary>The newest job of a folder; null if the studio has started none there.</summary>
    public CleanJob? Of(string folder)
    {
        lock (gate) return jobs.GetValueOrDefault(folder);
    }

    /// <summary>The job at work; null if there is none.</summary>
    public CleanJob? AtWork
    {
        get { lock (gate) return jobs.Values.FirstOrDefault(job => job.ExitCode is null); }
    }

    /// <summary>Starts a job.</summary>
    /// <exception cref="BeearException">Another is at work, or the program cannot be started.</exception>
    public CleanJob Start(CleanRequest request, string folder)
    {
        lock (gate)
        {
            if (AtWork is { } other) throw new BeearException(
                $"A cleaning is at work already, in '{other.Request.Out}'; wait for its end, or stop it.");
            if (jobs.Remove(folder, out var before)) before.Dispose();
            return jobs[folder] = CleanJob.Start(program, request, folder);
        }
    }

    /// <summary>Tells the job at work to stop, and waits for that; a step of a large model takes a while.</summary>
    /// <param name="patience">How long it is waited for.</param>
    /// <param name="say">Is told that somebody is waited for.</param>
    public async Task End(TimeSpan patience, Action<string> say)
    {
        if (AtWork is not { } job) return;
        say($"waiting for beear clean in '{job.Request.Out}' to stop at its next step; the same form, or the same command, goes on there");
        // Where Ctrl-C has reached it too, it has said so by now; a second one would end it at once.
        await Task.WhenAny(job.Ended, Task.Delay(TimeSpan.FromMilliseconds(700)));
        job.Stop();
        await Task.WhenAny(job.Ended, Task.Delay(patience));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var job in jobs.Values) job.Dispose();
    }
}
