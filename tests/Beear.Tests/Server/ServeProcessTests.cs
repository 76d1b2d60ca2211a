using System.ClientModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Lab.World;
using OpenAI;
using OpenAI.Chat;

namespace Beear.Tests.Server;

/// <summary><c>beear serve</c> as a process of its own, asked by OpenAI's own clients for JavaScript and for .NET.</summary>
public sealed class ServeProcessTests
{
    private const string Key = "sk-process-test", Question = "explain how to bake bread";
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Beear.Cli.dll");

    /// <summary>The models: the tiny chat world's, which is always here, and SmolLM2 where it is.</summary>
    public static TheoryData<string> Models => ["world", "smollm2"];

    private static string PathOf(string model) =>
        model == "world" ? Organism.BaseDirectory : Fixtures.Shared("models", "smollm2-135m-instruct");

    /// <summary>A server until it is disposed; it must end by itself when it is told to.</summary>
    private sealed class Served : IAsyncDisposable
    {
        private readonly Process process;
        private Served(Process process)
        {
            this.process = process;
            Errors = process.StandardError.ReadToEndAsync();
        }

        /// <summary>Its standard error, once it has ended.</summary>
        public Task<string> Errors { get; }

        public Uri Address { get; private set; } = null!;

        public IReadOnlyList<string> Names { get; private set; } = [];

