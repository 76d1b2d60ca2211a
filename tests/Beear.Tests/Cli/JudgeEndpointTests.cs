using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Cli;
using Beear.Evaluation;

namespace Beear.Tests.Cli;

public sealed class JudgeEndpointTests
{
    private const string Key = "sk-test-0123456789";

    private readonly List<string> notes = [];
    private readonly string file = Path.Combine(Fixtures.TemporaryFolder(), "judgements.jsonl");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task<IReadOnlyList<Judgement>> JudgeAsync(string address, int answers = 1, int atOnce = 4, int replyTokens = 512,
        TimeSpan? patience = null)
    {
        using var client = new JudgeEndpointClient(new Uri(address), "tester", Key, Note)
        {
            RetryDelay = TimeSpan.FromMilliseconds(1),
            LongestWait = TimeSpan.FromMilliseconds(20),
            Patience = patience ?? TimeSpan.FromSeconds(30),
        };
        var judge = new Judge(client, $"tester at {address}", new JudgeOptions { AtOnce = atOnce, MaxReplyTokens = replyTokens }, file);
        return await new HarmfulnessJudge(judge)
            .JudgeAsync([.. Enumerable.Range(0, answers).Select(i => ($"request {i}", i == 0 ? "the first \ud800" : "another"))],
            cancellation: Token);
    }

    private void Note(string text)
    {
        lock (notes) notes.Add(text);
    }

    /// <summary>A server that answers the first of several answers so, and the others well.</summary>
    private static JudgeServer OfFirst(int status, string body) =>
        new(_ => "Score: 2")
        {
            Raw = asked => JudgeServer.Prompt(asked).Contains("the first", StringComparison.Ordinal) ? (status, body) : null
        };

    private static string ReplyOf(string choice) => $$"""{"choices": [{{choice}}]}""";

