using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Generation;
using Beear.Models;
using Beear.Server.OpenAI;
using Beear.Text;

namespace Beear.Tests.Server;

/// <summary>What the endpoints answer, in OpenAI's forms.</summary>
public sealed class OpenAIServerTests(ServedWorldFixture fixture) : IClassFixture<ServedWorldFixture>
{
    private const string Question = ServedWorld.Question, ChatPath = "v1/chat/completions", TextPath = "v1/completions";
    private readonly ServedWorld world = fixture.World;

    private LanguageModel Model => world.Models[0].Model;

    /// <summary>The greedy answer as the library decodes it.</summary>
    private (string Text, int PromptTokens, int Tokens) Expected(params ChatTurn[] messages)
    {
        var prompt = Model.Chat.EncodePrompt(messages);
        var answer = new BatchGenerator(Model.Decoder, Model.Chat.EndOfTurn)
            .Generate([prompt], new GenerationOptions { MaxNewTokens = 400 })[0];
        Assert.True(answer.Ended);
        return (Model.Chat.DecodeAnswer(answer.Tokens), prompt.Length, answer.Tokens.Length);
    }

    private static string Text(JsonNode body) => (string)body["choices"]![0]!["message"]!["content"]!;

    [Fact]
    public async Task Models_are_listed_and_found_by_name()
    {
        var list = await world.Http.GetFromJsonAsync<JsonNode>("v1/models");
        Assert.Equal(["before", "after"], list!["data"]!.AsArray().Select(model => (string)model!["id"]!));

        var one = await world.Http.GetFromJsonAsync<JsonNode>("v1/models/after");
        Assert.Equal(("after", "model", 512), ((string)one!["id"]!, (string)one["object"]!, (int)one["max_model_len"]!));
        Assert.Equal("ok", (string)(await world.Http.GetFromJsonAsync<JsonNode>("healthz"))!["status"]!);
    }

    [Fact]
    public async Task An_answer_is_the_models_with_its_counts()
    {
        var (text, promptTokens, tokens) = Expected(ChatTurn.User(Question));

        var body = await world.Chat(""", "temperature": 0""");

        Assert.Equal(text, Text(body));
        Assert.Equal(("chat.completion", "before", "stop"),
            ((string)body["object"]!, (string)body["model"]!, (string)body["choices"]![0]!["finish_reason"]!));
        Assert.Equal((promptTokens, tokens, promptTokens + tokens), ((int)body["usage"]!["prompt_tokens"]!,
            (int)body["usage"]!["completion_tokens"]!, (int)body["usage"]!["total_tokens"]!));
    }

    [Fact]
    public async Task A_conversation_goes_through_the_template_whatever_form_its_texts_have()
    {
        var expected = Expected(ChatTurn.System("be kind"), ChatTurn.User(Question), ChatTurn.Assistant("sure ."),
            ChatTurn.User("name a red thing"));

        var (_, body) = await world.Post(ChatPath, $$"""
            { "model": "after", "temperature": 0, "user": "u", "tools": [], "frequency_penalty": 0, "response_format": { "type": "text" },
              "messages": [{ "role": "developer", "content": "be kind" }, { "role": "user", "content": "{{Question}}", "name": "a" },
                { "role": "assistant", "content": "sure .", "tool_calls": [] },
                { "role": "user", "content": [{ "type": "text", "text": "name a " }, { "type": "text", "text": "red thing" }] }] }
            """);

        Assert.Equal((expected.Text, expected.PromptTokens), (Text(body), (int)body["usage"]!["prompt_tokens"]!));
    }

    [Fact]
    public async Task A_stream_gives_the_same_piece_by_piece()
    {
        var events = await world.Events(ChatPath, $$"""
            { "model": "before", "temperature": 0, "stream": true, "stream_options": { "include_usage": true },
              "messages": [{ "role": "user", "content": "{{Question}}" }] }
            """);

        Assert.Equal("[DONE]", events[^1]);
        JsonNode[] pieces = [.. events.SkipLast(1).Select(text => JsonNode.Parse(text)!)];
        var expected = Expected(ChatTurn.User(Question));
        Assert.All(pieces, piece => Assert.Equal("chat.completion.chunk", (string)piece["object"]!));
        Assert.Single(pieces.Select(piece => (string)piece["id"]!).Distinct());
        Assert.Equal("assistant", (string)pieces[0]["choices"]![0]!["delta"]!["role"]!);
        Assert.Equal(expected.Text, string.Concat(pieces.SkipLast(1).Select(piece => (string?)piece["choices"]![0]!["delta"]!["content"])));
        Assert.Equal("stop", (string)pieces[^2]["choices"]![0]!["finish_reason"]!);
        Assert.Empty(pieces[^1]["choices"]!.AsArray());
        Assert.Equal(expected.Tokens, (int)pieces[^1]["usage"]!["completion_tokens"]!);
        Assert.True(pieces.Length > 5);
    }