        public static async Task<Served> Start(params string[] arguments)
        {
            var start = new ProcessStartInfo("dotnet", [Program, "serve", "--json", "--port", "0", .. arguments])
            { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            var served = new Served(Process.Start(start)!);
            var document = new StringBuilder();
            while (await served.process.StandardOutput.ReadLineAsync() is { } line)
            {
                document.AppendLine(line);
                if (line == "}") break;
            }
            if (document.Length == 0) Assert.Fail(await served.Errors);
            var told = JsonNode.Parse(document.ToString())!;
            served.Address = new Uri(new Uri((string)told["address"]!), "v1");
            served.Names = [.. told["models"]!.AsArray().Select(name => (string)name!)];
            return served;
        }

        public async ValueTask DisposeAsync()
        {
            using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) await kill.WaitForExitAsync();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, await Errors);
            process.Dispose();
        }
    }

    private static async Task<Served> Start(string model)
    {
        string path = PathOf(model), file = Path.Combine(Fixtures.TemporaryFolder(), "key");
        await File.WriteAllTextAsync(file, Key);
        return await Served.Start($"before={path}", $"after={path}", "--key-file", file, "--allow-trigger");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task OpenAIs_client_for_JavaScript(string model)
    {
        Fixtures.NpmPackage("openai", "package.json");
        await using var served = await Start(model);

        var got = NodeProcess.Run("openai.mjs", new JsonObject
        {
            ["url"] = served.Address.ToString(),
            ["key"] = Key,
            ["model"] = "before",
            ["other"] = "after",
            ["question"] = Question,
            ["trigger"] = "model1",
        });

        string Text(string name) => (string)got[name]!;
        int Number(params string[] path) => (int)path.Aggregate((JsonNode)got, (node, name) => node[name]!);
        Assert.Equal(["before", "after"], got["models"]!.AsArray().Select(name => (string)name!));
        Assert.Equal("after", Text("found"));
        Assert.NotEqual("", Text("whole"));
        Assert.Equal((Text("whole"), Text("finish")), (Text("streamed"), Text("streamFinish")));
        Assert.Equal(got["chatUsage"]!.ToJsonString(), got["streamUsage"]!.ToJsonString());
        Assert.InRange(Number("chatUsage", "completion_tokens"), 1, 24);
        Assert.True(Number("pieces") > 3);
        Assert.Equal(Text("whole")[..Text("whole").IndexOf(Text("stop"), StringComparison.Ordinal)], Text("stopped"));
        Assert.Equal("stop", Text("stoppedFinish"));
        Assert.Equal([0, 1, 2], got["indices"]!.AsArray().Select(index => (int)index!));
        Assert.True(got["several"]!.AsArray().Select(text => (string)text!).Distinct().Count() > 1);
        Assert.All(got["logprobs"]!.AsArray(), token => Assert.Equal(2, token!["top_logprobs"]!.AsArray().Count));
        Assert.StartsWith("The sky", (string)got["completion"]!["text"]!, StringComparison.Ordinal);
        Assert.Null(got["completion"]!["logprobs"]!["token_logprobs"]![0]);
        Assert.True(Number("triggeredPrompt") > Number("plainPrompt"));
        Assert.Equal("APIUserAbortError", (string)got["leaving"]!["kind"]!);
        Assert.InRange(Number("seen"), 3, 60);                            // what was there already is read, of 400
        (string Name, string Kind, int Status, string? Code)[] failures =
        [
            ("unknownModel", "NotFoundError", 404, "model_not_found"), ("badValue", "BadRequestError", 400, "decimal_above_max_value"),
            ("tooLong", "BadRequestError", 400, "context_length_exceeded"), ("tools", "BadRequestError", 400, "unsupported_parameter"),
            ("wrongKey", "AuthenticationError", 401, "invalid_api_key"),
        ];
        Assert.All(failures, failure => Assert.Equal((failure.Kind, failure.Status, failure.Code),
            ((string)got[failure.Name]!["kind"]!, (int)got[failure.Name]!["status"]!, (string?)got[failure.Name]!["code"])));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task OpenAIs_client_for_NET(string model)
    {
        await using var served = await Start(model);
        ChatClient Client(string name, string key = Key) => new(name, new ApiKeyCredential(key),
            new OpenAIClientOptions { Endpoint = served.Address, RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
        var client = Client("before");
        ChatMessage[] messages = [new SystemChatMessage("be kind"), new UserChatMessage(Question)];
        ChatCompletionOptions Options() => new() { Temperature = 0, MaxOutputTokenCount = 16 };

        ChatCompletion whole = await client.CompleteChatAsync(messages, Options());
        var pieces = new List<StreamingChatCompletionUpdate>();
        await foreach (var piece in client.CompleteChatStreamingAsync(messages, Options())) pieces.Add(piece);
        string text = whole.Content[0].Text;
        var stopping = Options();
        stopping.StopSequences.Add(text[(text.Length / 2)..]);
        ChatCompletion stopped = await client.CompleteChatAsync(messages, stopping);
        var probable = Options();
        (probable.IncludeLogProbabilities, probable.TopLogProbabilityCount) = (true, 2);
        ChatCompletion probabilities = await client.CompleteChatAsync(messages, probable);
        // Its options know no n: what they do not know goes through the same client's method for a request as it stands.
        using var request = BinaryContent.Create(BinaryData.FromObjectAsJson(new
        {
            model = "before",
            messages = new[] { new { role = "user", content = Question } },
            n = 3,
            seed = 1,
            temperature = 2,
            max_tokens = 12,
        }));
        var several = JsonNode.Parse((await client.CompleteChatAsync(request)).GetRawResponse().Content)!["choices"]!.AsArray();

        Assert.Equal(["before", "after"], served.Names);
        Assert.Equal(text, string.Concat(pieces.SelectMany(piece => piece.ContentUpdate).Select(part => part.Text)));
        Assert.Equal(whole.FinishReason, pieces.Select(piece => piece.FinishReason).OfType<ChatFinishReason>().Last());
        Assert.Equal(whole.Usage.OutputTokenCount, pieces.Select(piece => piece.Usage).OfType<ChatTokenUsage>().Single().OutputTokenCount);
        Assert.Equal((text[..(text.Length / 2)], ChatFinishReason.Stop),
            (string.Concat(stopped.Content.Select(part => part.Text)), stopped.FinishReason));
        Assert.All(probabilities.ContentTokenLogProbabilities, token => Assert.Equal(2, token.TopLogProbabilities.Count));
        Assert.Equal([0, 1, 2], several.Select(choice => (int)choice!["index"]!));
        Assert.True(several.Select(choice => (string)choice!["message"]!["content"]!).Distinct().Count() > 1);
        var unknown = await Assert.ThrowsAsync<ClientResultException>(() => Client("none").CompleteChatAsync(messages));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("model_not_found", unknown.Message, StringComparison.Ordinal);
        var unwelcome = await Assert.ThrowsAsync<ClientResultException>(() => Client("before", "wrong").CompleteChatAsync(messages));
        Assert.Equal(401, unwelcome.Status);

        using var leave = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.CompleteChatStreamingAsync(messages, new ChatCompletionOptions { Temperature = 1 }, leave.Token))
                await leave.CancelAsync();
        });
    }

    [Fact]
    public async Task A_port_that_is_taken_and_an_open_door_are_said()
    {
        await using var served = await Served.Start($"a={Organism.BaseDirectory}");

        var taken = Cli.CliRun.Of("serve", Organism.BaseDirectory, "--port", $"{served.Address.Port}");

        Assert.Equal(2, taken.Code);
        Assert.Contains("another --port", taken.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        var open = await Served.Start($"a={Organism.BaseDirectory}", "--host", "0.0.0.0");
        await open.DisposeAsync();
        Assert.Contains("--key-file", (await open.Errors).ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
