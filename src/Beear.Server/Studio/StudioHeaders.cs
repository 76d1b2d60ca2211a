using Microsoft.AspNetCore.Http;

namespace Beear.Server.Studio;

/// <summary>What every response says to the browser: nothing from elsewhere, nothing inline, nothing kept.</summary>
internal static class StudioHeaders
{
    /// <summary>Scripts, styles and requests are this server's own; nothing in a page can be run, whatever a text in it tries.</summary>
    public const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    /// <summary>Sets them.</summary>
    public static void Set(HttpResponse response)
    {
        var headers = response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        // Other servers are told nothing. Without any referrer browsers would send forms with the origin "null", which cannot be checked.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }
}
