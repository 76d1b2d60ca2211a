using System.Diagnostics;
using Beear.Hub;
using Beear.Runtime;
using Microsoft.AspNetCore.Http;

namespace Beear.Tests.Hub;

public sealed class ModelHubTests : IAsyncLifetime
{
    private const string Weights = "model.safetensors";
    private readonly string cache = Fixtures.TemporaryFolder();
    private readonly HubReference model = HubReference.Parse(HubServer.Repository);
    private HubServer server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await HubServer.StartAsync();
        server.Add("config.json", """{"model_type": "llama"}""").Add("tokenizer.json", "{}").Add("chat_template.jinja", "{{ messages }}").Add("README.md", "# A model")
            .Add("pytorch_model.bin", "pickle").Add("onnx/model.json", "{}").Add("empty.json", "").Add(Weights, Noise(700_000), isLarge: true);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(cache, recursive: true);
    }

    private ServedFile Large => server.Files[Weights];

    private string Folder => Path.Combine(cache, "models--tiny--model");

    private string Blob => Path.Combine(Folder, "blobs", Large.Sha256);

    private HubSettings Settings(string? token = null, bool offline = false, bool symlinks = true, Func<string, long>? free = null, TimeSpan? silence = null) => new()
    {
        Endpoint = server.Address,
        CacheDirectory = cache,
        Token = token,
        Offline = offline,
        Symlinks = symlinks,
        RetryDelay = TimeSpan.FromMilliseconds(2),
        Silence = silence ?? TimeSpan.FromSeconds(20),
        FreeBytes = free ?? (_ => long.MaxValue),
    };

    private async Task<HubModel> PullAsync(HubSettings? settings = null, HubReference? reference = null, string[]? include = null,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var hub = new ModelHub(settings ?? Settings());
        return await hub.PullAsync(reference ?? model, include, progress, cancellation);
    }

    private async Task<string> RefusalAsync(HubSettings? settings = null, HubReference? reference = null, string[]? include = null) =>
        (await Assert.ThrowsAsync<BeearException>(() => PullAsync(settings, reference, include))).Message;

    private List<Seen> Contents => [.. server.Requests.Where(request => request.Path.StartsWith("/cdn/", StringComparison.Ordinal))];

    [Fact]
    public async Task A_chat_model_comes_into_the_layout_that_all_clients_share()
    {
        var pulled = await PullAsync();

        string[] expected = ["chat_template.jinja", "config.json", "empty.json", Weights, "tokenizer.json"];
        Assert.Equal(expected, pulled.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal(Path.Combine(Folder, "snapshots", server.Commit), pulled.Path);
        Assert.Equal(expected, Directory.GetFiles(pulled.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var file in expected) Assert.Equal(server.Files[file].Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, file)));
        Assert.Equal($"../../blobs/{Large.Sha256}", new FileInfo(Path.Combine(pulled.Path, Weights)).LinkTarget);
        Assert.Equal($"../../blobs/{server.Files["config.json"].GitHash}", new FileInfo(Path.Combine(pulled.Path, "config.json")).LinkTarget);
        Assert.Equal(server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "main")));
        Assert.True(pulled.HubWasReached);
        Assert.Equal(expected.Sum(file => (long)server.Files[file].Content.Length), pulled.DownloadedBytes);
        Assert.Equal($"{HubServer.Repository}@{server.Commit}", pulled.Reference.ToString());
    }

    [Fact]
    public async Task Templates_for_other_uses_come_in_their_folder()
    {
        server.Add("additional_chat_templates/tool_use.jinja", "tools");
        Assert.Equal("tools", await File.ReadAllTextAsync(Path.Combine((await PullAsync()).Path, "additional_chat_templates", "tool_use.jinja")));
    }

    [Fact]
    public async Task What_is_there_is_not_fetched_again_and_a_commit_needs_no_hub()
    {
        var first = await PullAsync();
        server.Requests.Clear();

        Assert.Equal(0, (await PullAsync()).DownloadedBytes);
        Assert.Single(server.Requests);                                      // which commit is main?
        var pinned = await PullAsync(reference: first.Reference);

        Assert.Single(server.Requests);
        Assert.False(pinned.HubWasReached);
        Assert.Equal(first.Path, pinned.Path);
    }

    [Fact]
    public async Task A_new_commit_brings_only_what_changed()
    {
        var old = await PullAsync();
        server.Commit = new string('b', 40);
        server.Add("config.json", """{"model_type": "llama", "new": 1}""");

        var pulled = await PullAsync();

        Assert.Equal(server.Files["config.json"].Content.Length, pulled.DownloadedBytes);
        Assert.NotEqual(old.Path, pulled.Path);
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.Equal(server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "main")));
    }

    [Fact]
    public async Task A_revision_with_slashes_gets_its_own_ref()
    {
        await PullAsync(reference: HubReference.Parse("tiny/model@refs/pr/1"));

        Assert.Contains(server.Requests, request => request.Path.EndsWith("/revision/refs%2Fpr%2F1", StringComparison.Ordinal));
        Assert.Equal(server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "refs", "pr", "1")));
    }

    [Fact]
    public async Task Pages_of_a_listing_are_followed()
    {
        server.PageSize = 2;
        Assert.Equal(5, (await PullAsync()).Files.Count);
        Assert.Equal(4, server.Requests.Count(request => request.Path.Contains("/tree/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Wanted_patterns_choose_among_all_files_but_pickles()
    {
        var pulled = await PullAsync(include: ["onnx/*", "README.??", "*.bin"]);
        Assert.Equal(["README.md", "onnx/model.json"], pulled.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal("../../../blobs/" + server.Files["onnx/model.json"].GitHash, new FileInfo(Path.Combine(pulled.Path, "onnx", "model.json")).LinkTarget);

        Assert.Contains("is a Python pickle", await RefusalAsync(include: ["*.bin"]), StringComparison.Ordinal);
        Assert.Contains("has no file that fits *.xyz", await RefusalAsync(include: ["*.xyz"]), StringComparison.Ordinal);
        Assert.False(Path.Exists(Path.Combine(pulled.Path, "pytorch_model.bin")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broken_download_goes_on_where_it_was(bool reset)
    {
        server.CutOff(Large, 300_000, reset);
        server.CutOff(Large, 100_000, reset);

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
        server.Fault(Large.Sha256, async context =>
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
        Assert.False(Path.Exists(Path.Combine(Folder, "snapshots", server.Commit, Weights)));

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
        server.CutOff(Large, 300_000, reset: false);
        server.Fault(Large.Sha256, context => context.Response.Body.WriteAsync(Large.Content).AsTask());

        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine((await PullAsync()).Path, Weights)));
    }

    [Theory]
    [InlineData(Weights, "SHA-256")]
    [InlineData("config.json", "git hash")]
    public async Task A_file_with_a_wrong_hash_is_refused_and_not_kept(string path, string hash)
    {
        var wrong = server.Files[path].Content.ToArray();
        wrong[5] ^= 1;
        server.Fault(path == Weights ? Large.Sha256 : path, context => context.Response.Body.WriteAsync(wrong).AsTask());

        var message = await RefusalAsync();

        Assert.Equal($"'{path}' of 'tiny/model' arrived damaged: its {hash} is not the one that 127.0.0.1 names; try again.", message);
        Assert.DoesNotContain(server.Files[path].Tag, string.Join(' ', Directory.GetFiles(Path.Combine(Folder, "blobs"))), StringComparison.Ordinal);
        Assert.Equal(server.Files[path].Content, await File.ReadAllBytesAsync(Path.Combine((await PullAsync()).Path, path)));
    }

    [Fact]
    public async Task A_file_longer_than_the_hub_says_is_refused()
    {
        server.Fault(Large.Sha256, context => context.Response.Body.WriteAsync(Noise(700_001)).AsTask());
        Assert.Contains("sends more of 'model.safetensors' than the 700000 bytes", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passing_failures_are_tried_again()
    {
        server.Status("/revision/main", 503);
        server.Status("/revision/main", 429, ("Retry-After", "0"));
        server.Fault("/revision/main", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        server.Status(Weights, 500);
        server.Status(Large.Sha256, 502);
        server.Fault("config.json", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        Assert.Equal(5, (await PullAsync()).Files.Count);
        Assert.Equal(4, server.Requests.Count(request => request.Path.EndsWith("/revision/main", StringComparison.Ordinal)));
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
        server.Fault(Large.Sha256, silent);
        server.Fault("/revision/main", context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));

        var pulled = await PullAsync(Settings(silence: TimeSpan.FromMilliseconds(400)));

        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.Equal("bytes=1000-", Contents[^1].Range);
    }

    [Fact]
    public async Task A_long_wait_is_not_waited_for()
    {
        server.Status("/revision/main", 429, ("Retry-After", "3600"));
        var time = Stopwatch.StartNew();
        Assert.Equal("127.0.0.1 has had too many requests; try again in 3600 seconds.", await RefusalAsync());
        Assert.True(time.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(401, "RepoNotFound", null, "There is no model 'tiny/model' on 127.0.0.1 that is public; check its name, or give your access token by HF_TOKEN if it is private.")]
    [InlineData(404, "RepoNotFound", "secret", "There is no model 'tiny/model' on 127.0.0.1 that your access token may see; check its name.")]
    [InlineData(404, "", null, "There is no model 'tiny/model'")]
    [InlineData(404, "RevisionNotFound", null, "'tiny/model' has no branch, tag or commit 'main'")]
    [InlineData(401, "GatedRepo", null, "'tiny/model' is gated: accept its terms at http://127.0.0.1")]
    [InlineData(403, "GatedRepo", "secret", "'tiny/model' is gated: accept its terms at http://127.0.0.1")]
    [InlineData(401, "", "secret", "127.0.0.1 does not accept the access token")]
    [InlineData(403, "", "secret", "127.0.0.1 does not allow this access token to 'tiny/model'")]
    [InlineData(418, "", null, "with status 418")]
    public async Task A_refusal_is_one_sentence_and_is_not_repeated(int status, string code, string? token, string sentence)
    {
        server.Status("/revision/main", status, ("X-Error-Code", code));

        var message = await RefusalAsync(Settings(token));

        Assert.StartsWith(sentence, message[Math.Max(0, message.IndexOf(sentence, StringComparison.Ordinal))..], StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_file_that_is_refused_is_one_sentence_too()
    {
        server.Status(Weights, 403);
        Assert.Contains("does not allow access without a token to 'tiny/model'", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_in_trouble_is_given_up()
    {
        for (var i = 0; i < 6; i++) server.Status("/revision/main", 503);
        Assert.Equal("127.0.0.1 has trouble of its own (status 503); try again later.", await RefusalAsync());
        Assert.Equal(6, server.Requests.Count);
    }

    [Fact]
    public async Task A_connection_that_brings_nothing_new_is_given_up()
    {
        for (var i = 0; i < 7; i++) server.CutOff(Large, i == 0 ? 1000 : 0, reset: false);
        Assert.Contains("cannot be reached (the connection ended before the file did)", await RefusalAsync(), StringComparison.Ordinal);
        Assert.Equal(1000, new FileInfo($"{Blob}.incomplete").Length);
        Assert.Equal(7, Contents.Count);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_alone()
    {
        await PullAsync(Settings("hf_secret"));

        var hub = server.Address.Authority;
        Assert.All(server.Requests, request => Assert.Equal(request.Host == hub ? "Bearer hf_secret" : null, request.Authorization));
        Assert.Contains(server.Requests, request => request.Host == server.OtherHost.Authority);
    }

    [Fact]
    public async Task A_next_page_elsewhere_is_not_asked_for()
    {
        server.Fault($"/tree/{server.Commit}", context =>
        {
            context.Response.Headers.Link = $"<{server.OtherHost}steal>; rel=\"next\"";
            return context.Response.WriteAsync("[]");
        });
        await RefusalAsync(Settings("hf_secret"));
        Assert.DoesNotContain(server.Requests, request => request.Host == server.OtherHost.Authority);
    }

    [Fact]
    public async Task Redirects_in_a_circle_or_to_files_are_refused()
    {
        for (var i = 0; i < 10; i++) server.Status("/revision/main", 307, ("Location", "/api/models/tiny/model/revision/main"));
        Assert.Contains("redirects in a circle", await RefusalAsync(), StringComparison.Ordinal);
        server.Status("/revision/main", 302, ("Location", "file:///etc/passwd"));
        Assert.Contains("not of https", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"sha": "../../../etc"}""", "it names no commit")]
    [InlineData("""{"sha": 4}""", "it names no commit")]
    [InlineData("<html>", "it is not valid JSON")]
    public async Task A_commit_that_is_none_is_refused(string answer, string reason)
    {
        server.Fault("/revision/main", context => context.Response.WriteAsync(answer));
        Assert.Equal($"The answer of 127.0.0.1 is not one of the hub's: {reason}; check HF_ENDPOINT.", await RefusalAsync());
    }

    [Theory]
    [InlineData("../../outside.json")]
    [InlineData("/etc/outside.json")]
    [InlineData("..\\outside.json")]
    [InlineData("C:outside.json")]
    [InlineData("sub/../../outside.json")]
    [InlineData("nul\0.json")]
    [InlineData("sub//outside.json")]
    public async Task A_path_out_of_the_folder_is_refused(string path)
    {
        server.Add(path, "{}");
        Assert.Contains("is no path inside a folder", await RefusalAsync(include: ["*.json"]), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(cache, "*outside*", SearchOption.AllDirectories));
        Assert.DoesNotContain(server.Requests, request => request.Path.Contains("/resolve/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "../../x", "size": 2}]""")]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "size": -2}]""")]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "size": 2, "lfs": {"oid": "/etc", "size": 3}}]""")]
    [InlineData("""{"error": "none"}""")]
    public async Task A_listing_that_makes_no_sense_is_refused(string listing)
    {
        server.Fault($"/tree/{server.Commit}", context => context.Response.WriteAsync(listing));
        Assert.Contains("is not one of the hub's", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_pulls_at_once_share_the_work()
    {
        var slow = new TaskCompletionSource();
        server.Fault(Large.Sha256, async context =>
        {
            await slow.Task;
            await context.Response.Body.WriteAsync(Large.Content);
        });
        var pulls = Enumerable.Range(0, 2).Select(_ => Task.Run(() => PullAsync())).ToList();
        while (Contents.Count == 0) await Task.Delay(10);
        await Task.Delay(200);
        slow.SetResult();
        var pulled = await Task.WhenAll(pulls);

        Assert.Equal(pulled[0].Path, pulled[1].Path);
        Assert.Single(Contents);
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled[0].Path, Weights)));
    }

    [Fact]
    public async Task Offline_the_cache_serves_alone()
    {
        Assert.Contains("is not (wholly) in the cache", await RefusalAsync(Settings(offline: true)), StringComparison.Ordinal);
        var pulled = await PullAsync();
        server.Requests.Clear();

        var offline = await PullAsync(Settings(offline: true));
        Assert.Equal(pulled.Path, offline.Path);
        Assert.Empty(server.Requests);
        Assert.Contains("HF_HUB_OFFLINE", await RefusalAsync(Settings(offline: true), include: ["README.md"]), StringComparison.Ordinal);
        File.Delete(Blob);
        Assert.Contains("is not (wholly) in the cache", await RefusalAsync(Settings(offline: true)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_the_cache_serves_else_the_sentence_says_so()
    {
        var pulled = await PullAsync();
        var address = server.Address;
        await server.DisposeAsync();
        var settings = new HubSettings { Endpoint = address, CacheDirectory = cache, RetryDelay = TimeSpan.FromMilliseconds(1) };

        var cached = await PullAsync(settings);
        Assert.Equal((pulled.Path, false), (cached.Path, cached.HubWasReached));

        Assert.Matches("^'tiny/other' could not be fetched, for 127.0.0.1 cannot be reached (.+); check the network and try again.$",
            await RefusalAsync(settings, HubReference.Parse("tiny/other")));
    }

    [Fact]
    public async Task A_cache_of_another_client_without_listings_serves_too()
    {
        var snapshot = Path.Combine(Folder, "snapshots", server.Commit);
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(Folder, "refs"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "refs", "main"), server.Commit);
        await File.WriteAllTextAsync(Path.Combine(snapshot, "config.json"), "{}");
        Assert.Contains("is not (wholly) in the cache", await RefusalAsync(Settings(offline: true)), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(snapshot, Weights), "");

        Assert.Equal(snapshot, (await PullAsync(Settings(offline: true))).Path);
    }

    [Fact]
    public async Task A_full_disk_is_noticed_before_the_download()
    {
        var message = await RefusalAsync(Settings(free: _ => 1234));
        Assert.StartsWith("'tiny/model' needs 700 kB more, and the volume of", message, StringComparison.Ordinal);
        Assert.Contains("has 1.23 kB free; make room, or set HF_HUB_CACHE to a folder elsewhere.", message, StringComparison.Ordinal);
        Assert.Empty(Contents);
    }

    [Fact]
    public async Task Where_there_are_no_links_the_files_themselves_lie_in_the_snapshot()
    {
        var pulled = await PullAsync(Settings(symlinks: false));

        Assert.Null(new FileInfo(Path.Combine(pulled.Path, Weights)).LinkTarget);
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.False(File.Exists(Blob));
        Assert.Equal(0, (await PullAsync(Settings(symlinks: false))).DownloadedBytes);
    }

    [Fact]
    public async Task Of_a_repository_of_GGUF_files_one_is_taken()
    {
        server.Files.Clear();
        server.Add("README.md", "").Add("m-Q4_0.gguf", "1").Add("m-Q8_0.gguf", "22").Add("mmproj-F16.gguf", "3").Add("config.json", "{}");
        var pulled = await PullAsync();
        Assert.Equal(["m-Q8_0.gguf"], pulled.Files.Select(file => file.Path));
        Assert.Equal("22", await File.ReadAllTextAsync(pulled.Path));

        var named = await PullAsync(reference: HubReference.Parse("hub:tiny/model/m-Q4_0.gguf"));
        Assert.Equal("1", await File.ReadAllTextAsync(named.Path));
        Assert.Equal($"hub:tiny/model/m-Q4_0.gguf@{server.Commit}", named.Reference.ToString());
        Assert.Contains("has no file 'm-Q4_1.gguf'; did you mean", await RefusalAsync(reference: HubReference.Parse("hub:tiny/model/m-Q4_1.gguf")), StringComparison.Ordinal);
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(4).NextBytes(bytes);
        return bytes;
    }
}
