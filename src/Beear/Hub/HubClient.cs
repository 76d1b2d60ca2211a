using System.Net.Http.Headers;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Beear.Hub;

/// <summary>The hub's HTTP API. Requests that fail for a passing reason are tried again.</summary>
internal sealed class HubClient : IDisposable
{
    private const int LongestAnswer = 8 << 20; // bytes; a page of a thousand files has a few hundred thousand
    private const long LongestListing = 64 << 20;
    private const int MostPages = 1000;
    private readonly HubSettings settings;
    private readonly HttpClient http;
    private readonly ResiliencePipeline<HttpResponseMessage> retrying;

    public HubClient(HubSettings settings)
    {
        this.settings = settings;
        http = new HttpClient(new HubRedirects(settings))
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LongestAnswer
        };
        var version = typeof(HubClient).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0];
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("beear", version));
        http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        retrying = Pipeline(settings);
    }

    /// <summary>The commit that a revision stands for now.</summary>
    public async Task<string> ReadCommitAsync(HubReference reference, CancellationToken cancellation)
    {
        var address = Address($"api/models/{reference.Repository}/revision/{Uri.EscapeDataString(reference.Revision)}");
        var (utf8, _) = await ReadAsync(address, reference, cancellation);
        return Understand(() => HubListing.Parse(utf8) is JsonObject answer && HubListing.Text(answer, "sha") is { } commit
            && HubPath.IsHash(commit, 40)
            ? commit : throw new FormatException("it names no commit"));
    }

    /// <summary>All files at a commit.</summary>
    public async Task<IReadOnlyList<HubFile>> ReadFilesAsync(HubReference pinned, CancellationToken cancellation)
    {
        var files = new List<HubFile>();
        long bytes = 0;
        Uri? address = Address($"api/models/{pinned.Repository}/tree/{pinned.Revision}?recursive=true");
        for (var page = 0; page < MostPages && address is not null; page++)
        {
            var (utf8, next) = await ReadAsync(address, pinned, cancellation);
            files.AddRange(Understand(() => HubListing.ReadPage(utf8)));
            bytes += utf8.Length;
            if (files.Count > HubListing.MostFiles || bytes > LongestListing)
                throw new BeearException($"'{pinned.Repository}' holds more than {HubListing.MostFiles} files; that is no model.");
            address = next;
        }
        return files;
    }

    /// <summary>Asks for a file's content; the answer is the caller's, whatever its status.</summary>
    /// <param name="pinned">The repository at a commit.</param>
    /// <param name="file">One of its files.</param>
    /// <param name="from">Bytes that are here already.</param>
    /// <param name="tag">The entity tag under which they came, if known: the rest is wanted only of the same content.</param>
    /// <param name="cancellation">Stops.</param>
    public Task<HttpResponseMessage> OpenAsync(HubReference pinned, HubFile file, long from, EntityTagHeaderValue? tag,
        CancellationToken cancellation)
    {
        var path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
        var address = Address($"{pinned.Repository}/resolve/{pinned.Revision}/{path}");
        return SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            if (from > 0 && tag is not null) request.Headers.IfRange = new RangeConditionHeaderValue(tag);
            return request;
        }, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public void Dispose() => http.Dispose();

    private async Task<(byte[] Utf8, Uri? Next)> ReadAsync(Uri address, HubReference reference, CancellationToken cancellation)
    {
        using var response = await SendAsync(() =>
            new HttpRequestMessage(HttpMethod.Get, address), HttpCompletionOption.ResponseContentRead, cancellation);
        if (!response.IsSuccessStatusCode) throw HubFailures.Of(response, reference, settings);
        return (await response.Content.ReadAsByteArrayAsync(cancellation), Next(response, address));
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, HttpCompletionOption completion,
        CancellationToken cancellation)
    {
        try
        {
            return await retrying.ExecuteAsync(async stop => await http.SendAsync(request(), completion, stop), cancellation);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new BeearException(
                $"{settings.Endpoint.Host} answers with more than {LongestAnswer >> 20} MB where the hub has far less to "
                    + "say; check HF_ENDPOINT.", failure);
        }
        catch (Exception failure) when (HubFailures.IsNetwork(failure))
        {
            throw new HubUnreachableException(settings.Endpoint, failure);
        }
    }

    /// <summary>The next page, as the Link header names it; it must be of the same server, since the token goes there too.</summary>
    private static Uri? Next(HttpResponseMessage response, Uri address)
    {
        if (!response.Headers.TryGetValues("Link", out var links)) return null;
        foreach (var link in links.SelectMany(value => value.Split(',')))
        {
            var (start, end) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
            if (start < 0 || end < start || !link[end..].Contains("rel=\"next\"", StringComparison.Ordinal)) continue;
            if (Uri.TryCreate(address, link[(start + 1)..end], out var next) && next.Authority == address.Authority
                && next.Scheme == address.Scheme) return next;
        }
        return null;
    }

    private Uri Address(string path) => new($"{settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    private T Understand<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException failure)
        {
            throw new BeearException($"The answer of {settings.Endpoint.Host} is not one of the hub's: {failure.Reason()}; check "
                + "HF_ENDPOINT.", failure);
        }
    }

    private static ResiliencePipeline<HttpResponseMessage> Pipeline(HubSettings settings) =>
        new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = settings.Retries,
            Delay = settings.RetryDelay,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldRetryAfterHeader = true,
            ShouldHandle = attempt => ValueTask.FromResult(HubFailures.MayPass(attempt.Outcome, settings)),
        }).AddTimeout(settings.Silence).Build();
}
