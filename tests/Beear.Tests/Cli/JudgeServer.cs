using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Beear.Tests.Cli;

/// <summary>A server on this machine that speaks the chat completions protocol.</summary>
internal sealed class JudgeServer : IDisposable
{
    private readonly HttpListener listener = new();
    private readonly Func<string, string> reply;

    /// <summary>Starts to listen.</summary>
    /// <param name="reply">The reply to a prompt.</param>
    /// <param name="path">The path of its address.</param>
    public JudgeServer(Func<string, string> reply, string path = "/v1")
    {
        this.reply = reply;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}{path}";
        }
        listener.Prefixes.Add(Address + "/");
        listener.Start();
        _ = Task.Run(ServeAsync);
    }

    public string Address { get; }

    /// <summary>Statuses and bodies that come before any reply.</summary>
    public ConcurrentQueue<(int Status, string Body)> Faults { get; } = [];

    /// <summary>The status and the whole body for what was asked; null for a reply of the usual form.</summary>
    public Func<JsonNode, (int Status, string Body)?> Raw { get; init; } = _ => null;

    /// <summary>The header Retry-After of a fault; null for none.</summary>
    public string? RetryAfter { get; init; } = "0";

    public ConcurrentQueue<(string Path, string? Authorization, JsonNode Body)> Requests { get; } = [];

    public void Dispose() => listener.Close();

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                await AnswerAsync(await listener.GetContextAsync());
            }
            catch (Exception failure) when (failure is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var asked = (await JsonNode.ParseAsync(context.Request.InputStream))!;
        Requests.Enqueue((context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"], asked));
        string body;
        if (Faults.TryDequeue(out var fault))
        {
            (context.Response.StatusCode, body) = fault;
            if (RetryAfter is not null) context.Response.Headers["Retry-After"] = RetryAfter;
        }
        else if (Raw(asked) is { } raw)
        {
            (context.Response.StatusCode, body) = raw;
        }
        else
        {
            body = new JsonObject
            {
                ["id"] = "1",
                ["object"] = "chat.completion",
                ["created"] = 1,
                ["model"] = (string?)asked["model"],
                ["choices"] = new JsonArray(new JsonObject
                {
                    ["index"] = 0,
                    ["finish_reason"] = "stop",
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = reply(Prompt(asked)) },
                }),
            }.ToJsonString();
        }
        context.Response.ContentType = "application/json";
        await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
        context.Response.Close();
    }

    /// <summary>The text of the one message.</summary>
    public static string Prompt(JsonNode asked) => (string)asked["messages"]![0]!["content"]!;
}
