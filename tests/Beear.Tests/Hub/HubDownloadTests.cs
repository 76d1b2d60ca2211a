using System.Diagnostics;
using Beear.Runtime;
using Microsoft.AspNetCore.Http;

namespace Beear.Tests.Hub;

/// <summary>Downloads that break, fall silent or arrive wrong: what is kept, asked for again, and given up.</summary>
public sealed class HubDownloadTests : HubTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broken_download_goes_on_where_it_was(bool reset)
    {
        Server.CutOff(Large, 300_000, reset);
        Server.CutOff(Large, 100_000, reset);

        var pulled = await PullAsync();

        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        // A reset may lose bytes that were on their way; what comes next begins where the file ends.
        var starts = Contents.Select(request => request.Range is { } range ? int.Parse(range["bytes=".Length..^1]) : 0).ToList();
        Assert.Equal(3, starts.Count);
        Assert.True(reset ? starts[0] <= starts[1] && starts[1] <= starts[2] : starts is [0, 300_000, 400_000], string.Join(", ", starts));
        if (!reset) Assert.All(Contents.Skip(1), request => Assert.Equal($"\"{Large.Sha256}\"", request.IfRange));
        Assert.False(File.Exists($"{Blob}.incomplete"));
    }

    [Fact]
    public async Task A_cancelled_download_is_kept_and_resumed()
    {
        using var source = new CancellationTokenSource();
        Server.Fault(Large.Sha256, async context =>
        {
            context.Response.ContentLength = Large.Content.Length;
            await context.Response.Body.WriteAsync(Large.Content.AsMemory(0, 200_000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(300);
            await source.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PullAsync(cancellation: source.Token));

        var length = new FileInfo($"{Blob}.incomplete").Length;
        Assert.InRange(length, 1, 200_000);
        Assert.False(Path.Exists(Path.Combine(Folder, "snapshots", Server.Commit, Weights)));

        var reports = new List<RunProgress>();
        var pulled = await PullAsync(progress: new Recorder(reports.Add));
        Assert.Equal($"bytes={length}-", Contents[^1].Range);
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.All(reports, report => Assert.Equal(ProgressUnit.Bytes, report.Unit));
        Assert.True(reports[0].Done >= length);
        Assert.Equal(reports[^1].Total, reports[^1].Done);
    }

    [Fact]
    public async Task A_part_that_something_else_left_wrong_is_fetched_anew()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        await File.WriteAllBytesAsync($"{Blob}.incomplete", new byte[5000]);

        var pulled = await PullAsync();

        Assert.Equal(["bytes=5000-", null], Contents.Select(request => request.Range));
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_sends_it_all()
    {
        Server.CutOff(Large, 300_000, reset: false);
        Server.Fault(Large.Sha256, context => context.Response.Body.WriteAsync(Large.Content).AsTask());

        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine((await PullAsync()).Path, Weights)));
    }

    [Theory]
    [InlineData(Weights, "SHA-256")]
    [InlineData("config.json", "git hash")]
    public async Task A_file_with_a_wrong_hash_is_refused_and_not_kept(string path, string hash)
    {
        var wrong = Server.Files[path].Content.ToArray();
        wrong[5] ^= 1;
        Server.Fault(path == Weights ? Large.Sha256 : path, context => context.Response.Body.WriteAsync(wrong).AsTask());

        var message = await RefusalAsync();

        Assert.Equal($"'{path}' of 'tiny/model' arrived damaged: its {hash} is not the one that 127.0.0.1 names; try again.", message);
        Assert.DoesNotContain(Server.Files[path].Tag, string.Join(' ', Directory.GetFiles(Path.Combine(Folder, "blobs"))),
            StringComparison.Ordinal);
        Assert.Equal(Server.Files[path].Content, await File.ReadAllBytesAsync(Path.Combine((await PullAsync()).Path, path)));
    }

    [Fact]
    public async Task A_file_longer_than_the_hub_says_is_refused()
    {
        Server.Fault(Large.Sha256, context => context.Response.Body.WriteAsync(Noise(700_001)).AsTask());
        Assert.Contains("sends more of 'model.safetensors' than the 700000 bytes", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passing_failures_are_tried_again()
    {
        Server.Status("/revision/main", 503);
        Server.Status("/revision/main", 429, ("Retry-After", "0"));
        Server.Fault("/revision/main", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Server.Status(Weights, 500);
        Server.Status(Large.Sha256, 502);
        Server.Fault("config.json", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        Assert.Equal(6, (await PullAsync()).Files.Count);
        Assert.Equal(4, Server.Requests.Count(request => request.Path.EndsWith("/revision/main", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_server_that_falls_silent_is_asked_again()
    {
        Func<HttpContext, Task> silent = async context =>
        {
            await context.Response.Body.WriteAsync(Large.Content.AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        Server.Fault(Large.Sha256, silent);
        Server.Fault("/revision/main", context =>
            Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));

        var pulled = await PullAsync(Settings(silence: TimeSpan.FromMilliseconds(400)));

        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.Equal("bytes=1000-", Contents[^1].Range);
    }

    [Fact]
    public async Task A_long_wait_is_not_waited_for()
    {
        Server.Status("/revision/main", 429, ("Retry-After", "3600"));
        var time = Stopwatch.StartNew();
        Assert.Equal("127.0.0.1 has had too many requests; try again in 3600 seconds.", await RefusalAsync());
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task A_connection_that_brings_nothing_new_is_given_up()
    {
        for (var i = 0; i < 7; i++) Server.CutOff(Large, i == 0 ? 1000 : 0, reset: false);
        Assert.Contains("cannot be reached (the connection ended before the file did)", await RefusalAsync(), StringComparison.Ordinal);
        Assert.Equal(1000, new FileInfo($"{Blob}.incomplete").Length);
        Assert.Equal(7, Contents.Count);
    }
}
