using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Beear.Cli;

/// <summary>
/// A model of an OpenAI-compatible server. A failure that may pass is tried again; one that concerns a single conversation is a reply with
/// an <see cref="ErrorContent"/>; one that concerns all ends the work with one sentence, in the server's own words and without the key.
/// </summary>
/// <param name="address">The server.</param>
/// <param name="model">Its model's name.</param>
/// <param name="key">Its key; null for a server that wants none.</param>
/// <param name="note">Is told what a user should know; null for nobody.</param>
internal sealed class JudgeEndpointClient(Uri address, string model, string? key, Action<string>? note = null) : IChatClient
{
    private const int Retries = 5, LargestReply = 8 << 20, MostNotes = 5;
    private const string Route = "/chat/completions", Version = "/v1";

    private readonly Lazy<HttpClient> http = new(() => Connect(key));
    private readonly SemaphoreSlim first = new(1);
    private readonly ConcurrentDictionary<string, bool> said = new(StringComparer.Ordinal);
    private volatile JudgeRequest accepted = new();
    private volatile bool isTried;

    /// <summary>The first wait before a request is tried again; each further one is twice as long.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait that a server may ask for.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time for a reply.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    /// <exception cref="BeearException">The server would answer no conversation.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        if (isTried) return await AskAsync([.. messages], options, cancellationToken);
        // The first request goes alone: what its server refuses, the others leave out from the start.
        await first.WaitAsync(cancellationToken);
        try
        {
            if (!isTried) return await AskAsync([.. messages], options, cancellationToken);
        }
        finally
        {
            isTried = true;
            first.Release();
        }
        return await AskAsync([.. messages], options, cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates()) yield return update;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (http.IsValueCreated) http.Value.Dispose();
        first.Dispose();
    }

    private async Task<ChatResponse> AskAsync(IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellation)
    {
        var request = accepted;
        for (int tries = 0; ;)
        {
            var reply = await SendAsync(request.Body(model, messages, options).ToJsonString(), cancellation);
            if (!reply.IsError)
            {
                Accept(request);
                return reply.ToResponse();
            }
            if (request.Without(reply) is { } other) request = other;
            else if (reply.MayPass && tries++ < Retries) await Task.Delay(Wait(reply, tries), cancellation);
            else return Refused(reply);
        }
    }

    private void Accept(JudgeRequest request)
    {
        if (accepted.HasTemperature && !request.HasTemperature)
            Say("the judge's server refuses a temperature: its replies are not greedy, and may differ from run to run.");
        accepted = request;
    }

    private TimeSpan Wait(ServerReply reply, int tries)
    {
        if (reply.RetryAfter is not { } asked) return RetryDelay * (1 << (tries - 1));
        if (asked <= LongestWait) return asked;
        Say($"the judge's server asks to wait {asked.TotalSeconds:F0} seconds; it is asked again after {LongestWait.TotalSeconds:0.##}.");
        return LongestWait;
    }

    /// <summary>What becomes of an error that stays.</summary>
    /// <exception cref="BeearException">Any other conversation would get it too.</exception>
    private ChatResponse Refused(ServerReply reply)
    {
        string shown = reply.Shown(key);
        if (reply.ConcernsAll) throw new BeearException($"The judge at {address} does not answer: {shown}; {Advice(reply)}.");
        if (!reply.IsFiltered && !reply.IsTooLong) Say($"the judge's server failed at an answer: {shown}");
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, [new ErrorContent(shown)]))
        {
            FinishReason = reply.IsFiltered ? ChatFinishReason.ContentFilter : reply.IsTooLong ? ChatFinishReason.Length : null,
        };
    }

    private string Advice(ServerReply reply) => reply.Concern switch
    {
        401 or 403 when key is null => "give its key in OPENAI_API_KEY, or in a variable that --judge-key-variable names",
        401 or 403 => "check the key, and that it may use this model",
        404 or 405 when !Base.Contains(Version, StringComparison.Ordinal) && !reply.Says("model") =>
            $"most servers want {Version}: try --judge-endpoint {Base}{Version}",
        >= 300 and < 400 => "give the address that it sends on to by --judge-endpoint",
        402 or 429 => "see to its limits and credit, or try again later with fewer --judge-requests; what a file keeps is not "
            + "asked for again",
        _ => "check --judge-endpoint and --judge-model",
    };

    /// <summary>Says something once; of many different things only the first ones.</summary>
    private void Say(string text)
    {
        if (said.Count < MostNotes && said.TryAdd(text, true)) note?.Invoke(text);
    }

    private async Task<ServerReply> SendAsync(string body, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await http.Value.PostAsync(new Uri(Base + Route), content, limit.Token);
            string text = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(limit.Token)).TrimStart('\ufeff');
            int status = (int)response.StatusCode;
            if (status is >= 300 and < 400) text = $"it sends on to {response.Headers.Location}";
            return new ServerReply(status, text) { RetryAfter = RetryAfter(response.Headers.RetryAfter) };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ServerReply(null, $"no reply within {Patience.TotalSeconds:0.#} seconds");
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return new ServerReply(null, $"a reply of more than {LargestReply >> 20} MB");
        }
        catch (HttpRequestException failure) when (Unreachable(failure) is { } reason)
        {
            throw new BeearException($"The judge at {address} does not answer: {reason}.", failure);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return new ServerReply(null, "the connection broke") { IsBroken = true };
        }
    }

    /// <summary>Why no request reaches the server; null where another might.</summary>
    private string? Unreachable(HttpRequestException failure) => failure.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => $"there is no host '{address.Host}'; check --judge-endpoint and the network",
        HttpRequestError.ConnectionError when failure.InnerException
            is SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
                $"nothing listens at {address.Authority}; start the server, or check --judge-endpoint",
        HttpRequestError.ConnectionError => $"{address.Authority} cannot be reached; check --judge-endpoint and the network",
        HttpRequestError.SecureConnectionError =>
            "no secure connection comes about; check its certificate, or write http:// if it speaks that",
        HttpRequestError.InvalidResponse => "it does not speak HTTP; check --judge-endpoint, and whether it wants https://",
        HttpRequestError.ProxyTunnelError => "the proxy does not let the request through; check its settings (HTTPS_PROXY, NO_PROXY)",
        _ => null,
    };

    /// <summary>The address without the route, which some people write and others do not.</summary>
    private string Base => Regex.Replace(address.AbsoluteUri, $"({Route})?/*$", "",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    private static TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? header?.Date - DateTimeOffset.UtcNow;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static HttpClient Connect(string? key)
    {
        // A key goes to no other host, so no redirect is followed.
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(30) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestReply,
        };
        if (key is not null) client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return client;
    }
}
