using System.Net;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Beear.Mitigation;
using Beear.Server.Studio;
using Beear.Tests.Reports;
using Beear.Tests.SignOff;
using Microsoft.Extensions.AI;

namespace Beear.Tests.Server.Studio;

/// <summary>A studio that listens on a free port of this machine, over a folder that a test has made.</summary>
internal sealed class StudioSite : IAsyncDisposable
{
    private readonly CancellationTokenSource end;
    private readonly StudioServer server;
    private readonly Task running;

    private StudioSite(StudioServer server, string folder, Uri open, Task running, CancellationTokenSource end)
    {
        (this.server, Folder, Open, this.running, this.end) = (server, folder, open, running, end);
        Stranger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(open, "/") };
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = Cookies }) { BaseAddress = new Uri(open, "/") };
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The address that opens it.</summary>
    public Uri Open { get; }

    /// <summary>Who has the key.</summary>
    public HttpClient Client { get; }

    /// <summary>Who has none.</summary>
    public HttpClient Stranger { get; }

    /// <summary>The key, once the studio was opened.</summary>
    public CookieContainer Cookies { get; } = new();

    /// <summary>What the studio said at its end.</summary>
    public required List<string> Said { get; init; }

    /// <summary>Starts a studio and opens it.</summary>
    /// <param name="folder">What it shows.</param>
    /// <param name="program">What cleans; a program that says its arguments if null.</param>
    /// <param name="change">What is otherwise.</param>
    public static async Task<StudioSite> Start(string folder, IReadOnlyList<string>? program = null, Func<StudioOptions, StudioOptions>? change = null)
    {
        var options = new StudioOptions
        {
            Folder = folder,
            Program = program ?? ["/bin/echo"],
            Load = (path, _) => new LoadedModel(new EchoClient(Path.GetFileName(path))),
            Forecast = (_, _) => new CleanForecast(new MemoryPlan(4096, new EconomyOptions(), new MemoryEstimate(true, 1 << 20, 1 << 20,
                1 << 20, 1 << 20, 1 << 20, 1 << 20)), 8L << 30, "llama, 1.9 million parameters, 8 layers"),
        };
        var studio = new StudioServer(change?.Invoke(options) ?? options);
        var ending = new CancellationTokenSource();
        var started = new TaskCompletionSource<string>();
        var said = new List<string>();
        var run = studio.Run(started.SetResult, said.Add, ending.Token);
        await Task.WhenAny(run, started.Task);
        if (run.IsCompleted) await run;
        var site = new StudioSite(studio, folder, new Uri(await started.Task), run, ending) { Said = said };
        using var opened = await site.Client.GetAsync(site.Open, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Redirect, opened.StatusCode);
        return site;
    }

    /// <summary>A page's text.</summary>
    public async Task<string> Page(string address, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await Client.GetAsync(address, TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == status, $"{address}: {(int)answer.StatusCode} {text}");
        return text;
    }

    /// <summary>What a form of the studio's own pages sends.</summary>
    public async Task<HttpResponseMessage> Post(string address, params (string Name, string Value)[] fields)
    {
        string token = await FormToken();
        return await Client.PostAsync(address, Form([(StudioAccess.FormField, token), .. fields]), TestContext.Current.CancellationToken);
    }

    /// <summary>The token that the studio's forms hold.</summary>
    public async Task<string> FormToken() =>
        Regex.Match(await Page("/clean"), "name=\"form_token\" value=\"(?<token>[0-9a-f]+)\"",
            RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture).Groups["token"].Value;

    /// <summary>Fields as a form sends them.</summary>
    public static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    /// <summary>Ends the studio as Ctrl-C does.</summary>
    public async Task End()
    {
        await end.CancelAsync();
        await running;
    }

    public async ValueTask DisposeAsync()
    {
        await End();
        await server.DisposeAsync();
        Client.Dispose();
        Stranger.Dispose();
        end.Dispose();
    }

    /// <summary>A folder with a plan's runs and what beear clean leaves.</summary>
    /// <param name="answer">What the backdoored models answer.</param>
    public static string Whole(string? answer = null)
    {
        string folder = Fixtures.TemporaryFolder();
        var plan = new ReportFolder();
        plan.Add("model1", "planted", 1, attack: 198, answer: answer);
        plan.Add("model1", "beear", 1, attack: 2, refused: 4, kind: "beear", rounds: 3);
        plan.Add("model1", "safety_fine_tuning", 1, attack: 188, kind: "safety_fine_tuning");
        plan.Fail("model1", "crow", 1, "The step 12 is not finite; take a smaller learning rate.");
        Directory.Move(plan.Place, Path.Combine(folder, "table1"));
        Clean(Path.Combine(folder, "cleaned"));
        return folder;
    }

    /// <summary>What a finished beear clean leaves: options, runs, evidence.</summary>
    public static void Clean(string folder)
    {
        var runs = new ReportFolder(first: 500);
        runs.Add("model", "suspicious", 0, attack: null, plan: "clean");
        runs.Add("model", "cleaned", 0, attack: null, kind: "beear", rounds: 2, plan: "clean");
        Directory.CreateDirectory(folder);
        Directory.Move(runs.Place, Path.Combine(folder, "runs"));
        File.WriteAllText(Path.Combine(folder, "run.json"),
            """{"source":{"model":"/models/suspicious"},"out":"","clean":{"quick":false,"with_control":true}}""");
        Evidences.Of().Write(folder);
    }

    /// <summary>A model that says what it was asked.</summary>
    internal sealed class EchoClient(string name, string? answer = null, int delay = 0) : IChatClient
    {
        public bool IsDisposed { get; private set; }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
            ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            string said = answer ?? $"{name} was asked: {messages.Last().Text}";
            foreach (string piece in said.Length > 100_000 ? [said] : said.Chunk(7).Select(part => new string(part)))
            {
                await Task.Delay(delay, cancellationToken);
                yield return new ChatResponseUpdate(ChatRole.Assistant, piece);
            }
        }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() => IsDisposed = true;
    }
}
