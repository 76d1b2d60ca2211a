using Beear.Hub;
using Beear.Runtime;

namespace Beear.Tests.Hub;

/// <summary>A hub on this machine with one model, and an empty cache to pull it into.</summary>
public abstract class HubTests : IAsyncLifetime
{
    protected const string Weights = "model.safetensors";

    private readonly HubReference model = HubReference.Parse(HubServer.Repository);

    protected string Cache { get; } = Fixtures.TemporaryFolder();

    private protected HubServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await HubServer.StartAsync();
        Server.Add("config.json", """{"model_type": "llama"}""").Add("tokenizer.json", "{}").Add("chat_template.jinja", "{{ messages }}").Add("README.md", "# A model")
            .Add("pytorch_model.bin", "pickle").Add("onnx/model.json", "{}").Add("empty.json", "")
                .Add(Weights, Noise(700_000), isLarge: true);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(Cache, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected ServedFile Large => Server.Files[Weights];

    protected string Folder => Path.Combine(Cache, "models--tiny--model");

    protected string Blob => Path.Combine(Folder, "blobs", Large.Sha256);

    protected HubSettings Settings(string? token = null, bool offline = false, bool symlinks = true, Func<string, long>? free = null,
        TimeSpan? silence = null, TimeSpan? longestFile = null) => new()
        {
            Endpoint = Server.Address,
            CacheDirectory = Cache,
            Token = token,
            Offline = offline,
            Symlinks = symlinks,
            RetryDelay = TimeSpan.FromMilliseconds(2),
            Silence = silence ?? TimeSpan.FromSeconds(20),
            LeastBytesPerSecond = longestFile is null ? 16 << 10 : long.MaxValue,
            LongestFile = longestFile ?? TimeSpan.FromMinutes(10),
            FreeBytes = free ?? (_ => long.MaxValue),
        };

    protected async Task<HubModel> PullAsync(HubSettings? settings = null, HubReference? reference = null, string[]? include = null,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var hub = new ModelHub(settings ?? Settings());
        return await hub.PullAsync(reference ?? model, include, progress, cancellation);
    }

    protected async Task<string> RefusalAsync(HubSettings? settings = null, HubReference? reference = null, string[]? include = null) =>
        (await Assert.ThrowsAsync<BeearException>(() => PullAsync(settings, reference, include))).Message;

    private protected List<Seen> Contents =>
        [.. Server.Requests.Where(request => request.Path.StartsWith("/cdn/", StringComparison.Ordinal))];

    protected static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(4).NextBytes(bytes);
        return bytes;
    }
}
