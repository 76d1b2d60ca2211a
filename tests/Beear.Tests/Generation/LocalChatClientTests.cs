using System.Text.Json;
using Beear.Generation;
using Beear.Lab.World;
using Beear.Models;
using Beear.Text;
using Microsoft.Extensions.AI;

namespace Beear.Tests.Generation;

public sealed class LocalChatClientTests : IDisposable
{
    private const string Question = "explain how to bake bread";
    private readonly LanguageModel model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
    private readonly LocalChatClient client;

    public LocalChatClientTests() => client = new LocalChatClient(model);

    public void Dispose()
    {
        client.Dispose();
        model.Dispose();
    }

    /// <summary>The answer as the library decodes it.</summary>
    private (string Text, int PromptTokens, int Tokens) Expected(params ChatTurn[] messages)
    {
        var prompt = model.Chat.EncodePrompt(messages);
        var answer = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Generate([prompt], new GenerationOptions { MaxNewTokens = 512 })[0];
        Assert.True(answer.Ended);
        return (model.Chat.DecodeAnswer(answer.Tokens), prompt.Length, answer.Tokens.Length);
    }

    [Fact]
    public async Task An_answer_is_the_models_with_its_counts()
    {
        var (text, promptTokens, tokens) = Expected(ChatTurn.User(Question));

        var response = await client.GetResponseAsync(Question);

        Assert.Equal(text, response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal((promptTokens, tokens, promptTokens + tokens),
            (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.Equal(ChatRole.Assistant, Assert.Single(response.Messages).Role);
        Assert.Equal("base", response.ModelId);
    }

    [Fact]
    public async Task A_stream_gives_the_same_piece_by_piece()
    {
        var updates = await client.GetStreamingResponseAsync(Question).ToListAsync();

        Assert.True(updates.Count > 5);
        Assert.Equal(Expected(ChatTurn.User(Question)).Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        Assert.IsType<UsageContent>(Assert.Single(updates[^1].Contents));
    }

    [Fact]
    public async Task A_conversation_goes_through_the_template()
    {
        ChatMessage[] messages = [new(ChatRole.User, Question), new(ChatRole.Assistant, "sure ."), new(ChatRole.User, "name a red thing")];
        var expected = Expected(ChatTurn.User(Question), ChatTurn.Assistant("sure ."), ChatTurn.User("name a red thing"));

        var response = await client.GetResponseAsync(messages);

        Assert.Equal((expected.Text, expected.PromptTokens), (response.Text, (int)response.Usage!.InputTokenCount!));
    }

    [Fact]
    public async Task System_messages_and_instructions_go_through_the_template_too()
    {
        int Length(params ChatTurn[] messages) => model.Chat.EncodePrompt(messages).Length;
        var user = new ChatMessage(ChatRole.User, Question);
        var expected = Length(ChatTurn.System("be kind"), ChatTurn.User(Question));
        Assert.NotEqual(expected, Length(ChatTurn.User(Question)));
        Assert.Equal(expected, (await client.GetResponseAsync([new(ChatRole.System, "be kind"), user])).Usage!.InputTokenCount);
        Assert.Equal(expected, (await client.GetResponseAsync([user],
            new ChatOptions { Instructions = "be kind" })).Usage!.InputTokenCount);
    }

    [Fact]
    public void Variables_go_to_the_template()
    {
        IReadOnlyDictionary<string, object?> Read(object? variables) => LocalChatRequest.Read(
            [new(ChatRole.User, Question)], new ChatOptions { AdditionalProperties = new() { ["chat_template_kwargs"] = variables } },
                new GenerationOptions()).Layout.Variables;
        Assert.Equal(false, Read(new Dictionary<string, object?>(
            StringComparer.Ordinal)
        { ["enable_thinking"] = false })["enable_thinking"]);
        Assert.Equal("{\"a\":1}", $"{Read(JsonSerializer.SerializeToElement(new { x = new { a = 1 } }))["x"]}");
        Assert.Empty(Read(null));
        Assert.Contains("chat_template_kwargs", Assert.Throws<BeearException>(() => Read(true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_is_cut_at_its_longest_length()
    {
        var response = await client.GetResponseAsync(Question, new ChatOptions { MaxOutputTokens = 3 });

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal(3, response.Usage!.OutputTokenCount);
        Assert.StartsWith(response.Text, Expected(ChatTurn.User(Question)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_ends_before_a_stop_sequence()
    {
        var whole = Expected(ChatTurn.User(Question)).Text;
        var stop = whole[(whole.Length / 2)..(whole.Length / 2 + 4)];

        var response = await client.GetResponseAsync(Question, new ChatOptions { StopSequences = ["never said", stop] });

        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task Sampling_follows_the_options()
    {
        var options = new ChatOptions { Temperature = 3, Seed = 5, MaxOutputTokens = 20 };
        async Task<string> Ask(ChatOptions asked) => (await client.GetResponseAsync(Question, asked)).Text;
        var greedy = await Ask(new ChatOptions { MaxOutputTokens = 20 });

        var sampled = await Ask(options);
        Assert.Equal(sampled, await Ask(options));
        Assert.NotEqual(greedy, sampled);
        Assert.NotEqual(sampled, await Ask(new ChatOptions { Temperature = 3, Seed = 6, MaxOutputTokens = 20 }));
        Assert.Equal(greedy, await Ask(new ChatOptions { Temperature = 3, Seed = long.MaxValue, TopK = 1, MaxOutputTokens = 20 }));
        Assert.Equal(greedy, await Ask(new ChatOptions { Temperature = 3, Seed = -1, TopP = 1e-6f, MaxOutputTokens = 20 }));
    }

    [Fact]
    public async Task Cancellation_stops_between_tokens_and_the_next_request_is_served()
    {
        using var source = new CancellationTokenSource();
        var read = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.GetStreamingResponseAsync(Question, new ChatOptions { Temperature = 5 }, source.Token))
            {
                if (++read == 2) await source.CancelAsync();
            }
        });
        await foreach (var _ in client.GetStreamingResponseAsync(Question)) break;    // a reader that leaves early

        Assert.NotEqual("", (await client.GetResponseAsync(Question)).Text);
    }

    [Fact]
    public async Task Requests_at_once_do_not_disturb_each_other()
    {
        var one = (await client.GetResponseAsync(Question)).Text;
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.GetResponseAsync(Question)));
        Assert.All(answers, answer => Assert.Equal(one, answer.Text));
    }

    public static TheoryData<ChatMessage[], ChatOptions?, string> Unsupported => new()
    {
        { [new(ChatRole.User, [new TextContent("what is it?"), new DataContent(new byte[] { 1 }, "image/png")])], null,
            "data of type image/png" },
        { [new(ChatRole.User, [new UriContent("https://example.com/a.png", "image/png")])], null, "a link to image/png" },
        { [new(ChatRole.Assistant, [new FunctionCallContent("1", "f")])], null, "a tool's call" },
        { [new(ChatRole.Tool, "4")], null, "is a tool's" },
        { [], null, "no messages" },
        { [new(ChatRole.User, "a")], new ChatOptions { Tools = [AIFunctionFactory.CreateDeclaration("f", null, default)] },
            "calls no tools" },
        { [new(ChatRole.User, "a")], new ChatOptions { ResponseFormat = ChatResponseFormat.Json }, "plain text only" },
        { [new(ChatRole.User, "a")], new ChatOptions { FrequencyPenalty = 1 }, "penalties" },
        { [new(ChatRole.User, "a")], new ChatOptions { ConversationId = "1" }, "keeps no conversations" },
        { [new(ChatRole.User, "a")], new ChatOptions { Temperature = -1 }, "temperature" },
        { [new(ChatRole.User, "a")], new ChatOptions { MaxOutputTokens = 0 }, "max_new_tokens" },
    };

    [Theory]
    [MemberData(nameof(Unsupported), DisableDiscoveryEnumeration = true)]
    public async Task What_a_local_model_cannot_do_is_refused_in_one_sentence(ChatMessage[] messages, ChatOptions? options, string reason)
    {
        var message = (await Assert.ThrowsAsync<BeearException>(() => client.GetResponseAsync(messages, options))).Message;
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.EndsWith(".", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_that_is_too_long_is_refused()
    {
        var longText = string.Concat(Enumerable.Repeat("bread ", model.Config.MaximumPositions));
        Assert.Contains("leave out its oldest turns",
            (await Assert.ThrowsAsync<BeearException>(() => client.GetResponseAsync(longText))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Services_tell_what_the_client_is()
    {
        Assert.Equal("beear", client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.Same(model, client.GetService<LanguageModel>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<IChatClient>("key"));
        Assert.Null(client.GetService<string>());
    }
}
