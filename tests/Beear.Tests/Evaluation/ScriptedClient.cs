using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace Beear.Tests.Evaluation;

/// <summary>A chat client whose replies a test gives.</summary>
/// <param name="reply">The reply to a prompt and the number of the call, from 1.</param>
internal sealed class ScriptedClient(Func<string, int, string> reply) : IChatClient
{
    private int underWay;

    public ConcurrentQueue<(string Prompt, ChatOptions? Options)> Asked { get; } = [];

    public int MostAtOnce { get; private set; }

    public ChatFinishReason Reason { get; init; } = ChatFinishReason.Stop;

    /// <summary>The reply that is cut; null for none.</summary>
    public string? CutWithin { get; init; }

    /// <summary>A thought that comes beside every reply; null for none.</summary>
    public string? Thought { get; init; }

    public TimeSpan Takes { get; init; }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        string prompt = Assert.Single(messages).Text;
        int call;
        lock (Asked)
        {
            Asked.Enqueue((prompt, options));
            call = Asked.Count;
            MostAtOnce = Math.Max(MostAtOnce, ++underWay);
        }
        await Task.Delay(Takes, cancellationToken);
        lock (Asked) underWay--;
        string text = reply(prompt, call);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, Thought is null
            ? [new TextContent(text)] : [new TextReasoningContent(Thought), new TextContent(text)]))
        {
            FinishReason = text == CutWithin ? ChatFinishReason.Length : Reason,
        };
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }
}
