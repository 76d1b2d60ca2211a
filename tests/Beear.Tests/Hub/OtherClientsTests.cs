using System.Diagnostics;
using Beear.Hub;
using Xunit.Sdk;

namespace Beear.Tests.Hub;

/// <summary>The cache is shared: what Hugging Face's own clients write is read here, and what is written here they read.</summary>
public sealed class OtherClientsTests : IAsyncLifetime
{
    private const string ReadByPython =
        """
        import huggingface_hub as hub
        from huggingface_hub import constants
        path = hub.snapshot_download("tiny/model", allow_patterns=["*.json", "*.safetensors"], local_files_only=True)
        scan = hub.scan_cache_dir()
        assert not scan.warnings, scan.warnings
        [repo] = scan.repos
        [revision] = repo.revisions
        print(path, repo.repo_id, ",".join(revision.refs), ",".join(sorted(file.file_name for file in revision.files)), sep="\n")
        """;

    private const string WriteByPython =
        """
        import huggingface_hub as hub
        print(hub.snapshot_download("tiny/model", allow_patterns=["*.json", "*.safetensors"]))
        """;

    private const string ReadByJavaScript =
        """
        const hub = require("@huggingface/hub");
        (async () => {
          const scan = await hub.scanCacheDir(process.env.HF_HUB_CACHE);
          if (scan.warnings.length) throw scan.warnings[0];
          const [repo] = scan.repos, [revision] = repo.revisions;
          const file = await hub.downloadFileToCacheDir({ repo: "tiny/model", path: "config.json", revision: revision.commitOid,
            fetch: () => { throw new Error("it asks the hub"); } });
          console.log([require("node:path").dirname(file), repo.id.name, revision.refs.join(","),
            revision.files.map(file => require("node:path").basename(file.path)).sort().join(",")].join("\n"));
        })().catch(error => { console.error(error); process.exit(1); });
        """;

    private const string WriteByJavaScript =
        """
        console.debug = () => {};
        require("@huggingface/hub").snapshotDownload({ repo: "tiny/model", hubUrl: process.env.HF_ENDPOINT })
          .then(path => console.log(path)).catch(error => { console.error(error); process.exit(1); });
        """;

    private readonly string cache = Fixtures.TemporaryFolder();
    private HubServer server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await HubServer.StartAsync();
        server.Add("config.json", "{}").Add("tokenizer.json", """{"a": 1}""").Add("model.safetensors", new byte[50_000], isLarge: true);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(cache, recursive: true);
    }

    [Fact]
    public Task Python_reads_what_is_written_here() => ReadsAsync(Python, ReadByPython);

    [Fact]
    public Task What_Python_writes_is_read_here() => WritesAsync(Python, WriteByPython);

    [Fact]
    public Task JavaScript_reads_what_is_written_here() => ReadsAsync(Node, ReadByJavaScript);

    [Fact]
    public Task What_JavaScript_writes_is_read_here() => WritesAsync(Node, WriteByJavaScript);

    private async Task ReadsAsync(Func<string, Task<string>> client, string script)
    {
        using var hub = new ModelHub(new HubSettings { Endpoint = server.Address, CacheDirectory = cache });
        var pulled = await hub.PullAsync(HubReference.Parse("tiny/model"));

        Assert.Equal([pulled.Path, "tiny/model", "main", "config.json,model.safetensors,tokenizer.json"],
            (await client(script)).Split('\n'));
    }

    private async Task WritesAsync(Func<string, Task<string>> client, string script)
    {
        var path = await client(script);
        server.Requests.Clear();

        using var offline = new ModelHub(new HubSettings { CacheDirectory = cache, Offline = true });
        Assert.Equal(path, (await offline.PullAsync(HubReference.Parse("tiny/model"))).Path);

        using var online = new ModelHub(new HubSettings { Endpoint = server.Address, CacheDirectory = cache });
        var pulled = await online.PullAsync(HubReference.Parse("tiny/model"));
        Assert.Equal((path, 0L), (pulled.Path, pulled.DownloadedBytes));
    }

    private async Task<string> Python(string script)
    {
        if (await TryAsync("python3", ["-c", "import huggingface_hub"], Path.GetTempPath()) is not { Code: 0 })
            throw SkipException.ForSkip("python3 with huggingface_hub is not here");
        return Output(await TryAsync("python3", ["-c", script], Path.GetTempPath()));
    }

    private async Task<string> Node(string script)
    {
        var packages = Path.Combine(Fixtures.Root, "tests", "npm");
        if (!Directory.Exists(Path.Combine(packages, "node_modules", "@huggingface", "hub")))
            throw SkipException.ForSkip($"the npm package @huggingface/hub is not installed in {packages}");
        return Output(await TryAsync("node", ["-e", script], packages) ?? throw SkipException.ForSkip("node is not here"));
    }

    private static string Output((int Code, string Output, string Error)? run)
    {
        var (code, output, error) = run!.Value;
        Assert.True(code == 0, error);
        return output.Trim();
    }

    /// <summary>Runs a program with the cache and the server in its environment; null if there is no such program.</summary>
    private async Task<(int Code, string Output, string Error)?> TryAsync(string program, string[] arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["HF_HUB_CACHE"] = cache;
        start.Environment["HF_ENDPOINT"] = server.Address.AbsoluteUri;
        start.Environment["HF_TOKEN"] = null;
        start.Environment["HF_HUB_DISABLE_XET"] = "1";
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, output, await error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
