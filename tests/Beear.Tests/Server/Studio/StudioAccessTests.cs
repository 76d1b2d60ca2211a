using System.Net;
using System.Net.Sockets;
using System.Text;
using Beear.Server.Studio;

namespace Beear.Tests.Server.Studio;

/// <summary>Who gets in, and what a page from elsewhere can do: nothing.</summary>
public sealed class StudioAccessTests(StudioAccessTests.Shared shared) : IClassFixture<StudioAccessTests.Shared>
{
    private static readonly string[] Gets =
        ["/", "/folder?at=cleaned", "/run?at=table1&id=1", "/answers", "/compare", "/plans", "/clean", "/studio.css", "/studio.js", "/nowhere"];

    private StudioSite Site => shared.Site;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_the_key_there_is_one_sentence_and_nothing_else()
    {
        foreach (string address in Gets)
        {
            using var answer = await Site.Stranger.GetAsync(address, Stop);
            string text = await answer.Content.ReadAsStringAsync(Stop);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.Equal("This page needs the key that is in the address which beear studio printed; open that address.\n", text);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
        }
        Assert.Equal("ok\n", await Site.Stranger.GetStringAsync("/healthz", Stop));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("../")]
    public async Task A_wrong_token_opens_nothing(string token)
    {
        using var answer = await Site.Stranger.GetAsync($"/?token={Uri.EscapeDataString(token)}", Stop);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task The_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use()
    {
        using var answer = await Site.Stranger.GetAsync(Site.Open, Stop);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/", answer.Headers.Location!.OriginalString);
        string cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Site.Open.Query[7..], cookie, StringComparison.Ordinal);           // another secret than the token
    }

