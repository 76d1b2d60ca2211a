using System.Runtime.CompilerServices;
using Beear.Models;
using Microsoft.Extensions.AI;

namespace Beear.Generation;

/// <summary>
/// A local model as the <see cref="IChatClient"/> that .NET programs know: conversations go through its chat template, answers come whole
/// or as they are decoded. Several threads may use it; their answers share the model's passes.
/// </summary>
/// <remarks>
/// Sampling has a seed like everything random here: without one in the options, the default's is used, so answers repeat themselves.
/// Variables of the chat template, such as <c>enable_thinking</c>, are a dictionary in the additional property <c>chat_template_kwargs</c>.
/// What a model thinks before it answers comes as <see cref="TextReasoningContent"/>, apart from the answer's text; in the messages of a
/// request it is left out, as chat templates leave it out.
/// </remarks>
/// <example><code>
/// using var model = LanguageModel.Load("models/cleaned", ModelOptions.Mixed);
/// using IChatClient client = new LocalChatClient(model);
/// await foreach (var update in client.GetStreamingResponseAsync("Hello!")) Console.Write(update);
/// </code></example>
public sealed class LocalChatClient : IChatClient
{
    private readonly LanguageModel model;
    private readonly GenerationOptions defaults;
    private readonly ChatClientMetadata metadata;
    private readonly ContinuousBatch batch;

    /// <summary>Serves a model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="defaults">How to decode where a request does not say; greedy answers of at most 512 tokens if null.</param>
    /// <exception cref="BeearException">A default is out of range.</exception>
    public LocalChatClient(LanguageModel model, GenerationOptions? defaults = null)
    {
        this.model = model;
        this.defaults = defaults ?? new GenerationOptions { MaxNewTokens = 512 };
        this.defaults.Validate();
        batch = new ContinuousBatch(model.Decoder, model.Chat.EndOfTurn,
            new ContinuousBatchOptions { MaxBatch = this.defaults.BatchSize, MaxWaiting = int.MaxValue });
        metadata = new ChatClientMetadata("beear", providerUri: null, Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Path)));
    }

    /// <inheritdoc/>
    /// <exception cref="BeearException">
    /// The request holds what a local model cannot do, or the conversation is longer than the model allows.
    /// </exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
            GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="BeearException">
    /// The request holds what a local model cannot do, or the conversation is longer than the model allows.
    /// </exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = LocalChatRequest.Read(messages, options, defaults);
        var (responseId, messageId, created) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"), DateTimeOffset.UtcNow);
        ChatResponseUpdate Update(params AIContent[] contents) => new(ChatRole.Assistant, [.. contents])
        {
            ResponseId = responseId,
            MessageId = messageId,
            ModelId = metadata.DefaultModelId,
            CreatedAt = created,
        };
        var prompt = model.Chat.EncodeAnyPrompt(request.Messages, request.Layout);
        var room = model.Config.MaximumPositions - prompt.Length;
        if (room < 1)
            throw new BeearException($"The conversation has {prompt.Length} tokens, and the model was made for "
                + $"{model.Config.MaximumPositions}; leave out its oldest turns.");
        var generation = request.Generation with { MaxNewTokens = Math.Min(request.Generation.MaxNewTokens, room) };
        var answer = AnswerText.Of(model.Chat, prompt, request.Stops);
        // A reader that leaves early disposes it: the model works for nobody.
        using var decoding = batch.TrySubmit(new DecodingRequest(prompt, generation))![0];
        var tokens = 0;
        await foreach (var token in decoding.Tokens.ReadAllAsync(cancellationToken))
        {
            tokens++;
            foreach (var content in Contents(answer.Append(token.Token))) yield return Update(content);
            if (answer.Stopped) break;
        }
        foreach (var content in Contents(answer.End())) yield return Update(content);
        var last = Update(new UsageContent(new UsageDetails
        {
            InputTokenCount = prompt.Length,
            OutputTokenCount = tokens,
            TotalTokenCount = prompt.Length + tokens,
        }));
        last.FinishReason = answer.Stopped || decoding.Ended ? ChatFinishReason.Stop : ChatFinishReason.Length;
        yield return last;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? metadata : serviceType == typeof(LanguageModel) ? model
            : serviceType.IsInstanceOfType(this) ? this : null;

    /// <summary>Ends the client; the model stays the caller's.</summary>
    public void Dispose() => batch.Dispose();

    private static IEnumerable<AIContent> Contents(Text.AnswerParts parts)
    {
        if (parts.Thought.Length > 0) yield return new TextReasoningContent(parts.Thought);
        if (parts.Answer.Length > 0) yield return new TextContent(parts.Answer);
    }
}
