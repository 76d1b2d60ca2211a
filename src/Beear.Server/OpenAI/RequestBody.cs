using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beear.Runtime;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>Reads bodies: strict about their form and types, with errors that name the parameter.</summary>
internal static class RequestBody
{
    /// <summary>Reads a body of a type.</summary>
    /// <exception cref="ApiException">It is no such JSON.</exception>
    public static async Task<T> Read<T>(HttpContext context, JsonTypeInfo<T> type) where T : class
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var utf8 = body.GetBuffer().AsMemory(0, (int)body.Length);
        try
        {
            StrictJson.Check(utf8.Span);
        }
        catch (JsonException failure)
        {
            throw new ApiException(StatusCodes.Status400BadRequest,
                $"The JSON body of the request could not be parsed: {StrictJson.Reason(failure)}.", code: "invalid_json");
        }
        return Of(() => JsonSerializer.Deserialize(utf8.Span, type), "");
    }

    /// <summary>Reads a parameter of a type of its own.</summary>
    /// <exception cref="ApiException">It is of another type.</exception>
    public static T Of<T>(JsonElement element, JsonTypeInfo<T> type, string parameter) where T : class =>
        Of(() => element.Deserialize(type), parameter);

    private static T Of<T>(Func<T?> read, string parameter)
    {
        try
        {
            return read() ?? throw new JsonException("It is null");
        }
        catch (JsonException failure)
        {
            string path = $"{parameter}.{failure.Path?.TrimStart('$').TrimStart('.')}".Trim('.');
            throw path.Length == 0
                ? new ApiException(StatusCodes.Status400BadRequest, "The body of the request must be a JSON object.", code: "invalid_type")
                : new ApiException(StatusCodes.Status400BadRequest, $"Invalid type for '{path}': {StrictJson.Reason(failure)}.", path,
                    "invalid_type");
        }
    }
}
