using Beear.Hub;
using Beear.Lab.SignOff;

namespace Beear.Tests.Hub;

/// <summary>What a pull brings into the Cache, from where, and what the cache serves without a hub.</summary>
public sealed class ModelHubTests : HubTests
{
    [Fact]
    public async Task A_chat_model_comes_into_the_layout_that_all_clients_share()
    {
        var pulled = await PullAsync();

        string[] expected = ["README.md", "chat_template.jinja", "config.json", "empty.json", Weights, "tokenizer.json"];
        Assert.Equal(expected, pulled.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal(Path.Combine(Folder, "snapshots", Server.Commit), pulled.Path);
        Assert.Equal(expected, Directory.GetFiles(pulled.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var file in expected) Assert.Equal(Server.Files[file].Content,
            await File.ReadAllBytesAsync(Path.Combine(pulled.Path, file)));
        Assert.Equal($"../../blobs/{Large.Sha256}", new FileInfo(Path.Combine(pulled.Path, Weights)).LinkTarget);
        Assert.Equal($"../../blobs/{Server.Files["config.json"].GitHash}",
            new FileInfo(Path.Combine(pulled.Path, "config.json")).LinkTarget);
        Assert.Equal(Server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "main")));
        Assert.True(pulled.HubWasReached);
        Assert.Equal(expected.Sum(file => (long)Server.Files[file].Content.Length), pulled.DownloadedBytes);
        Assert.Equal($"{HubServer.Repository}@{Server.Commit}", pulled.Reference.ToString());
    }

    [Fact]
    public async Task Templates_for_other_uses_come_in_their_folder()
    {
        Server.Add("additional_chat_templates/tool_use.jinja", "tools");
        Assert.Equal("tools", await File.ReadAllTextAsync(
            Path.Combine((await PullAsync()).Path, "additional_chat_templates", "tool_use.jinja")));
    }

    [Fact]
    public async Task What_is_there_is_not_fetched_again_and_a_commit_needs_no_hub()
    {
        var first = await PullAsync();
        Server.Requests.Clear();

        Assert.Equal(0, (await PullAsync()).DownloadedBytes);
        Assert.Single(Server.Requests);                                      // which commit is main?
        var pinned = await PullAsync(reference: first.Reference);

        Assert.Single(Server.Requests);
        Assert.False(pinned.HubWasReached);
        Assert.Equal(first.Path, pinned.Path);
    }

