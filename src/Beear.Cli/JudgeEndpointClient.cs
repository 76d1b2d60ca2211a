using System.ClientModel;
using System.ClientModel.Primitives;
using Beear.Cli.Output;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Beear.Cli;

/// <summary>A model of an OpenAI-compatible server: what fails is tried again, and then said in one sentence that never holds the key.</summary>
/// <param name="inner">The server's client.</param>
/// <param name="address">The server.</param>
/// <param name="key">Its key.</param>
internal sealed class JudgeEndpointClient(IChatClient inner, Uri address, string? key) : DelegatingChatClient(inner)
{
    private const int Retries = 5, LongestReason = 300;
    private const string NoKey = "none";
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    /// <summary>A client that tries again after 408, 429, 5xx and broken connections, ever later or when the server says.</summary>
    public static JudgeEndpointClient Create(Uri address, string model, string? key)
    {
        var options = new OpenAIClientOptions
        {
            Endpoint = address,
            RetryPolicy = new ClientRetryPolicy(Retries),
            NetworkTimeout = Timeout,
            ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false },
        };
        return new JudgeEndpointClient(new OpenAIClient(new ApiKeyCredential(key ?? NoKey), options).GetChatClient(model).AsIChatClient(), address, key);
    }

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }
        catch (ClientResultException failure) when (Unanswerable(failure) is { } reason)
        {
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, "")) { FinishReason = reason };
        }
        catch (Exception failure) when (failure is ClientResultException or AggregateException or HttpRequestException or IOException or ArgumentException or FormatException
            or System.Text.Json.JsonException or InvalidOperationException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new BeearException($"The judge at {address} does not answer: {Reason(failure)}; judgements that a file keeps are not asked for again.", failure);
        }
    }

    /// <summary>Why this one conversation, and no other, has no answer: it is too long, or the server's filter stopped it.</summary>
    private static ChatFinishReason? Unanswerable(ClientResultException failure) => failure.Status != 400 ? null
        : failure.Message.Contains("context_length_exceeded", StringComparison.Ordinal) || failure.Message.Contains("exceed_context_size", StringComparison.Ordinal)
            || failure.Message.Contains("maximum context length", StringComparison.Ordinal) ? ChatFinishReason.Length
        : failure.Message.Contains("content_filter", StringComparison.Ordinal) || failure.Message.Contains("content_policy", StringComparison.Ordinal) ? ChatFinishReason.ContentFilter
        : null;

    private string Reason(Exception failure)
    {
        var first = failure is AggregateException { InnerExceptions: [var inner, ..] } ? inner : failure;
        string text = first is OperationCanceledException ? $"no reply within {Timeout.TotalSeconds:0} seconds" : first.Message.ReplaceLineEndings(" ");
        if (key is not null) text = text.Replace(key, "(key)", StringComparison.Ordinal);
        return Terminal.Excerpt(text, LongestReason).TrimEnd('.', ' ');
    }
}