    [Theory]
    [InlineData("temperature", 400, """{"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.", "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}}""")]
    [InlineData("temperature", 422, """{"error": "Input validation error: `temperature` must be strictly positive", "error_type": "validation"}""")]
    [InlineData("temperature", 400, "invalid Temperature: only 1 is allowed for this model")]
    [InlineData("temperature", 200, """{"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "temperature is deprecated"}}}""")]
    [InlineData("temperature", 500, """{"detail": "litellm.UnsupportedParamsError: no support for parameters: {'temperature': 0}"}""")]
    [InlineData("max_tokens", 400, """{"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}}""")]
    [InlineData("max_tokens", 422, """{"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted", "input": 512}]}""")]
    [InlineData("max_tokens", 400, """{"message": "json: unknown field \"max_tokens\"", "code": null}""")]
    [InlineData("temperature,max_tokens", 400, """{"object": "error", "message": "[{'loc': ('body', 'temperature')}, {'loc': ('body', 'max_tokens')}]", "code": 400}""")]
    public async Task A_parameter_that_a_server_refuses_is_left_out_and_that_is_remembered(string refused, int status, string body)
    {
        string[] names = refused.Split(',');
        using var server = new JudgeServer(_ => "Score: 3")
        {
            Raw = asked => names.Any(name => asked[name] is not null) ? (status, body) : null
        };

        var judged = await JudgeAsync(server.Address, answers: 8);

        Assert.All(judged, judgement => Assert.Equal(3, judgement.Score));
        Assert.Equal(8 + names.Length, server.Requests.Count);           // each is refused once, also where several requests wait
        var last = server.Requests.Last().Body;
        Assert.Equal(names.Contains("temperature") ? null : 0f, (float?)last["temperature"]);
        Assert.Equal(512, (int)last[names.Contains("max_tokens") ? "max_completion_tokens" : "max_tokens"]!);
        Assert.Equal(names.Contains("temperature") ? 1 : 0, notes.Count(note => note.Contains("not greedy", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_limit_that_is_refused_under_both_names_is_told()
    {
        using var server = new JudgeServer(_ => "") { Raw = _ => (400, """{"error": {"message": "max_tokens (or max_completion_tokens) is too large: 99999"}}""") };
        var judgement = Assert.Single(await JudgeAsync(server.Address, replyTokens: 99999));
        Assert.Equal((UnjudgedReason.Failed, 99999), (judgement.Unjudged, judgement.ReplyTokens));
        Assert.Contains("is too large: 99999", judgement.Detail, StringComparison.Ordinal);
        Assert.Equal(2, server.Requests.Count);
    }

    [Theory]
    [InlineData("""{"finish_reason": "eos_token", "message": {"content": "Score: 4"}}""")]
    [InlineData("""{"finish_reason": null, "message": {"content": "Score: 4"}}""")]
    [InlineData("""{"finish_reason": "", "index": "0", "message": {"role": null, "content": "Score: 4"}}""")]
    [InlineData("""{"message": {"content": [{"type": "text", "text": "Well.\n"}, {"type": "output_text", "text": {"value": "Score: 4"}}]}}""")]
    [InlineData("""{"message": {"content": ["Score: ", "4"]}}""")]
    [InlineData("""{"message": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Score: 1"}]}, {"type": "text", "text": "Score: 4"}]}}""")]
    [InlineData("""{"message": {"content": "Score: 4", "reasoning_content": "\nScore: 1\n", "tool_calls": null}}""")]
    [InlineData("""{"text": "Score: 4"}""")]
    [InlineData("""{"message": {"content": "half a sign \ud83d, a whole \ud83d\ude00\nScore: 4"}}""")]
    public async Task A_reply_is_read_however_a_server_writes_it(string choice)
    {
        foreach (string rest in (string[])["", ", \"created\": 1.5, \"id\": 7, \"usage\": null",
            ", \"created\": \"2026-01-01\", \"model\": {}, \"usage\": {\"total_tokens\": \"many\"}"])
        {
            using var server = OfFirst(200, $"\ufeff{{\"choices\": [{choice}]{rest}}}");
            Assert.Equal(4, Assert.Single(await JudgeAsync(server.Address)).Score);
        }
    }

    [Theory]
    [InlineData("""{"finish_reason": "stop", "message": {"content": null}}""", UnjudgedReason.Empty)]
    [InlineData("""{"message": {"content": null, "reasoning_content": "Score: 5"}}""", UnjudgedReason.Empty)]
    [InlineData("""{"finish_reason": "stop", "message": null}""", UnjudgedReason.Empty)]
    [InlineData("", UnjudgedReason.Empty)]
    [InlineData("""{"finish_reason": "length", "message": {"content": "", "reasoning_content": "Score: 5"}}""", UnjudgedReason.OpenThought)]
    [InlineData("""{"finish_reason": "length", "message": {"content": "<think>\nScore: 5\n"}}""", UnjudgedReason.OpenThought)]
    [InlineData("""{"finish_reason": "stop", "message": {"content": "<think>\nScore: 5\n"}}""", UnjudgedReason.OpenThought)]
    [InlineData("""{"finish_reason": "stop", "message": {"content": "\nScore: 5\n</think>\nI cannot say."}}""", UnjudgedReason.NoScore)]
    [InlineData("""{"finish_reason": "length", "message": {"content": "Score: 1"}}""", UnjudgedReason.Cut)]
    [InlineData("""{"finish_reason": "MAX_TOKENS", "message": {"content": "Score: 1"}}""", UnjudgedReason.Cut)]
    [InlineData("""{"finish_reason": "content_filter", "message": {"content": "Score: 1"}}""", UnjudgedReason.Filtered)]
    [InlineData("""{"finish_reason": "stop", "message": {"content": null, "refusal": "I must decline."}}""", UnjudgedReason.NoScore)]
    [InlineData("""{"finish_reason": "error", "error": {"message": "overloaded"}, "message": {"content": "Score: 1"}}""", UnjudgedReason.Failed)]
    public async Task A_reply_without_a_score_is_unjudged_for_its_reason_and_the_others_are_judged(string choice, UnjudgedReason reason)
    {
        using var server = OfFirst(200, ReplyOf(choice));
        var judged = await JudgeAsync(server.Address, answers: 3);
        Assert.Equal([null, 2, 2], judged.Select(judgement => judgement.Score));
        Assert.Equal([reason, null, null], judged.Select(judgement => judgement.Unjudged));
    }

    [Theory]
    [InlineData(400, """{"error": "no such thing"}""", UnjudgedReason.Failed, "HTTP 400, \"no such thing\"")]
    [InlineData(400, """{"message": "no such thing"}""", UnjudgedReason.Failed, "HTTP 400, \"no such thing\"")]
    [InlineData(422, """{"detail": "no such thing"}""", UnjudgedReason.Failed, "HTTP 422, \"no such thing\"")]
    [InlineData(422, """{"detail": [{"loc": ["body", "messages", 0], "msg": "no such thing"}]}""", UnjudgedReason.Failed, "HTTP 422, \"body.messages.0: no such thing\"")]
    [InlineData(400, "no such \u001b[31m thing\r\nat all", UnjudgedReason.Failed, "HTTP 400, \"no such \\u{1b}[31m thing at all\"")]
    [InlineData(400, "<html><head><title>Bad &amp; worse</title></head><body>…</body></html>", UnjudgedReason.Failed,
        "HTTP 400, \"Bad & worse\"")]
    [InlineData(400, "", UnjudgedReason.Failed, "HTTP 400")]
    [InlineData(400, "[1, {}]", UnjudgedReason.Failed, "HTTP 400, \"1; {}\"")]
    [InlineData(400, "{\"error\": {\"message\": \"bad sk-test-0123456789 key\"}}", UnjudgedReason.Failed, "HTTP 400, \"bad (key) key\"")]
    [InlineData(200, """{"error": "no such thing"}""", UnjudgedReason.Failed, "HTTP 200, \"no such thing\"")]
    [InlineData(200, "<!doctype html><p>Welcome", UnjudgedReason.Failed, "HTTP 200, \"Welcome\"")]
    [InlineData(200, """{"choices": [{"message": {"content": "Scor""", UnjudgedReason.Failed, "HTTP 200, \"{\"choices\"")]
    [InlineData(500, "the machine is tired", UnjudgedReason.Failed, "HTTP 500, \"the machine is tired\"")]
    [InlineData(400, """{"error": {"message": "stopped", "code": "content_filter"}}""", UnjudgedReason.Filtered, "HTTP 400, \"stopped\"")]
    [InlineData(400, """{"error": {"message": "Invalid prompt", "code": "invalid_prompt"}}""", UnjudgedReason.Filtered, "Invalid prompt")]
    [InlineData(400, """{"error": {"message": "no", "code": "content_policy_violation"}}""", UnjudgedReason.Filtered, "no")]
    [InlineData(403, """{"error": {"code": 403, "message": "flagged", "metadata": {"flagged_input": "…"}}}""", UnjudgedReason.Filtered, "flagged")]
    [InlineData(400, """{"error": {"message": "This model's maximum context length is 512 tokens", "param": "max_tokens"}}""", UnjudgedReason.NoRoom, "is 512 tokens")]
    [InlineData(500, """{"error": {"code": 500, "message": "the request exceeds the available context size"}}""", UnjudgedReason.NoRoom, "context size")]
    [InlineData(413, "too large", UnjudgedReason.NoRoom, "too large")]
    public async Task An_error_leaves_one_answer_unjudged_in_the_servers_words(int status, string body, UnjudgedReason reason, string words)
    {
        using var server = OfFirst(status, body);
        var judged = await JudgeAsync(server.Address, answers: 3);
        Assert.Equal([null, 2, 2], judged.Select(judgement => judgement.Score));
        Assert.Equal((reason, ""), (judged[0].Unjudged, judged[0].Reply));
        Assert.Contains(words, judged[0].Detail, StringComparison.Ordinal);
        Assert.Equal(reason == UnjudgedReason.Failed ? 1 : 0, notes.Count(note => note.Contains(words, StringComparison.Ordinal)));
        Assert.Equal(status == 500 && reason == UnjudgedReason.Failed ? 6 : reason == UnjudgedReason.Filtered ? 2 : 1,
            server.Requests.Count(request => JudgeServer.Prompt(request.Body).Contains("the first", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/v1", 401, """{"error": "bad key sk-test-0123456789"}""", "HTTP 401, \"bad key (key)\"; check the key")]
    [InlineData("/v1", 403, "not for you", "HTTP 403, \"not for you\"; check the key")]
    [InlineData("/v1", 402, """{"error": {"message": "Insufficient Balance"}}""", "Insufficient Balance\"; see to its limits")]
    [InlineData("/v1", 404, """{"error": {"message": "The model `tester` does not exist", "code": "model_not_found"}}""", "does not exist\"; check --judge-endpoint and --judge-model")]
    [InlineData("/v1", 400, """{"error": {"message": "Model Not Exist"}}""", "\"Model Not Exist\"; check --judge-endpoint and --judge-model")]
    [InlineData("", 404, """{"detail": "Not Found"}""", "HTTP 404, \"Not Found\"; most servers want /v1: try --judge-endpoint http://127.0.0.1:")]
    [InlineData("", 405, "", "HTTP 405; most servers want /v1")]
    [InlineData("/v1/chat/completions", 404, "gone", "HTTP 404, \"gone\"; check --judge-endpoint")]
    [InlineData("", 404, """model "tester" not found, try pulling it first""", "pulling it first\"; check --judge-endpoint")]
    [InlineData("/v1", 307, "", "HTTP 307, \"it sends on to")]
    [InlineData("/v1", 429, """{"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}""", "\"You exceeded your quota\"; see to its limits")]
    public async Task What_concerns_all_answers_ends_the_work_with_one_sentence(string path, int status, string body, string sentence)
    {
        using var server = new JudgeServer(_ => "Score: 1", path) { Raw = _ => (status, body) };
        var failure = await Assert.ThrowsAsync<BeearException>(() => JudgeAsync(server.Address, answers: 3, atOnce: 1));
        Assert.Contains(sentence, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_told_in_plain_words()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var authority = listener.LocalEndpoint.ToString()!;
        var garbage = Task.Run(async () =>
        {
            using var caller = await listener.AcceptTcpClientAsync(Token);
            await caller.GetStream().WriteAsync("220 mail ready\r\n\r\n"u8.ToArray(), Token);
            await Task.Delay(200, Token);
        }, Token);
        var notHttp = await Assert.ThrowsAsync<BeearException>(() => JudgeAsync($"http://{authority}/v1"));
        Assert.Contains("does not speak HTTP; check --judge-endpoint", notHttp.Message, StringComparison.Ordinal);
        await garbage;
        listener.Stop();

        var refused = await Assert.ThrowsAsync<BeearException>(() => JudgeAsync($"http://{authority}/v1"));
        Assert.EndsWith($"does not answer: nothing listens at {authority}; start the server, or check --judge-endpoint.", refused.Message,
            StringComparison.Ordinal);
        using var plain = new JudgeServer(_ => "Score: 1");
        var insecure = await Assert.ThrowsAsync<BeearException>(() =>
            JudgeAsync(plain.Address.Replace("http:", "https:", StringComparison.Ordinal)));
        Assert.EndsWith("no secure connection comes about; check its certificate, or write http:// if it speaks that.", insecure.Message,
            StringComparison.Ordinal);
        var unknown = await Assert.ThrowsAsync<BeearException>(() => JudgeAsync("http://no-such-host.invalid/v1"));
        Assert.EndsWith("there is no host 'no-such-host.invalid'; check --judge-endpoint and the network.", unknown.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_tried_again_and_then_leaves_the_answer_unjudged()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int calls = 0;
        var breaking = Task.Run(async () =>
        {
            for (; calls < 6; calls++) (await listener.AcceptTcpClientAsync(Token)).Dispose();
        }, Token);
        var judgement = Assert.Single(await JudgeAsync($"http://{listener.LocalEndpoint}/v1"));
        await breaking;
        Assert.Equal((UnjudgedReason.Failed, "the connection broke", 6), (judgement.Unjudged, judgement.Detail, calls));
    }

    [Fact]
    public async Task A_reply_is_bounded_in_size_and_time()
    {
        using var huge = OfFirst(200, ReplyOf($"{{\"message\": {{\"content\": \"{new string('a', 9 << 20)}\"}}}}"));
        Assert.Equal("a reply of more than 8 MB", (await JudgeAsync(huge.Address, answers: 2))[0].Detail);

        using var slow = new JudgeServer(prompt =>
        {
            if (prompt.Contains("the first", StringComparison.Ordinal)) Thread.Sleep(1500);
            return "Score: 2";
        });
        var late = (await JudgeAsync(slow.Address, patience: TimeSpan.FromSeconds(0.5)))[0];
        Assert.Equal((UnjudgedReason.Failed, "no reply within 0.5 seconds"), (late.Unjudged, late.Detail));
    }

    [Fact]
    public async Task A_long_wait_that_a_server_asks_for_is_cut_and_said()
    {
        using var server = new JudgeServer(_ => "Score: 2") { RetryAfter = "3600" };
        server.Faults.Enqueue((503, "busy"));
        Assert.Equal(2, Assert.Single(await JudgeAsync(server.Address)).Score);
        Assert.Equal("the judge's server asks to wait 3600 seconds; it is asked again after 0.02.", Assert.Single(notes));
    }

    [Fact]
    public async Task A_server_that_fails_at_everything_ends_the_work_and_is_asked_again_later()
    {
        using (var failing = new JudgeServer(_ => "") { Raw = _ => (400, "out of order") })
        {
            var failure = await Assert.ThrowsAsync<BeearException>(() => JudgeAsync(failing.Address, answers: 60, atOnce: 1));
            Assert.Contains("failed at 20 answers one after the other, at the last with HTTP 400, \"out of order\"", failure.Message,
                StringComparison.Ordinal);
            Assert.Equal(20, failing.Requests.Count);
            Assert.Single(notes);
        }
        var line = JsonNode.Parse(File.ReadLines(file).First())!;
        Assert.Equal(("failed", "HTTP 400, \"out of order\"", 512),
            ((string?)line["unjudged"], (string?)line["detail"], (int)line["reply_tokens"]!));
        Assert.True(JsonSerializer.Deserialize<JsonElement>(line["score"]?.ToJsonString() ?? "null").ValueKind == JsonValueKind.Null);
    }
}
