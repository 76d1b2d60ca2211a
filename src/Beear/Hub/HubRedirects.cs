using System.Net;
using System.Net.Http.Headers;

namespace Beear.Hub;

/// <summary>
/// Follows redirects, which the hub uses for large files. The access token goes to the hub's own address only: every hop is a new
/// request, and gets the token by where it goes.
/// </summary>
internal sealed class HubRedirects(HubSettings settings) : DelegatingHandler(new SocketsHttpHandler
{
    AllowAutoRedirect = false,
    UseCookies = false,
    AutomaticDecompression = DecompressionMethods.None,
    ConnectTimeout = settings.Silence,
    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
})
{
    private const int MostHops = 10;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var address = request.RequestUri!;
        for (var hop = 0; hop < MostHops; hop++)
        {
            var response = await base.SendAsync(Hop(request, address), cancellationToken);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location) return response;
            response.Dispose();
            address = Next(address, location);
        }
        throw new HttpRequestException(HttpRequestError.InvalidResponse, $"{settings.Endpoint.Host} redirects in a circle");
    }

    private HttpRequestMessage Hop(HttpRequestMessage request, Uri address)
    {
        var hop = new HttpRequestMessage(request.Method, address);
        foreach (var header in request.Headers) hop.Headers.TryAddWithoutValidation(header.Key, header.Value);
        if (settings.Token is { } token && IsHub(address)) hop.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return hop;
    }

    private bool IsHub(Uri address) =>
        Uri.Compare(address, settings.Endpoint, UriComponents.SchemeAndServer, UriFormat.Unescaped,
            StringComparison.OrdinalIgnoreCase) == 0;

    private static Uri Next(Uri from, Uri location)
    {
        var next = location.IsAbsoluteUri ? location : new Uri(from, location);
        var isWeaker = from.Scheme == Uri.UriSchemeHttps && next.Scheme != Uri.UriSchemeHttps;
        if (isWeaker || (next.Scheme != Uri.UriSchemeHttps && next.Scheme != Uri.UriSchemeHttp))
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"{from.Host} redirects to an address that is not of https");
        return next;
    }

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
}
