using System.Net;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.Web;

/// <summary>
/// Refuses what a page from elsewhere sends through its reader's browser: requests under a name that is not this server's (a name that was
/// made to mean this machine), and requests of another origin.
/// </summary>
/// <param name="names">Names allowed beside IP addresses and localhost.</param>
/// <param name="refuse">Writes a refusal in the server's own form.</param>
internal sealed class ForeignRequests(IReadOnlyList<string> names, Func<HttpContext, int, string, Task> refuse)
{
    /// <summary>Goes on if the request may be one of this server's own users.</summary>
    public Task Invoke(HttpContext context, RequestDelegate next)
    {
        var host = context.Request.Host;
        if (!IsOwn(host.Host))
            return refuse(context, StatusCodes.Status421MisdirectedRequest,
                "The Host header names another server; ask by IP address or localhost, or allow the name with --allowed-host.");
        var origins = context.Request.Headers.Origin;
        if (origins.Count > 0 && !origins.All(origin => IsSame(origin, host)))
            return refuse(context, StatusCodes.Status403Forbidden, "The request comes from a page of another origin.");
        return next(context);
    }

    private bool IsOwn(string name) => string.Equals(name, "localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(name.TrimStart('[').TrimEnd(']'), out _) || names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static bool IsSame(string? origin, HostString host) => Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && uri.Scheme == Uri.UriSchemeHttp && string.Equals(uri.Authority, new UriBuilder("http", host.Host, host.Port ?? 80).Uri.Authority,
            StringComparison.OrdinalIgnoreCase);
}
