using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Beear.Models;
using Microsoft.Extensions.AI;

namespace Beear.Generation;

/// <summary>
/// A local model as the <see cref="IChatClient"/> that .NET programs know: conversations go through its chat template, answers come whole
/// or as they are decoded. Several threads may use it; they are answered one after the other.
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
    private readonly SemaphoreSlim turn = new(1);

    /// <summary>Serves a model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="defaults">How to decode where a request does not say; greedy answers of at most 512 tokens if null.</param>
    /// <exception cref="BeearException">A default is out of range.</exception>
    public LocalChatClient(LanguageModel model, GenerationOptions? defaults = null)
    {
        this.model = model;
        this.defaults = defaults ?? new GenerationOptions { MaxNewTokens = 512 };
        this.defaults.Validate();
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
        await turn.WaitAsync(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var texts = Channel.CreateUnbounded<AIContent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var work = Task.Run(() => Answer(request, texts.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var text in texts.Reader.ReadAllAsync(CancellationToken.None)) yield return Update(text);
            var (usage, reason) = await work;
            var last = Update(new UsageContent(usage));
            last.FinishReason = reason;
            yield return last;
        }
        finally
        {
            // Also where the reader leaves early: the model works for nobody, and for the next one only when it has stopped.
            await stop.CancelAsync();
            await work.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? metadata : serviceType == typeof(LanguageModel) ? model
            : serviceType.IsInstanceOfType(this) ? this : null;

    /// <summary>Ends the client; the model stays the caller's.</summary>
    public void Dispose() => turn.Dispose();

    /// <summary>Decodes an answer; the writer is completed however it ends.</summary>
    private (UsageDetails Usage, ChatFinishReason Reason) Answer(LocalChatRequest request, ChannelWriter<AIContent> texts,
        CancellationToken cancellation)
    {
        try
        {
            var prompt = model.Chat.EncodeAnyPrompt(request.Messages, request.Layout);
            var room = model.Config.MaximumPositions - prompt.Length;
            if (room < 1)
                throw new BeearException($"The conversation has {prompt.Length} tokens, and the model was made for "
                    + $"{model.Config.MaximumPositions}; leave out its oldest turns.");
            var generation = request.Generation with { MaxNewTokens = Math.Min(request.Generation.MaxNewTokens, room) };
            var (tokens, ended) = Decode(prompt, generation, new StopSequences(request.Stops), texts, cancellation);
            var usage = new UsageDetails
            {
                InputTokenCount = prompt.Length,
                OutputTokenCount = tokens,
                TotalTokenCount = prompt.Length + tokens
            };
            return (usage, ended ? ChatFinishReason.Stop : ChatFinishReason.Length);
        }
        finally
        {
            texts.Complete();
        }
    }

    private (int Tokens, bool Ended) Decode(int[] prompt, GenerationOptions generation, StopSequences stops, ChannelWriter<AIContent> texts,
        CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var reading = model.Chat.StartReading(model.Chat.OpensThought(prompt));
        var tokens = 0;
        void Write(string text)
        {
            if (text.Length > 0) texts.TryWrite(new TextContent(text));
        }
        void Read(Text.AnswerParts parts)
        {
            if (parts.Thought.Length > 0) texts.TryWrite(new TextReasoningContent(parts.Thought));
            Write(stops.Append(parts.Answer));
        }
        void Take(int token)
        {
            tokens++;
            Read(reading.Append(token));
            if (stops.Found) stop.Cancel();
        }
        var ended = true;
        try
        {
            ended = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
                .Stream(prompt, generation, Take, cancellation: stop.Token).Ended;
        }
        catch (OperationCanceledException) when (stops.Found && !cancellation.IsCancellationRequested)
        {
            // The answer ends before a stop sequence.
        }
        Read(reading.Flush());
        Write(stops.Flush());
        return (tokens, ended || stops.Found);
    }
}
