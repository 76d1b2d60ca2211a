using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beear.Server.OpenAI.Contracts;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>An answer in pieces: server-sent events, as OpenAI's clients read them.</summary>
/// <param name="context">The request.</param>
internal sealed class EventStream(HttpContext context)
{
    /// <summary>Sends a piece at once.</summary>
    public async Task Send<T>(T piece, JsonTypeInfo<T> type)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
        }
        var output = context.Response.BodyWriter;
        output.Write("data: "u8);
        await using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = type.Options.Encoder }))
            JsonSerializer.Serialize(writer, piece, type);
        output.Write("\n\n"u8);
        await output.FlushAsync(context.RequestAborted);
    }

    /// <summary>Says that nothing more comes.</summary>
    public async Task End()
    {
        context.Response.BodyWriter.Write("data: [DONE]\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Says why nothing more comes.</summary>
    public Task Fail(ApiException failure) => Send(failure.Body, ApiJson.Written.ErrorBody);
}