    [Theory]
    [InlineData("beear-studio-0=1")]
    [InlineData("beear-studio-PORT=000000000000000000000000000000000000000000000000")]
    public async Task A_forged_cookie_opens_nothing(string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("Cookie", cookie.Replace("PORT", $"{Site.Open.Port}", StringComparison.Ordinal));
        using var answer = await Site.Stranger.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example", null, HttpStatusCode.Forbidden)]
    [InlineData("null", null, HttpStatusCode.Forbidden)]
    [InlineData("http://127.0.0.1:1", null, HttpStatusCode.Forbidden)]
    [InlineData(null, "evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData(null, "127.0.0.1.evil.example", HttpStatusCode.MisdirectedRequest)]
    public async Task Foreign_pages_are_refused_even_with_the_key(string? origin, string? host, HttpStatusCode status)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
        {
            using var request = new HttpRequestMessage(method, "/clean");
            if (origin is not null) request.Headers.Add("Origin", origin);
            if (host is not null) request.Headers.Host = host;
            if (method == HttpMethod.Post) request.Content = StudioSite.Form((StudioAccess.FormField, await Site.FormToken()), ("step", "start"));
            using var answer = await Site.Client.SendAsync(request, Stop);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("/clean")]
    [InlineData("/compare")]
    [InlineData("/stop")]
    public async Task Nothing_changes_without_the_token_of_forms(string address)
    {
        foreach (string? token in (string?[])[null, "", "wrong"])
        {
            (string, string)[] fields = [("model", "m"), ("out", "made"), ("step", "start"), ("request", "x"), ("at", "cleaned")];
            using var answer = await Site.Client.PostAsync(address,
                StudioSite.Form([.. token is null ? [] : ((string, string)[])[(StudioAccess.FormField, token)], .. fields]), Stop);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }
        // A page elsewhere may send plain text without asking first; it has no form in it.
        using var plain = await Site.Client.PostAsync(address, new StringContent("x", Encoding.UTF8, "text/plain"), Stop);
        Assert.Equal(HttpStatusCode.Forbidden, plain.StatusCode);
        Assert.False(Directory.Exists(Path.Combine(Site.Folder, "made")));
    }

    [Fact]
    public async Task Reading_never_changes_anything()
    {
        foreach (string address in (string[])["/stop?at=cleaned", "/clean?model=m&out=made&step=start", "/compare?request=x&before=a&after=b"])
        {
            using var answer = await Site.Client.GetAsync(address, Stop);
            Assert.Contains((int)answer.StatusCode, (int[])[200, 404, 405]);
        }
        Assert.False(Directory.Exists(Path.Combine(Site.Folder, "made")));
        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options])
        {
            using var request = new HttpRequestMessage(method, "/clean");
            using var answer = await Site.Client.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../cleaned")]
    [InlineData("/etc")]
    [InlineData("table1/../../x")]
    [InlineData("table1/")]
    [InlineData("table1\0")]
    [InlineData("\u202etable1")]
    public async Task Names_in_an_address_are_those_that_there_are(string name)
    {
        string at = Uri.EscapeDataString(name);
        foreach (string address in (string[])[$"/folder?at={at}", $"/run?at={at}&id=1", $"/answers?at={at}", $"/plans?at={at}",
            $"/run?at=table1&id={at}", $"/answers?at=table1&first={at}", $"/answers?at=table1&second={at}"])
        {
            string page = await Site.Page(address, HttpStatusCode.NotFound);
            Assert.DoesNotContain("passwd", page, StringComparison.Ordinal);
            Assert.Contains("There is no such", page, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("../made")]
    [InlineData("/tmp/made")]
    [InlineData("a/../../made")]
    [InlineData("a//made")]
    [InlineData(".made")]
    [InlineData("-made")]
    [InlineData("ma\nde")]
    [InlineData("C:\\made")]
    [InlineData("link/made")]
    [InlineData("")]
    public async Task Results_go_into_the_studios_folder_and_nowhere_else(string named)
    {
        string elsewhere = Fixtures.TemporaryFolder(), link = Path.Combine(Site.Folder, "link");
        if (new FileInfo(link).LinkTarget is null) Directory.CreateSymbolicLink(link, elsewhere);
        foreach (string step in (string[])["plan", "start"])
        {
            using var answer = await Site.Post("/clean", ("model", "/models/one"), ("out", named), ("step", step));
            string page = await answer.Content.ReadAsStringAsync(Stop);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(named == "link/made" ? "leads through a link" : "The result&#x27;s folder is a name", page, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
    }

    [Theory]
    [InlineData("model=a%00b", HttpStatusCode.BadRequest)]               // no text has it
    [InlineData("many", HttpStatusCode.BadRequest)]
    public async Task Forms_that_no_page_sends_are_refused(string body, HttpStatusCode status)
    {
        if (body == "many") body = string.Concat(Enumerable.Repeat("x=1&", 2000));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/clean")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        request.Headers.Add(StudioAccess.FormHeader, await Site.FormToken());
        using var answer = await Site.Client.SendAsync(request, Stop);
        Assert.Equal(status, answer.StatusCode);
    }

    /// <summary>Bodies that are too large are not read, and what hardly comes is not waited for; others are served meanwhile.</summary>
    [Theory]
    [InlineData(5_000_000, "HTTP/1.1 413 Payload Too Large")]
    [InlineData(100_000, "HTTP/1.1 408 Request Timeout")]
    public async Task Bodies_without_measure_or_end_are_refused(int length, string status)
    {
        string token = await Site.FormToken(), cookie = Site.Cookies.GetCookieHeader(Site.Client.BaseAddress!);
        using var slow = new TcpClient();
        await slow.ConnectAsync(Site.Open.Host, Site.Open.Port, Stop);
        var stream = slow.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /clean HTTP/1.1\r\nHost: {Site.Open.Authority}\r\nCookie: {cookie}\r\n"
            + $"X-Form-Token: {token}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\nmodel="), Stop);
        Assert.Contains("Runs", await Site.Page("/"), StringComparison.Ordinal);
        using var reader = new StreamReader(stream);
        Assert.Equal(status, await reader.ReadLineAsync(Stop).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Stop));
    }

    [Fact]
    public async Task Every_answer_forbids_what_pages_do_not_need()
    {
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "/");
        foreign.Headers.Host = "evil.example";
        HttpResponseMessage[] answers =
        [
            await Site.Client.GetAsync("/", Stop), await Site.Client.GetAsync("/answers?at=table1", Stop), await Site.Client.GetAsync("/nowhere", Stop),
            await Site.Client.GetAsync("/studio.js", Stop), await Site.Stranger.GetAsync("/", Stop), await Site.Stranger.SendAsync(foreign, Stop),
        ];
        Assert.Equal([200, 200, 404, 200, 403, 421], answers.Select(answer => (int)answer.StatusCode));
        foreach (var answer in answers)
        {
            string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'; script-src 'self'; style-src 'self'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'; base-uri 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            Assert.True(answer.Headers.CacheControl!.NoStore);
            answer.Dispose();
        }
    }

    /// <summary>One studio for all tests of access.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        internal StudioSite Site { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Site = await StudioSite.Start(StudioSite.Whole());

        public ValueTask DisposeAsync() => Site.DisposeAsync();
    }
}
