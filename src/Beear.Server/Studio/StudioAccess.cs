using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.Studio;

/// <summary>
/// Who may use the studio: whoever has the address with its token, which is exchanged for a cookie at once. What changes something comes
/// with a second token that only the studio's own pages have.
/// </summary>
/// <param name="refuse">Writes a refusal: status and one sentence.</param>
internal sealed class StudioAccess(Func<HttpContext, int, string, Task> refuse)
{
    /// <summary>Where a form has the token of forms.</summary>
    public const string FormField = "form_token";

    /// <summary>The header in which the script sends it.</summary>
    public const string FormHeader = "X-Form-Token";

    /// <summary>The one page that can be seen without a cookie.</summary>
    public const string Health = "/healthz";

    private const string Parameter = "token", First = "/";

    private readonly string session = Secret();

    /// <summary>What the printed address holds.</summary>
    public string Token { get; } = Secret();

    /// <summary>What forms hold.</summary>
    public string FormToken { get; } = Secret();

    /// <summary>Goes on if the request may.</summary>
    public async Task Invoke(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        // Cookies are the same for all ports of a machine, and each studio has its own.
        string cookie = $"beear-studio-{context.Connection.LocalPort}";
        bool reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (reads && request.Path == Health)
        {
            await next(context);
            return;
        }
        if (reads && request.Path == First && request.Query.ContainsKey(Parameter))
        {
            if (!IsSame(request.Query[Parameter], Token))
            {
                await refuse(context, StatusCodes.Status403Forbidden,
                    "The token in this address is not this studio's; open the address that beear studio printed.");
                return;
            }
            context.Response.Cookies.Append(cookie, session,
                new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = First, IsEssential = true });
            context.Response.Redirect(First);
            return;
        }
        if (!IsSame(request.Cookies[cookie], session))
        {
            await refuse(context, StatusCodes.Status403Forbidden,
                "This page needs the key that is in the address which beear studio printed; open that address.");
            return;
        }
        if (!reads && !IsSame(await FormTokenOf(request, context.RequestAborted), FormToken))
        {
            await refuse(context, StatusCodes.Status403Forbidden,
                "The request did not come from a page of this studio; load the page again and repeat what you did.");
            return;
        }
        await next(context);
    }

    private static async Task<string?> FormTokenOf(HttpRequest request, CancellationToken cancellation)
    {
        if (request.Headers.TryGetValue(FormHeader, out var header)) return header;
        return request.HasFormContentType ? (await request.ReadFormAsync(cancellation))[FormField] : (string?)null;
    }

    /// <summary>Compares in a time that does not depend on where the two differ.</summary>
    private static bool IsSame(string? given, string secret) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Hash(given), Hash(secret));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static string Secret() => RandomNumberGenerator.GetHexString(48, lowercase: true);
}