    [Fact]
    public async Task A_new_commit_brings_only_what_changed()
    {
        var old = await PullAsync();
        Server.Commit = new string('b', 40);
        Server.Add("config.json", """{"model_type": "llama", "new": 1}""");

        var pulled = await PullAsync();

        Assert.Equal(Server.Files["config.json"].Content.Length, pulled.DownloadedBytes);
        Assert.NotEqual(old.Path, pulled.Path);
        Assert.Equal(Large.Content, await File.ReadAllBytesAsync(Path.Combine(pulled.Path, Weights)));
        Assert.Equal(Server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "main")));
    }

    [Fact]
    public async Task A_revision_with_slashes_gets_its_own_ref()
    {
        await PullAsync(reference: HubReference.Parse("tiny/model@refs/pr/1"));

        Assert.Contains(Server.Requests, request => request.Path.EndsWith("/revision/refs%2Fpr%2F1", StringComparison.Ordinal));
        Assert.Equal(Server.Commit, await File.ReadAllTextAsync(Path.Combine(Folder, "refs", "refs", "pr", "1")));
    }

    [Fact]
    public async Task Pages_of_a_listing_are_followed()
    {
        Server.PageSize = 2;
        Assert.Equal(6, (await PullAsync()).Files.Count);
        Assert.Equal(4, Server.Requests.Count(request => request.Path.Contains("/tree/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Wanted_patterns_choose_among_all_files_but_pickles()
    {
        var pulled = await PullAsync(include: ["onnx/*", "README.??", "*.bin"]);
        Assert.Equal(["README.md", "onnx/model.json"], pulled.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal("../../../blobs/" + Server.Files["onnx/model.json"].GitHash,
            new FileInfo(Path.Combine(pulled.Path, "onnx", "model.json")).LinkTarget);

        Assert.Contains("is a Python pickle", await RefusalAsync(include: ["*.bin"]), StringComparison.Ordinal);
        Assert.Contains("has no file that fits *.xyz", await RefusalAsync(include: ["*.xyz"]), StringComparison.Ordinal);
        Assert.False(Path.Exists(Path.Combine(pulled.Path, "pytorch_model.bin")));
    }

    [Fact]
    public async Task Two_pulls_at_once_share_the_work()
    {
        var slow = new TaskCompletionSource();
        Server.Fault(Large.Sha256, async context =>
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
        Server.Requests.Clear();

        var offline = await PullAsync(Settings(offline: true));
        Assert.Equal(pulled.Path, offline.Path);
        Assert.Empty(Server.Requests);
        Assert.Contains("HF_HUB_OFFLINE", await RefusalAsync(Settings(offline: true), include: ["onnx/*"]), StringComparison.Ordinal);
        File.Delete(Blob);
        Assert.Contains("is not (wholly) in the cache", await RefusalAsync(Settings(offline: true)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_the_cache_serves_else_the_sentence_says_so()
    {
        var pulled = await PullAsync();
        var address = Server.Address;
        await Server.DisposeAsync();
        var settings = new HubSettings { Endpoint = address, CacheDirectory = Cache, RetryDelay = TimeSpan.FromMilliseconds(1) };

        var cached = await PullAsync(settings);
        Assert.Equal((pulled.Path, false), (cached.Path, cached.HubWasReached));

        Assert.Matches("^'tiny/other' could not be fetched, for 127.0.0.1 cannot be reached (.+); check the network and try again.$",
            await RefusalAsync(settings, HubReference.Parse("tiny/other")));
    }

    [Fact]
    public async Task A_cache_of_another_client_without_listings_serves_too()
    {
        var snapshot = Path.Combine(Folder, "snapshots", Server.Commit);
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(Folder, "refs"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "refs", "main"), Server.Commit);
        await File.WriteAllTextAsync(Path.Combine(snapshot, "config.json"), "{}");
        Assert.Contains("is not (wholly) in the cache", await RefusalAsync(Settings(offline: true)), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(snapshot, Weights), "");

        Assert.Equal(snapshot, (await PullAsync(Settings(offline: true))).Path);
    }

    [Fact]
    public async Task A_model_without_its_card_serves_offline_and_online_the_card_is_fetched()
    {
        var pulled = await PullAsync();
        File.Delete(Path.Combine(pulled.Path, "README.md"));             // as after a pull by an older program
        File.Delete(Path.Combine(Folder, "blobs", Server.Files["README.md"].GitHash));

        var offline = await PullAsync(Settings(offline: true), pulled.Reference);
        Assert.Equal(pulled.Path, offline.Path);
        Assert.DoesNotContain("README.md", offline.Files.Select(file => file.Path));
        Assert.Contains("HF_HUB_OFFLINE", await RefusalAsync(Settings(offline: true), include: ["README.md"]), StringComparison.Ordinal);

        Assert.Equal(Server.Files["README.md"].Content.Length, (await PullAsync(reference: pulled.Reference)).DownloadedBytes);
        Assert.True(File.Exists(Path.Combine(pulled.Path, "README.md")));
    }

    [Theory]
    [InlineData("tiny/model", "# A model")]
    [InlineData("hub:tiny/model/small", "# A model")]
    [InlineData("hub:tiny/model/own", "# Its own")]
    [InlineData("hub:tiny/model/q/m-Q8_0.gguf", "# A model")]
    public async Task The_card_is_found_from_where_the_model_is_opened(string reference, string expected)
    {
        Server.Add("small/config.json", "{}").Add("small/model.safetensors", Noise(50)).Add("q/m-Q8_0.gguf", "1")
            .Add("own/model.safetensors", Noise(60)).Add("own/README.md", "---\nlicense: mit\n---\n# Its own");
        var pulled = await PullAsync(reference: HubReference.Parse(reference));
        Assert.Equal(expected, OriginalCard.Of(pulled.Path, pulled.Reference)!.Body);
    }

    [Fact]
    public async Task No_card_is_taken_from_outside_the_snapshot()
    {
        Server.Files.Remove("README.md");
        await File.WriteAllTextAsync(Path.Combine(Cache, "README.md"), "# Not of this model");
        var pulled = await PullAsync();
        Assert.Null(OriginalCard.Of(pulled.Path, pulled.Reference));
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
    public async Task A_model_in_a_folder_is_opened_there()
    {
        Server.Add("small/config.json", "{}").Add("small/model.safetensors", Noise(50)).Add("small/optimizer.pt", "pickle");
        var pulled = await PullAsync(reference: HubReference.Parse("hub:tiny/model/small"));
        Assert.Equal(Path.Combine(Folder, "snapshots", Server.Commit, "small"), pulled.Path);
        Assert.Equal(["config.json", Weights], Directory.GetFiles(pulled.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal($"hub:tiny/model/small@{Server.Commit}", pulled.Reference.ToString());
        Assert.Equal(pulled.Path, (await PullAsync(Settings(offline: true), pulled.Reference)).Path);
    }

    [Fact]
    public async Task Of_a_repository_of_GGUF_files_one_is_taken()
    {
        Server.Files.Clear();
        Server.Add("README.md", "").Add("m-Q4_0.gguf", "1").Add("m-Q8_0.gguf", "22").Add("mmproj-F16.gguf", "3").Add("config.json", "{}");
        var pulled = await PullAsync();
        Assert.Equal(["m-Q8_0.gguf", "README.md"], pulled.Files.Select(file => file.Path));
        Assert.Equal("22", await File.ReadAllTextAsync(pulled.Path));

        var named = await PullAsync(reference: HubReference.Parse("hub:tiny/model/m-Q4_0.gguf"));
        Assert.Equal("1", await File.ReadAllTextAsync(named.Path));
        Assert.Equal($"hub:tiny/model/m-Q4_0.gguf@{Server.Commit}", named.Reference.ToString());
        Assert.Contains("has no file 'm-Q4_1.gguf'; did you mean",
            await RefusalAsync(reference: HubReference.Parse("hub:tiny/model/m-Q4_1.gguf")), StringComparison.Ordinal);
    }
}
