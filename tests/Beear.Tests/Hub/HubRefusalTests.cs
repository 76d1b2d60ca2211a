using Microsoft.AspNetCore.Http;

namespace Beear.Tests.Hub;

/// <summary>What the hub refuses, and what is refused of it: one sentence each.</summary>
public sealed class HubRefusalTests : HubTests
{
    [Theory]
    [InlineData(401, "RepoNotFound", null,
        "There is no model 'tiny/model' on 127.0.0.1 that is public; check its name, or give your access token by HF_TOKEN if "
            + "it is private.")]
    [InlineData(404, "RepoNotFound", "secret",
        "There is no model 'tiny/model' on 127.0.0.1 that your access token may see; check its name.")]
    [InlineData(404, "", null, "There is no model 'tiny/model'")]
    [InlineData(404, "RevisionNotFound", null, "'tiny/model' has no branch, tag or commit 'main'")]
    [InlineData(401, "GatedRepo", null, "'tiny/model' is gated: accept its terms at http://127.0.0.1")]
    [InlineData(403, "GatedRepo", "secret", "'tiny/model' is gated: accept its terms at http://127.0.0.1")]
    [InlineData(401, "", "secret", "127.0.0.1 does not accept the access token")]
    [InlineData(403, "", "secret", "127.0.0.1 does not allow this access token to 'tiny/model'")]
    [InlineData(418, "", null, "with status 418")]
    public async Task A_refusal_is_one_sentence_and_is_not_repeated(int status, string code, string? token, string sentence)
    {
        Server.Status("/revision/main", status, ("X-Error-Code", code));

        var message = await RefusalAsync(Settings(token));

        Assert.StartsWith(sentence, message[Math.Max(0, message.IndexOf(sentence, StringComparison.Ordinal))..], StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task An_answer_without_end_is_refused()
    {
        Server.Fault("/revision/main", async context =>
        {
            var blanks = Enumerable.Repeat((byte)' ', 1 << 20).ToArray();
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(blanks, context.RequestAborted);
        });
        Assert.Equal("127.0.0.1 answers with more than 8 MB where the hub has far less to say; check HF_ENDPOINT.", await RefusalAsync());
    }

    [Fact]
    public async Task A_file_that_comes_byte_by_byte_is_given_up()
    {
        Server.Fault(Large.Sha256, async context =>
        {
            context.Response.ContentLength = Large.Content.Length;
            for (var i = 0; !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(Large.Content.AsMemory(i, 1), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(20, context.RequestAborted);
            }
        });
        Assert.Contains("'model.safetensors' of 'tiny/model' has not come within 1 seconds",
            await RefusalAsync(Settings(longestFile: TimeSpan.FromSeconds(1))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_refused_is_one_sentence_too()
    {
        Server.Status(Weights, 403);
        Assert.Contains("does not allow access without a token to 'tiny/model'", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_in_trouble_is_given_up()
    {
        for (var i = 0; i < 6; i++) Server.Status("/revision/main", 503);
        Assert.Equal("127.0.0.1 has trouble of its own (status 503); try again later.", await RefusalAsync());
        Assert.Equal(6, Server.Requests.Count);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_alone()
    {
        await PullAsync(Settings("hf_secret"));

        var hub = Server.Address.Authority;
        Assert.All(Server.Requests, request => Assert.Equal(request.Host == hub ? "Bearer hf_secret" : null, request.Authorization));
        Assert.Contains(Server.Requests, request => request.Host == Server.OtherHost.Authority);
    }

    [Fact]
    public async Task A_next_page_elsewhere_is_not_asked_for()
    {
        Server.Fault($"/tree/{Server.Commit}", context =>
        {
            context.Response.Headers.Link = $"<{Server.OtherHost}steal>; rel=\"next\"";
            return context.Response.WriteAsync("[]");
        });
        await RefusalAsync(Settings("hf_secret"));
        Assert.DoesNotContain(Server.Requests, request => request.Host == Server.OtherHost.Authority);
    }

    [Fact]
    public async Task Redirects_in_a_circle_or_to_files_are_refused()
    {
        for (var i = 0; i < 10; i++) Server.Status("/revision/main", 307, ("Location", "/api/models/tiny/model/revision/main"));
        Assert.Contains("redirects in a circle", await RefusalAsync(), StringComparison.Ordinal);
        Server.Status("/revision/main", 302, ("Location", "file:///etc/passwd"));
        Assert.Contains("not of https", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"sha": "../../../etc"}""", "it names no commit")]
    [InlineData("""{"sha": 4}""", "it names no commit")]
    [InlineData("<html>", "it is not valid JSON")]
    [InlineData("""{"sha": "\ud800"}""", "it is not valid JSON")]
    [InlineData("""{"\udc00": 4}""", "it is not valid JSON")]
    public async Task A_commit_that_is_none_is_refused(string answer, string reason)
    {
        Server.Fault("/revision/main", context => context.Response.WriteAsync(answer));
        Assert.Equal($"The answer of 127.0.0.1 is not one of the hub's: {reason}; check HF_ENDPOINT.", await RefusalAsync());
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 62)]
    [InlineData(long.MinValue)]
    public async Task Sizes_that_no_file_has_are_refused(long size)
    {
        string entry = FormattableString.Invariant($$"""{"type": "file", "path": "NAME", "oid": "{{new string('b', 40)}}", "size": {{size}}}""");
        Server.Fault($"/tree/{Server.Commit}", context =>
            context.Response.WriteAsync($"[{entry.Replace("NAME", "config.json", StringComparison.Ordinal)}, "
                + $"{entry.Replace("NAME", "model.safetensors", StringComparison.Ordinal).Replace("bbb", "ccc", StringComparison.Ordinal)}]"));
        Assert.Contains("the entry of a file lacks its path, size or hash", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../outside.json")]
    [InlineData("/etc/outside.json")]
    [InlineData("..\\outside.json")]
    [InlineData("C:outside.json")]
    [InlineData("sub/../../outside.json")]
    [InlineData("nul\0.json")]
    [InlineData("sub//outside.json")]
    public async Task A_path_out_of_the_folder_is_refused(string path)
    {
        Server.Add(path, "{}");
        Assert.Contains("is no path inside a folder", await RefusalAsync(include: ["*.json"]), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Cache, "*outside*", SearchOption.AllDirectories));
        Assert.DoesNotContain(Server.Requests, request => request.Path.Contains("/resolve/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "../../x", "size": 2}]""")]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "size": -2}]""")]
    [InlineData("""[{"type": "file", "path": "config.json", "oid": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "size": 2, "lfs": {"oid": "/etc", "size": 3}}]""")]
    [InlineData("""{"error": "none"}""")]
    public async Task A_listing_that_makes_no_sense_is_refused(string listing)
    {
        Server.Fault($"/tree/{Server.Commit}", context => context.Response.WriteAsync(listing));
        Assert.Contains("is not one of the hub's", await RefusalAsync(), StringComparison.Ordinal);
    }
}
