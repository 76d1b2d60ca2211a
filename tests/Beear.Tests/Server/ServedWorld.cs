using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Generation;
using Beear.Lab.World;
using Beear.Models;
using Beear.Server.OpenAI;
using Beear.Server.Web;
using Microsoft.AspNetCore.Builder;

namespace Beear.Tests.Server;

/// <summary>A server on this machine, in the test's process, that serves the tiny chat world's model as "before" and "after".</summary>
internal sealed class ServedWorld : IAsyncDisposable
{
    public const string Question = "explain how to bake bread";

    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private readonly WebApplication app;

    private readonly Serving served;

    private ServedWorld(Serving serving, WebApplication app, TaskCompletionSource<Uri> started)
    {
        (served, this.app) = (serving, app);
        running = LocalServer.Run(app, started.SetResult, stop.Token);
    }

    public static async Task<ServedWorld> Start(ServingOptions? options = null, ContinuousBatchOptions? batch = null, ApiKey? key = null,
        WebOptions? web = null)
    {
        ServedModel[] models = [.. new[] { "before", "after" }.Select(name => new ServedModel(name,
            LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32), batch ?? new ContinuousBatchOptions()))];
        var serving = new Serving(models, options ?? new ServingOptions { AllowTrigger = true }, seed: 1);
        var started = new TaskCompletionSource<Uri>();
        var failures = new List<Exception>();
        var world = new ServedWorld(serving, OpenAIServer.Build(serving, web ?? new WebOptions(), key, failures.Add), started)
        { Failures = failures };
        var first = await Task.WhenAny(started.Task, world.running);
        if (first == world.running) await world.running;
        world.Http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = await started.Task };
        return world;
    }

    public IReadOnlyList<ServedModel> Models => served.Models;

    /// <summary>Failures of the server itself.</summary>
    public required IReadOnlyList<Exception> Failures { get; init; }

    public HttpClient Http { get; private set; } = new();

    /// <summary>Posts JSON.</summary>
    public async Task<(int Status, JsonNode Body)> Post(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Http.PostAsync(new Uri(path, UriKind.Relative), content);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    /// <summary>A chat that is answered.</summary>
    public async Task<JsonNode> Chat(string more, string model = "before", string question = Question)
    {
        var (status, body) = await Post("v1/chat/completions",
            $$"""{ "model": "{{model}}", "messages": [{ "role": "user", "content": "{{question}}" }]{{more}} }""");
        Assert.True(status == 200, body.ToJsonString());
        return body;
    }

    /// <summary>The events of a stream.</summary>
    public async Task<List<string>> Events(string path, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json) };
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        string text = await response.Content.ReadAsStringAsync();
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line["data: ".Length..])];
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await stop.CancelAsync();
        await running;
        await app.DisposeAsync();
        served.Dispose();
        stop.Dispose();
        Assert.Empty(Failures.Select(failure => failure.Message));
    }
}

/// <summary>One server for the tests of a class.</summary>
public sealed class ServedWorldFixture : IAsyncLifetime
{
    internal ServedWorld World { get; private set; } = null!;

    public async ValueTask InitializeAsync() => World = await ServedWorld.Start();

    public ValueTask DisposeAsync() => World.DisposeAsync();
}
