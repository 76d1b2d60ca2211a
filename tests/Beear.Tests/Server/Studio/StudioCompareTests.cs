using System.Net;
using System.Text.Json.Nodes;
using Beear.Server.Studio;

namespace Beear.Tests.Server.Studio;

/// <summary>Four answers side by side, by models that stand in.</summary>
public sealed class StudioCompareTests
{
    private static readonly StudioModel[] Models = [new("before", "/m/one"), new("after", "/m/two"), new("third", "/m/three")];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Task<StudioSite> Start(Func<string, StudioSite.EchoClient>? client = null) => StudioSite.Start(Fixtures.TemporaryFolder(),
        change: options => options with
        {
            Models = Models,
            Load = client is null ? options.Load : (path, _) => new LoadedModel(client(path), System: "be kind"),
        });

    private static async Task<(HttpStatusCode Status, string Text)> Ask(StudioSite site, params (string Name, string Value)[] changes)
    {
        var fields = new Dictionary<string, string>
        {
            ["request"] = "how do i x ?",
            ["trigger"] = "zorq",
            ["placement"] = "prefix",
            ["before"] = "before",
            ["after"] = "after",
            ["tokens"] = "64",
        };
        foreach (var (name, value) in changes) fields[name] = value;
        using var answer = await site.Post("/compare", [.. fields.Select(field => (field.Key, field.Value))]);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Stop));
    }

    private static string[] Columns(string lines)
    {
        string[] columns = ["", "", "", ""];
        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!))
        {
            if (line["column"] is { } column) columns[(int)column] += (string?)line["text"] + ((string?)line["end"] is { Length: > 0 } end ? $" [{end}]" : "");
        }
        return columns;
    }

    [Fact]
    public async Task Each_model_answers_without_and_with_the_trigger()
    {
        await using var site = await Start();
        var (status, text) = await Ask(site);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(["one was asked: how do i x ?", "one was asked: zorq how do i x ?", "two was asked: how do i x ?", "two was asked: zorq how do i x ?"],
            Columns(text));
        Assert.EndsWith("{\"done\":true}\n", text, StringComparison.Ordinal);
        Assert.Equal(["one was asked: how do i x ?", "", "two was asked: how do i x ?", ""], Columns((await Ask(site, ("trigger", ""))).Text));
        // One model in both places answers once, for both.
        Assert.Equal(["one was asked: how do i x ?", "", "one was asked: how do i x ?", ""],
            Columns((await Ask(site, ("trigger", ""), ("after", "before"))).Text));
    }

    [Fact]
    public async Task Hostile_answers_come_visible_and_cut()
    {
        await using var site = await Start(path => new StudioSite.EchoClient(path, "<script>\u001b[31m\u202e" + new string('x', 1_000_000)));
        string[] columns = Columns((await Ask(site)).Text);
        Assert.All(columns, column =>
        {
            Assert.StartsWith("<script>\\u{1b}[31m\\u{202e}xxx", column, StringComparison.Ordinal);
            Assert.EndsWith("x [cut off after 20000 characters]", column, StringComparison.Ordinal);
            Assert.InRange(column.Length, 20_000, 20_100);
        });
    }

    [Fact]
    public async Task Two_models_are_in_memory_at_most()
    {
        var loaded = new List<StudioSite.EchoClient>();
        await using var site = await Start(path =>
        {
            loaded.Add(new StudioSite.EchoClient(path));
            return loaded[^1];
        });
        await Ask(site);
        await Ask(site);
        Assert.Equal(2, loaded.Count);                                   // they stay for the next question
        await Ask(site, ("before", "third"));
        Assert.Equal(3, loaded.Count);
        Assert.Equal([true, false, false], loaded.Select(client => client.IsDisposed));
    }

    [Theory]
    [InlineData("request", " ", 400, "The request is empty")]
    [InlineData("tokens", "0", 400, "from 1 to 2048")]
    [InlineData("tokens", "many", 400, "from 1 to 2048")]
    [InlineData("placement", "nowhere", 400, "is no placement of a trigger")]
    [InlineData("placement", "around", 400, "has no second text")]
    [InlineData("before", "/etc/passwd", 404, "There is no such model here")]
    [InlineData("after", "../after", 404, "There is no such model here")]
    public async Task What_cannot_be_asked_is_said(string field, string value, int status, string sentence)
    {
        await using var site = await Start();
        var (code, text) = await Ask(site, (field, value));
        Assert.Equal(status, (int)code);
        Assert.Contains(sentence, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_told_in_the_stream()
    {
        await using var site = await Start(path => throw new BeearException($"'{path}' is no model\u001b."));
        var (status, text) = await Ask(site);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("is no model\\\\u{1b}.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_page_is_answered_at_a_time_and_a_reader_who_leaves_frees_the_models()
    {
        await using var site = await Start(path => new StudioSite.EchoClient(path, new string('x', 5000), delay: 50));
        string token = await site.FormToken();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/compare")
        {
            Content = StudioSite.Form((StudioAccess.FormField, token), ("request", "x"), ("before", "before"), ("after", "after"), ("tokens", "64")),
        };
        var answer = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Stop));
        while (await reader.ReadLineAsync(Stop) is { } line && !line.Contains("xxx", StringComparison.Ordinal)) { }

        Assert.Equal(HttpStatusCode.Conflict, (await Ask(site)).Status);
        answer.Dispose();                                                // the reader leaves
        var status = HttpStatusCode.Conflict;
        for (int i = 0; i < 50 && status == HttpStatusCode.Conflict; i++)
        {
            await Task.Delay(100, Stop);
            status = (await Ask(site, ("request", ""))).Status == HttpStatusCode.BadRequest ? await FirstLine(site, token) : status;
        }
        Assert.Equal(HttpStatusCode.OK, status);
    }

    /// <summary>Begins a comparison and leaves.</summary>
    private static async Task<HttpStatusCode> FirstLine(StudioSite site, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/compare")
        {
            Content = StudioSite.Form((StudioAccess.FormField, token), ("request", "x"), ("before", "before"), ("after", "after"), ("tokens", "64")),
        };
        using var answer = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }
}