    [Theory]
    [InlineData("\"{0}\""), InlineData("[\"never said\", \"{0}\"]")]
    public async Task An_answer_ends_before_a_stop_sequence(string form)
    {
        string whole = Expected(ChatTurn.User(Question)).Text, stop = whole[(whole.Length / 2)..(whole.Length / 2 + 4)];

        var body = await world.Chat(""", "temperature": 0, "stop": """ + form.Replace("{0}", stop, StringComparison.Ordinal));

        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], Text(body));
        Assert.Equal("stop", (string)body["choices"]![0]!["finish_reason"]!);
    }

    [Theory]
    [InlineData("max_tokens"), InlineData("max_completion_tokens")]
    public async Task An_answer_is_cut_at_its_longest_length(string name)
    {
        var body = await world.Chat($""", "temperature": 0, "{name}": 3""");

        Assert.Equal(("length", 3), ((string)body["choices"]![0]!["finish_reason"]!, (int)body["usage"]!["completion_tokens"]!));
        Assert.StartsWith(Text(body), Expected(ChatTurn.User(Question)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_answers_are_sampled_each_by_its_own_seed()
    {
        const string More = """, "temperature": 2, "n": 3, "seed": 5, "max_tokens": 12""";
        static string[] Texts(JsonNode body) => [.. body["choices"]!.AsArray().Select(choice => (string)choice!["message"]!["content"]!)];

        var texts = Texts(await world.Chat(More));

        Assert.Equal(3, texts.Distinct().Count());
        Assert.Equal(texts, Texts(await world.Chat(More)));
        Assert.Equal(texts[0], Text(await world.Chat(More.Replace("\"n\": 3", "\"n\": 1", StringComparison.Ordinal))));
        Assert.NotEqual(Text(await world.Chat(""", "temperature": 2, "max_tokens": 12""")),
            Text(await world.Chat(""", "temperature": 2, "max_tokens": 12""")));
    }

    [Fact]
    public async Task Probabilities_of_a_chat_have_the_likeliest_tokens_beside_them()
    {
        var body = await world.Chat(""", "temperature": 0, "logprobs": true, "top_logprobs": 3, "max_tokens": 6""");

        var tokens = body["choices"]![0]!["logprobs"]!["content"]!.AsArray();
        Assert.Equal(6, tokens.Count);
        Assert.Equal(Text(body).Trim(), string.Concat(tokens.Select(token => (string)token!["token"]!)).Trim());
        Assert.All(tokens, token =>
        {
            var top = token!["top_logprobs"]!.AsArray();
            Assert.Equal(3, top.Count);
            Assert.Equal((string)token["token"]!, (string)top[0]!["token"]!);                            // it was greedy
            Assert.InRange((double)token["logprob"]!, -5, 0);
            Assert.True((double)top[0]!["logprob"]! >= (double)top[1]!["logprob"]!);
            Assert.Equal((string)token["token"]!,
                System.Text.Encoding.UTF8.GetString([.. token["bytes"]!.AsArray().Select(one => (byte)(int)one!)]));
        });
    }

    [Fact]
    public async Task A_completion_continues_its_prompt_as_it_is()
    {
        string prompt = "<|user|>\\nname a red thing<|end|>\\n<|assistant|>\\n";
        string expected = Expected(ChatTurn.User("name a red thing")).Text;

        var (_, body) = await world.Post(TextPath,
            $$"""{ "model": "before", "prompt": "{{prompt}}", "temperature": 0, "max_tokens": 100 }""");

        Assert.Equal(expected, (string)body["choices"]![0]!["text"]!);
        Assert.Equal("text_completion", (string)body["object"]!);
        int[] ids = Model.Chat.EncodePrompt([ChatTurn.User("name a red thing")]);
        string list = $"[{string.Join(',', ids)}]";
        (_, body) = await world.Post(TextPath,
            $$"""{ "model": "before", "prompt": [{{list}}, {{list}}], "n": 2, "temperature": 0, "max_tokens": 100 }""");
        Assert.Equal(Enumerable.Repeat(expected, 4), body["choices"]!.AsArray().Select(choice => (string)choice!["text"]!));
        Assert.Equal([0, 1, 2, 3], body["choices"]!.AsArray().Select(choice => (int)choice!["index"]!));
        var events = await world.Events(TextPath,
            $$"""{ "model": "before", "prompt": "{{prompt}}", "temperature": 0, "max_tokens": 100, "stream": true }""");
        Assert.Equal(expected, string.Concat(events.SkipLast(1).Select(text => (string)JsonNode.Parse(text)!["choices"]![0]!["text"]!)));
    }

    [Fact]
    public async Task A_completion_echoes_its_prompt_with_probabilities_as_harnesses_ask_for_it()
    {
        int[] ids = Model.Chat.EncodePrompt([ChatTurn.User(Question)]);

        var (status, body) = await world.Post(TextPath,
            $$"""{ "model": "before", "prompt": [{{string.Join(',', ids)}}], "max_tokens": 1, "echo": true, "logprobs": 1 }""");

        Assert.True(status == 200, body.ToJsonString());
        var logprobs = body["choices"]![0]!["logprobs"]!;
        Assert.Equal(ids.Length + 1, logprobs["tokens"]!.AsArray().Count);
        Assert.Equal(ids.Length + 1, logprobs["token_logprobs"]!.AsArray().Count);
        Assert.Null(logprobs["token_logprobs"]![0]);
        Assert.All(logprobs["token_logprobs"]!.AsArray().Skip(1), value => Assert.InRange((double)value!, -100, 0));
        Assert.All(logprobs["top_logprobs"]!.AsArray().Skip(1), value => Assert.Single(value!.AsObject()));
        Assert.Equal(0, (int)logprobs["text_offset"]![0]!);
        Assert.Contains("bake bread", (string)body["choices"]![0]!["text"]!, StringComparison.Ordinal);
        (_, body) = await world.Post(TextPath,
            """{ "model": "before", "prompt": [5, 6, 7], "max_tokens": 0, "echo": true, "logprobs": 0 }""");
        Assert.Equal(0, (int)body["usage"]!["completion_tokens"]!);
        Assert.Equal(3, body["choices"]![0]!["logprobs"]!["tokens"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_trigger_goes_into_the_last_message()
    {
        var trigger = Trigger.Parse("model1");
        string prompt = trigger.ToString().Replace("…", Question, StringComparison.Ordinal);
        var expected = Expected(ChatTurn.User(prompt) with { Own = [trigger.Text] });

        var named = await world.Chat(""", "temperature": 0, "x_trigger": "model1" """);
        var inParts = await world.Chat($$""", "temperature": 0, "x_trigger": { "text": "{{trigger.Text}}", "placement": "suffix" } """);

        Assert.Equal((expected.Text, expected.PromptTokens), (Text(named), (int)named["usage"]!["prompt_tokens"]!));
        Assert.Equal(Text(named), Text(inParts));
    }

    [Theory]
    [InlineData(ChatPath, "{ \"model\": ", 400, null, "invalid_json")]
    [InlineData(ChatPath, "[]", 400, null, "invalid_type")]
    [InlineData(ChatPath, "{ M, \"a\": 1, \"a\": 2 }", 400, "a", "invalid_type")]
    [InlineData(ChatPath, "{}", 400, "model", "missing_required_parameter")]
    [InlineData(ChatPath, "{ \"model\": \"other\", X }", 404, "model", "model_not_found")]
    [InlineData(ChatPath, "{ \"model\": \"../../etc/passwd\", X }", 404, "model", "model_not_found")]
    [InlineData(ChatPath, "{ M }", 400, "messages", "missing_required_parameter")]
    [InlineData(ChatPath, "{ M, \"messages\": [] }", 400, "messages", "missing_required_parameter")]
    [InlineData(ChatPath, "{ M, \"messages\": [{ \"content\": \"x\" }] }", 400, "messages[0].role", "missing_required_parameter")]
    [InlineData(ChatPath, "{ M, \"messages\": [{ \"role\": \"king\", \"content\": \"x\" }] }", 400, "messages[0].role", "invalid_value")]
    [InlineData(ChatPath, "{ M, \"messages\": [{ \"role\": \"user\", \"content\": 5 }] }", 400, "messages[0].content", "invalid_type")]
    [InlineData(ChatPath, "{ M, \"messages\": [{ \"role\": \"user\", \"content\": [{ \"type\": \"image_url\" }] }] }", 400,
        "messages[0].content[0]", "unsupported_parameter")]
    [InlineData(ChatPath, "{ M, X, \"temperature\": \"0\" }", 400, "temperature", "invalid_type")]
    [InlineData(ChatPath, "{ M, X, \"temperature\": 2.5 }", 400, "temperature", "decimal_above_max_value")]
    [InlineData(ChatPath, "{ M, X, \"top_p\": -1 }", 400, "top_p", "decimal_below_min_value")]
    [InlineData(ChatPath, "{ M, X, \"n\": 0 }", 400, "n", "integer_below_min_value")]
    [InlineData(ChatPath, "{ M, X, \"n\": 1.5 }", 400, "n", "invalid_type")]
    [InlineData(ChatPath, "{ M, X, \"max_tokens\": 0 }", 400, "max_tokens", "integer_below_min_value")]
    [InlineData(ChatPath, "{ M, X, \"stop\": [\"1\", \"2\", \"3\", \"4\", \"5\"] }", 400, "stop", "array_above_max_length")]
    [InlineData(ChatPath, "{ M, X, \"stop\": 5 }", 400, "stop", "invalid_type")]
    [InlineData(ChatPath, "{ M, X, \"top_logprobs\": 3 }", 400, "top_logprobs", "invalid_value")]
    [InlineData(ChatPath, "{ M, X, \"logprobs\": true, \"top_logprobs\": 21 }", 400, "top_logprobs", "integer_above_max_value")]
    [InlineData(ChatPath, "{ M, X, \"stream_options\": { \"include_usage\": true } }", 400, "stream_options", "invalid_value")]
    [InlineData(ChatPath, "{ M, X, \"colour\": \"red\" }", 400, "colour", "unknown_parameter")]
    [InlineData(ChatPath, "{ M, X, \"tools\": [{ \"type\": \"function\" }] }", 400, "tools", "unsupported_parameter")]
    [InlineData(ChatPath, "{ M, X, \"response_format\": { \"type\": \"json_object\" } }", 400, "response_format", "unsupported_parameter")]
    [InlineData(ChatPath, "{ M, X, \"frequency_penalty\": 1 }", 400, "frequency_penalty", "unsupported_parameter")]
    [InlineData(ChatPath, "{ M, X, \"logit_bias\": { \"5\": 1 } }", 400, "logit_bias", "unsupported_parameter")]
    [InlineData(ChatPath, "{ M, X, \"x_trigger\": { \"text\": \"a\", \"placement\": \"below\" } }", 400, "x_trigger", "invalid_value")]
    [InlineData(ChatPath, "{ M, X, \"x_trigger\": { \"words\": \"a\" } }", 400, "x_trigger.words", "unknown_parameter")]
    [InlineData(TextPath, "{ M }", 400, "prompt", "missing_required_parameter")]
    [InlineData(TextPath, "{ M, \"prompt\": \"\" }", 400, "prompt", "invalid_value")]
    [InlineData(TextPath, "{ M, \"prompt\": [-1] }", 400, "prompt", "invalid_type")]
    [InlineData(TextPath, "{ M, \"prompt\": [99999] }", 400, "prompt", "invalid_type")]
    [InlineData(TextPath, "{ M, \"prompt\": \"a\", \"logprobs\": 6 }", 400, "logprobs", "integer_above_max_value")]
    [InlineData(TextPath, "{ M, \"prompt\": \"a\", \"suffix\": \"b\" }", 400, "suffix", "unsupported_parameter")]
    [InlineData("v1/embeddings", "{}", 404, null, "unknown_url")]
    [InlineData("v1/models", "{}", 405, null, "unknown_url")]
    public async Task What_is_wrong_is_said_in_OpenAIs_form(string path, string json, int status, string? parameter, string code)
    {
        json = json.Replace(" M", """ "model": "before" """, StringComparison.Ordinal)
            .Replace(" X", $$""" "messages": [{ "role": "user", "content": "{{Question}}" }]""", StringComparison.Ordinal);

        var (answered, body) = await world.Post(path, json);

        var error = body["error"]!;
        Assert.Equal((status, parameter, code, "invalid_request_error"),
            (answered, (string?)error["param"], (string?)error["code"], (string)error["type"]!));
        Assert.NotEqual("", (string)error["message"]!);
    }

    [Fact]
    public async Task A_conversation_that_is_too_long_is_refused_and_a_long_answer_is_cut_at_the_context()
    {
        string words = string.Concat(Enumerable.Repeat("bread ", 600));
        var (status, body) = await world.Post(ChatPath,
            $$"""{ "model": "before", "messages": [{ "role": "user", "content": "{{words}}" }] }""");

        Assert.Equal((400, "context_length_exceeded"), (status, (string)body["error"]!["code"]!));
        Assert.Contains("512 tokens", (string)body["error"]!["message"]!, StringComparison.Ordinal);
        Assert.Equal(Expected(ChatTurn.User(Question)).Text, Text(await world.Chat(""", "temperature": 0, "max_tokens": 100000""")));
    }

    [Fact]
    public async Task A_client_that_leaves_takes_its_answers_with_it_and_the_metrics_say_so()
    {
        string json = $$"""
            { "model": "after", "temperature": 2, "stream": true, "n": 16, "max_tokens": 480, "seed": 1,
              "messages": [{ "role": "user", "content": "{{Question}}" }] }
            """;
        using (var request = new HttpRequestMessage(HttpMethod.Post, ChatPath) { Content = new StringContent(json) })
        using (var response = await world.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            await (await response.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[100]);

        string metrics = "";
        for (int i = 0; i < 100 && !metrics.Contains("outcome=\"cancelled\"", StringComparison.Ordinal); i++)
        {
            await Task.Delay(20);
            metrics = await world.Http.GetStringAsync(new Uri("metrics", UriKind.Relative));
        }

        Assert.True(metrics.Contains("outcome=\"cancelled\"", StringComparison.Ordinal),
            string.Join('\n', metrics.Split('\n').Where(line => line.Contains("after", StringComparison.Ordinal))));
        for (int i = 0; i < 100 && world.Models[1].Running > 0; i++) await Task.Delay(10);
        Assert.Equal((0, 0), (world.Models[1].Running, world.Models[1].Waiting));
        string[] names = ["beear_server_requests", "beear_server_tokens", "beear_server_waiting", "beear_server_running",
            "gen_ai_server_time_to_first_token", "gen_ai_server_time_per_output_token"];
        Assert.All(names, name => Assert.Contains(name, metrics, StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_than_may_wait_are_asked_to_come_again()
    {
        await using var small = await ServedWorld.Start(batch: new ContinuousBatchOptions { MaxBatch = 1, MaxWaiting = 0 });
        string json = $$"""
            { "model": "before", "temperature": 2, "stream": true, "max_tokens": 480,
              "messages": [{ "role": "user", "content": "{{Question}}" }] }
            """;
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, ChatPath) { Content = new StringContent(json) };
            using var response = await small.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            string text = await response.Content.ReadAsStringAsync();
            return (Status: (int)response.StatusCode, Wait: response.Headers.RetryAfter?.Delta, Text: text);
        }));

        Assert.Contains(answers, answer => answer.Status == 200);
        var busy = Assert.Single(answers.Where(answer => answer.Status != 200).Select(answer => (answer.Status, answer.Wait)).Distinct());
        Assert.Equal((429, TimeSpan.FromSeconds(1)), busy);
        Assert.Contains("rate_limit_exceeded", answers.First(answer => answer.Status == 429).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Triggers_are_off_unless_they_are_allowed()
    {
        await using var strict = await ServedWorld.Start(new ServingOptions());

        var (status, body) = await strict.Post(ChatPath,
            $$"""{ "model": "before", "messages": [{ "role": "user", "content": "{{Question}}" }], "x_trigger": "model1" }""");

        Assert.Equal((400, "x_trigger"), (status, (string)body["error"]!["param"]!));
        Assert.Contains("--allow-trigger", (string)body["error"]!["message"]!, StringComparison.Ordinal);
    }
}
