using System.Buffers;
using System.Net;
using Beear.Runtime;

namespace Beear.Hub;

/// <summary>Brings files of one commit into the cache.</summary>
internal sealed class HubDownload(HubClient client, HubCache cache, HubReference pinned, HubSettings settings, HubProgress progress)
{
    private const int Chunk = 256 << 10;

    /// <summary>
    /// Brings one content, whoever else wants it too: the part that is there is kept, and the whole is checked before it gets its name.
    /// </summary>
    /// <exception cref="BeearException">The hub refuses, the content is wrong twice, or there is no room.</exception>
    public async Task RunAsync(HubFile file, CancellationToken cancellation)
    {
        using var alone = await FileLock.AcquireAsync(cache.Lock(file), cancellation);
        var incomplete = cache.Incomplete(file);
        // A part that something else left may be wrong; what came whole from here may not be.
        for (var isFresh = false; !cache.HasBlob(file); isFresh = true)
        {
            var wasThere = File.Exists(incomplete);
            bool isIntact;
            using (var partial = await PartialFile.OpenAsync(incomplete, file, cancellation))
            {
                progress.Set(file, partial.Length);
                await FillAsync(partial, file, cancellation);
                isIntact = partial.IsIntact();
            }
            if (isIntact)
            {
                File.Move(incomplete, cache.Blob(file), overwrite: true);
                break;
            }
            File.Delete(incomplete);
            if (isFresh || !wasThere)
            {
                throw new BeearException($"'{file.Path}' of '{pinned.Repository}' arrived damaged: its "
                    + $"{(file.Sha256 is null ? "git hash" : "SHA-256")} is not the one " +
                    $"that {settings.Endpoint.Host} names; try again.");
            }
        }
        progress.Set(file, file.Size);
    }

    /// <summary>Receives until all bytes are there; gives up when several connections in a row have brought nothing.</summary>
    private async Task FillAsync(PartialFile partial, HubFile file, CancellationToken cancellation)
    {
        var most = partial.Length;
        var seconds = settings.LongestFile.TotalSeconds + file.Size / settings.LeastBytesPerSecond;
        var longest = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromDays(30).TotalSeconds));
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(longest);
        for (var failures = 0; partial.Length < file.Size;)
        {
            Exception failure = new IOException("the connection ended before the file did");
            try
            {
                await ReceiveAsync(partial, file, limited.Token);
            }
            catch (Exception broken) when (IsBroken(broken, cancellation))
            {
                failure = broken is HubUnreachableException ? broken.InnerException! : broken;
            }
            if (partial.Length >= file.Size) return;
            if (limited.IsCancellationRequested && !cancellation.IsCancellationRequested)
                throw new BeearException(FormattableString.Invariant(
                    $"'{file.Path}' of '{pinned.Repository}' has not come within {longest.TotalSeconds:0.#} seconds") +
                    "; what has come is kept, so try again over a faster connection.");
            failures = partial.Length > most ? 0 : failures + 1;
            most = Math.Max(most, partial.Length);
            if (failures > settings.Retries) throw new HubUnreachableException(settings.Endpoint, failure);
            await Task.Delay(settings.RetryDelay * (1 << failures), cancellation);
        }
    }

    private static bool IsBroken(Exception failure, CancellationToken cancellation) =>
        HubFailures.IsNetwork(failure) || failure is HubUnreachableException
            || (failure is OperationCanceledException && !cancellation.IsCancellationRequested);

    /// <summary>One request for the bytes that are missing.</summary>
    private async Task ReceiveAsync(PartialFile partial, HubFile file, CancellationToken cancellation)
    {
        using var response = await client.OpenAsync(pinned, file, partial.Length, partial.Tag, cancellation);
        var status = response.StatusCode;
        if (status is not (HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable))
            throw HubFailures.Of(response, pinned, settings);
        var goesOn = status == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == partial.Length;
        if (!goesOn) partial.Restart();                                      // the whole comes, or something that does not fit
        partial.Tag = response.Headers.ETag is { IsWeak: false } strong ? strong : null;
        if (goesOn || status == HttpStatusCode.OK) await CopyAsync(response, partial, file, cancellation);
    }

    private async Task CopyAsync(HttpResponseMessage response, PartialFile partial, HubFile file, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (true)
            {
                silence.CancelAfter(settings.Silence);
                var count = await body.ReadAsync(buffer, silence.Token);
                if (count == 0) return;
                if (count > file.Size - partial.Length)
                    throw new BeearException($"{settings.Endpoint.Host} sends more of '{file.Path}' than the {file.Size} bytes "
                        + "that it names; try again.");
                await partial.AppendAsync(buffer.AsMemory(0, count), cancellation);
                progress.Set(file, partial.Length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
