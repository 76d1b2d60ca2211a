using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Beear.Tests.Hub;

/// <summary>A file that the server has.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="IsLarge">Whether it lies on the other host, as large files do.</param>
internal sealed record ServedFile(byte[] Content, bool IsLarge)
{
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Content));

#pragma warning disable CA5350 // Git names its files so.
    public string GitHash { get; } =
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {Content.Length}\0"), .. Content]));
#pragma warning restore CA5350

    public string Tag => IsLarge ? Sha256 : GitHash;
}

/// <summary>What came to the server.</summary>
internal sealed record Seen(string Method, string Path, string Host, string? Range, string? IfRange, string? Authorization);

/// <summary>
/// A server on this machine that speaks the hub's API, with a second address in the part of the host that serves large files. Faults
/// can be put in front of any answer.
/// </summary>
internal sealed class HubServer : IAsyncDisposable
{
    public const string Repository = "tiny/model";

    private readonly WebApplication app;
    private readonly List<(Func<HttpRequest, bool> When, Func<HttpContext, Task> Do)> faults = [];

    private HubServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MinResponseDataRate = null;
        });
        app = builder.Build();
        app.Run(AnswerAsync);
    }

    public Uri Address => new(app.Urls.First());

    public Uri OtherHost => new(app.Urls.Last());

    public string Commit { get; set; } = new('a', 40);

    public Dictionary<string, ServedFile> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Entries of a page of the tree API.</summary>
    public int PageSize { get; set; } = 1000;

    public ConcurrentQueue<Seen> Requests { get; } = [];

    public static async Task<HubServer> StartAsync()
    {
        var server = new HubServer();
        await server.app.StartAsync();
        return server;
    }

    public HubServer Add(string path, byte[] content, bool isLarge = false)
    {
        Files[path] = new ServedFile(content, isLarge);
        return this;
    }

    public HubServer Add(string path, string content) => Add(path, Encoding.UTF8.GetBytes(content));

    /// <summary>The next request that fits is answered by something else.</summary>
    public void Fault(string pathEnding, Func<HttpContext, Task> answer)
    {
        lock (faults) faults.Add((request => request.Path.Value!.EndsWith(pathEnding, StringComparison.Ordinal), answer));
    }

    /// <summary>The next request for a content gets a status and nothing else.</summary>
    public void Status(string pathEnding, int status, params (string Name, string Value)[] headers) => Fault(pathEnding, context =>
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers) context.Response.Headers[name] = value;
        return Task.CompletedTask;
    });

    /// <summary>
    /// The next request for a large file gets so many bytes of what it asked for; then the connection breaks, or ends as if all were well.
    /// </summary>
    public void CutOff(ServedFile file, int after, bool reset) => Fault(file.Sha256, async context =>
    {
        var from = context.Request.GetTypedHeaders().Range?.Ranges.First().From ?? 0;
        context.Response.StatusCode = from > 0 ? 206 : 200;
        if (from > 0) context.Response.Headers.ContentRange = $"bytes {from}-{file.Content.Length - 1}/{file.Content.Length}";
        context.Response.Headers.ETag = $"\"{file.Sha256}\"";
        await context.Response.Body.WriteAsync(file.Content.AsMemory((int)from, after));
        await context.Response.Body.FlushAsync();
        if (!reset) return;
        await Task.Delay(50);
        context.Abort();
    });

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        Requests.Enqueue(new Seen(request.Method, request.Path + request.QueryString, request.Host.Value!, request.Headers.Range,
            request.Headers.IfRange, request.Headers.Authorization));
        if (TakeFault(request) is { } fault)
        {
            await fault(context);
            return;
        }
        var parts = request.Path.Value!.Trim('/').Split('/');
        await (parts switch
        {
            ["api", "models", var owner, var name, "revision", var revision] when Knows(owner, name) =>
                RevisionAsync(context, Uri.UnescapeDataString(revision)),
            ["api", "models", var owner, var name, "tree", ..] when Knows(owner, name) => TreeAsync(context),
            ["api", "models", var owner, var name, "paths-info", ..] when Knows(owner, name) => PathsAsync(context),
            [var owner, var name, "resolve", _, .. var path] when Knows(owner, name) => ResolveAsync(context, string.Join('/', path)),
            ["cdn", var hash] => ContentAsync(context, Files.Values.First(file => file.Sha256 == hash)),
            _ => RefuseAsync(context, 401, "RepoNotFound"),
        });
    }

    private Func<HttpContext, Task>? TakeFault(HttpRequest request)
    {
        lock (faults)  // files come side by side, and each takes the first fault that fits
        {
            var index = faults.FindIndex(fault => fault.When(request));
            if (index < 0) return null;
            var answer = faults[index].Do;
            faults.RemoveAt(index);
            return answer;
        }
    }

    private static bool Knows(string owner, string name) => $"{owner}/{name}" == Repository;

    private Task RevisionAsync(HttpContext context, string revision)
    {
        if (revision != "main" && revision != "refs/pr/1" && revision != Commit) return RefuseAsync(context, 404, "RevisionNotFound");
        return context.Response.WriteAsJsonAsync(
            new JsonObject { ["_id"] = "1", ["id"] = Repository, ["sha"] = Commit, ["private"] = false, ["gated"] = false });
    }

    private Task TreeAsync(HttpContext context)
    {
        var start = int.Parse(context.Request.Query["cursor"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture);
        if (start + PageSize < Files.Count)
            context.Response.Headers.Link =
                $"<{Address}api/models/{Repository}/tree/{Commit}?recursive=true&cursor={start + PageSize}>; rel=\"next\"";
        var entries = Files.Skip(start).Take(PageSize).Select(Entry).ToList();
        if (start == 0) entries.Add(new JsonObject
        {
            ["type"] = "directory",
            ["oid"] = new string('0', 40),
            ["size"] = 0,
            ["path"] = "sub"
        });
        return context.Response.WriteAsJsonAsync(new JsonArray([.. entries]));
    }

    private async Task PathsAsync(HttpContext context)
    {
        var asked = await JsonNode.ParseAsync(context.Request.Body);
        var paths = asked!["paths"]!.AsArray().Select(path => (string)path!).ToHashSet();
        await context.Response.WriteAsJsonAsync(new JsonArray([.. Files.Where(file => paths.Contains(file.Key)).Select(Entry)]));
    }

    private JsonNode Entry(KeyValuePair<string, ServedFile> file)
    {
        var entry = new JsonObject
        {
            ["type"] = "file",
            ["oid"] = file.Value.GitHash,
            ["size"] = file.Value.Content.Length,
            ["path"] = file.Key
        };
        if (file.Value.IsLarge) entry["lfs"] =
            new JsonObject { ["oid"] = file.Value.Sha256, ["size"] = file.Value.Content.Length, ["pointerSize"] = 130 };
        return entry;
    }

    private Task ResolveAsync(HttpContext context, string path)
    {
        context.Response.Headers["X-Repo-Commit"] = Commit;
        if (!Files.TryGetValue(path, out var file)) return RefuseAsync(context, 404, "EntryNotFound");
        if (!file.IsLarge) return ContentAsync(context, file);
        context.Response.Headers["X-Linked-Etag"] = $"\"{file.Sha256}\"";
        context.Response.Headers["X-Linked-Size"] = file.Content.Length.ToString(CultureInfo.InvariantCulture);
        context.Response.Redirect($"{OtherHost}cdn/{file.Sha256}");
        return Task.CompletedTask;
    }

    private static Task ContentAsync(HttpContext context, ServedFile file) =>
        Results.Bytes(file.Content, "application/octet-stream", enableRangeProcessing: true,
            entityTag: new EntityTagHeaderValue($"\"{file.Tag}\"")).ExecuteAsync(context);

    private static Task RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
        return Task.CompletedTask;
    }
}
