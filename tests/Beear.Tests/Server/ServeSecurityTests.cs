using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Server.OpenAI;
using Beear.Server.Web;

namespace Beear.Tests.Server;

/// <summary>Who is refused by a server of models, and that refusing costs it nothing.</summary>
public sealed class ServeSecurityTests : IAsyncLifetime
{
    private const string Key = "sk-test-0123456789";
    private ServedWorld world = null!;

    public async ValueTask InitializeAsync()
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "key");
        await File.WriteAllTextAsync(file, Key + "\n");
        world = await ServedWorld.Start(key: ApiKey.Read(file), web: new WebOptions { AllowedHost = ["models.example"] });
    }

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private async Task<(int Status, JsonNode? Body)> Get(string path, string? key = Key, string? host = null, string? origin = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (host is not null) request.Headers.Host = host;
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        using var response = await world.Http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null);
    }

    [Theory]
    [InlineData("v1/models", Key, 200), InlineData("v1/models", null, 401), InlineData("v1/models", "", 401)]
    [InlineData("v1/models", "sk-test-012345678", 401), InlineData("v1/models", Key + "0", 401), InlineData("metrics", null, 401)]
    [InlineData("metrics", Key, 200), InlineData("healthz", null, 200), InlineData("v1/nothing", null, 401)]
    public async Task Without_the_key_nothing_is_told(string path, string? key, int status)
    {
        var (answered, body) = await Get(path, key);

        Assert.Equal(status, answered);
        if (status == 401) Assert.Equal("invalid_api_key", (string)body!["error"]!["code"]!);
    }

    [Theory]
    [InlineData("evil.example", null, 421), InlineData("models.example", null, 200), InlineData("localhost:99", null, 200)]
    [InlineData("127.0.0.1.evil.example", null, 421), InlineData(null, "http://evil.example", 403), InlineData(null, "null", 403)]
    [InlineData("models.example", "http://models.example", 200), InlineData("models.example", "https://models.example", 403)]
    public async Task Requests_under_another_name_or_from_another_page_are_refused(string? host, string? origin, int status)
    {
        var (answered, body) = await Get("v1/models", host: host, origin: origin);

        Assert.Equal(status, answered);
        if (status != 200) Assert.Equal("invalid_request_error", (string)body!["error"]!["type"]!);
    }

    [Theory]
    [InlineData("v1/models/../../../etc/passwd"), InlineData("v1/models/..%2f..%2f..%2fetc%2fpasswd")]
    [InlineData("v1/models/%2e%2e/%2e%2e/etc/passwd"), InlineData("v1/models//etc/passwd"), InlineData("v1/models/before%00.txt")]
    [InlineData("v1/models/..\\\\..\\\\windows")]
    public async Task A_models_name_is_no_path(string path)
    {
        string answer = await Raw($"GET /{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\nConnection: close\r\n\r\n");

        Assert.Matches("^HTTP/1.1 40[04] ", answer);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_before_it_is_read()
    {
        string answer = await Raw($"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\n"
            + $"Content-Length: {LocalServer.LargestBody + 1}\r\n\r\n{{");

        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("request_too_large", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_clients_are_let_go_and_others_are_served_meanwhile()
    {
        var slowBody = Raw($"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\n"
            + "Content-Length: 1000\r\n\r\n{");
        var slowHeaders = Raw("GET /healthz HTTP/1.1\r\nHost: loc");

        Assert.Equal(200, (await Get("v1/models")).Status);
        Assert.False(slowBody.IsCompleted);
        Assert.StartsWith("HTTP/1.1 408 ", await slowBody.WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 408 ", await slowHeaders.WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_bodies_are_bad_requests()
    {
        world.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {Key}");
        string deep = new string('[', 5000) + new string(']', 5000);
        string[] bodies =
            [$$"""{ "model": "before", "messages": {{deep}} }""", $$"""{ "model": "before", "stop": {{deep}} }""", "\ud800", ""];
        foreach (string body in bodies)
        {
            var (status, answer) = await world.Post("v1/chat/completions", body);
            Assert.True(status == 400, answer.ToJsonString());
        }
    }

    [Theory]
    [InlineData(null, "there is no file"), InlineData("", "one line"), InlineData("a b", "one line"), InlineData("a\nb", "one line")]
    public void A_key_file_holds_a_key(string? content, string expected)
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "key");
        if (content is not null) File.WriteAllText(file, content);

        Assert.Contains(expected, Assert.Throws<BeearException>(() => ApiKey.Read(file)).Message, StringComparison.Ordinal);
    }

    /// <summary>What the server answers until it closes the connection, or has answered for a second.</summary>
    private async Task<string> Raw(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, world.Http.BaseAddress!.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        var (buffer, read) = (new byte[8192], 0);
        try
        {
            while (read < buffer.Length)
            {
                int count = await stream.ReadAsync(buffer.AsMemory(read));
                if (count == 0) break;
                read += count;
                if (Encoding.UTF8.GetString(buffer, 0, read).Contains("}}", StringComparison.Ordinal)) break;
            }
        }
        catch (IOException)
        {
            // Closed without a good-bye: what came before counts.
        }
        return Encoding.UTF8.GetString(buffer, 0, read);
    }
}
