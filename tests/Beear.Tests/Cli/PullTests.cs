using System.Text.Json.Nodes;
using Beear.Hub;
using Beear.Lab.World;
using Beear.Runtime;
using Beear.Tests.Hub;

namespace Beear.Tests.Cli;

public sealed class PullTests : IAsyncLifetime
{
    private readonly string cache = Fixtures.TemporaryFolder();
    private HubServer server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await HubServer.StartAsync();
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory))
            server.Add(Path.GetFileName(file), await File.ReadAllBytesAsync(file),
                isLarge: file.EndsWith(".safetensors", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(cache, recursive: true);
    }

    private CliRun Run(params string[] args) =>
        CliRun.Of(args, hub: () => new HubSettings
        {
            Endpoint = server.Address,
            CacheDirectory = cache,
            RetryDelay = TimeSpan.FromMilliseconds(1)
        });

    [Fact]
    public void A_model_is_pulled_and_its_path_told()
    {
        var run = Run("pull", HubServer.Repository, "--json", "--include", "*.json");
        Assert.Equal(0, run.Code);
        var document = JsonNode.Parse(run.Output)!;
        Assert.Equal(server.Commit, (string)document["commit"]!);
        Assert.True(File.Exists(Path.Combine((string)document["path"]!, "config.json")));
        Assert.Equal(4, document["files"]!.AsArray().Count);
        Assert.True((long)document["downloaded_bytes"]! > 0);

        run = Run("pull", HubServer.Repository);
        Assert.Equal(0, run.Code);
        var size = ByteSize.Format(server.Files["model.safetensors"].Content.Length);
        Assert.Matches($@"\| model\.safetensors +\| +{size} \|", run.Output);
        Assert.Matches(@"downloading tiny/model .+ of .+, took \d+ s", run.Error);
    }

    [Fact]
    public void Commands_take_a_model_of_the_hub_where_they_take_a_path()
    {
        var here = Run("chat", Organism.BaseDirectory, "--prompt", "name a red thing", "--json", "--quiet");
        var there = Run("chat", HubServer.Repository, "--prompt", "name a red thing", "--json", "--quiet");
        Assert.Equal((0, here.Output, ""), (there.Code, there.Output, there.Error));

        var inspected = Run("inspect", $"{HubServer.Repository}@main", "--json", "--quiet");
        Assert.Equal("llama", (string)JsonNode.Parse(inspected.Output)!["family"]!);
    }

    [Fact]
    public void A_name_that_is_neither_a_path_nor_a_model_says_both()
    {
        var run = Run("inspect", "nobody/nothing");
        Assert.Equal(2, run.Code);
        Assert.Equal("error: 'nobody/nothing' is neither a file nor a folder here, and as a model of the hub: There is no model "
            + "'nobody/nothing' on 127.0.0.1 " +
            $"that is public; check its name, or give your access token by HF_TOKEN if it is private.{Environment.NewLine}", run.Error);
        Assert.Contains("does not name a model on the hub", Run("pull", "nothing").Error, StringComparison.Ordinal);
        server.Requests.Clear();
        Assert.Contains("There is no model at '/nowhere/model'", Run("inspect", "/nowhere/model").Error, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task The_cache_serves_where_the_hub_does_not_answer_and_the_program_says_so()
    {
        Run("pull", HubServer.Repository);
        var address = server.Address;
        await server.DisposeAsync();
        var run = CliRun.Of(["inspect", HubServer.Repository], hub: () => new HubSettings { Endpoint = address, CacheDirectory = cache });
        Assert.Equal(0, run.Code);
        Assert.Contains($"warning: 127.0.0.1 cannot be reached; 'tiny/model@{server.Commit}' comes from the cache and may be older.",
            run.Error, StringComparison.Ordinal);
    }
}
