using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.Timeout;

namespace Beear.Hub;

/// <summary>No answer came from the hub, or none that is worth more than silence: what the cache holds may serve instead.</summary>
internal sealed class HubUnreachableException(Uri endpoint, Exception failure) : Exception(failure.Message, failure)
{
    /// <summary>The sentence for people.</summary>
    public BeearException ToSentence(HubReference reference) => new(
        $"'{reference}' could not be fetched, for {endpoint.Host} cannot be reached ({InnerException!.Reason()}); "
            + "check the network and try again.", this);
}

/// <summary>What the hub's refusals mean, and which failures pass by themselves.</summary>
internal static class HubFailures
{
    private const string Gated = "GatedRepo", NoRepository = "RepoNotFound", NoRevision = "RevisionNotFound", NoFile = "EntryNotFound";

    /// <summary>Whether a failure is the network's.</summary>
    public static bool IsNetwork(Exception failure) =>
        failure is HttpRequestException or HttpIOException or IOException or TimeoutRejectedException;

    /// <summary>
    /// Whether to try a request again: too many requests, a server's own trouble, resets and silence; not where nobody is there.
    /// </summary>
    public static bool MayPass(Outcome<HttpResponseMessage> outcome, HubSettings settings)
    {
        if (outcome.Exception is { } failure)
        {
            return IsNetwork(failure) && failure is not HttpRequestException
            {
                HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                    or HttpRequestError.SecureConnectionError
                    or HttpRequestError.ProxyTunnelError or HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded,
            };
        }
        return HttpClientResiliencePredicates.IsTransient(outcome) && !(WaitAskedFor(outcome.Result!) > settings.LongestRetryAfter);
    }

    /// <summary>The sentence for a refusal.</summary>
    public static BeearException Of(HttpResponseMessage response, HubReference reference, HubSettings settings)
    {
        var (host, repository) = (settings.Endpoint.Host, reference.Repository);
        var code = response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.First() : "";
        return new BeearException((response.StatusCode, code) switch
        {
            (_, Gated) => $"'{repository}' is gated: accept its terms at {settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{repository}, then "
                + "give your access token by HF_TOKEN.",
            (HttpStatusCode.NotFound, NoRevision) =>
                $"'{repository}' has no branch, tag or commit '{reference.Revision}'; see its history at {host}.",
            (HttpStatusCode.NotFound, NoFile) => $"'{reference}' names a file that {host} does not have any more; try again.",
            (HttpStatusCode.Unauthorized, not NoRepository) when settings.Token is not null =>
                $"{host} does not accept the access token (HF_TOKEN, or the token file); make a new one.",
            (HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, _) when settings.Token is null =>
                $"There is no model '{repository}' on {host} that is public; check its name, or give your access token by "
                    + "HF_TOKEN if it is private.",
            (HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, _) =>
                $"There is no model '{repository}' on {host} that your access token may see; check its name.",
            (HttpStatusCode.Forbidden, _) =>
                $"{host} does not allow {(settings.Token is null ? "access without a token" : "this access token")} to '{repository}'; "
                    + "give one that may read it by HF_TOKEN.",
            (HttpStatusCode.TooManyRequests, _) => $"{host} has had too many requests; try again {Later(response)}.",
            ( >= HttpStatusCode.InternalServerError, _) =>
                $"{host} has trouble of its own (status {(int)response.StatusCode}); try again {Later(response)}.",
            _ => $"{host} answers the request for '{reference}' with status {(int)response.StatusCode}; check the name and HF_ENDPOINT.",
        });
    }

    private static string Later(HttpResponseMessage response) =>
        WaitAskedFor(response) is { } wait && wait > TimeSpan.Zero
            ? FormattableString.Invariant($"in {Math.Ceiling(wait.TotalSeconds):F0} seconds") : "later";

    private static TimeSpan? WaitAskedFor(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow,
        _ => null,
    };
}
