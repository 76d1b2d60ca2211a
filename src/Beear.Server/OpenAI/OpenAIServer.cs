using System.Globalization;
using Beear.Server.OpenAI.Contracts;
using Beear.Server.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Beear.Server.OpenAI;

/// <summary>Models behind the protocol of OpenAI.</summary>
internal static class OpenAIServer
{
    private const string Healthy = "/healthz", Api = "/v1";

    /// <summary>Makes the application.</summary>
    /// <param name="serving">Models and options.</param>
    /// <param name="web">Where it listens.</param>
    /// <param name="key">What clients have to know; null if everybody is answered.</param>
    /// <param name="failed">Told of what no client can be told: failures of the server itself.</param>
    public static WebApplication Build(Serving serving, WebOptions web, ApiKey? key, Action<Exception> failed)
    {
        var app = LocalServer.Build(web,
            builder => builder.Services.AddOpenTelemetry()
                .ConfigureResource(resource => resource.AddService("beear")).WithMetrics(metrics => metrics
                .AddMeter(ServerMetrics.MeterName).AddPrometheusExporter(exporter => exporter.ScrapeResponseCacheDurationMilliseconds = 0)),
            (context, status, message) => Refuse(context, new ApiException(status, message)));
        app.Use(next => context => Guard(context, next, key, failed));
        app.UseRouting();
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet(Healthy, context => context.Response.WriteAsJsonAsync(new Health("ok"), ApiJson.Written.Health));
        app.MapGet($"{Api}/models", context => context.Response.WriteAsJsonAsync(
            new ModelList("list", [.. serving.Models.Select(Info)]), ApiJson.Written.ModelList));
        app.MapGet($"{Api}/models/{{**id}}", context => context.Response.WriteAsJsonAsync(
            Info(serving.Find(context.Request.RouteValues["id"] as string ?? "")), ApiJson.Written.ModelInfo));
        var (chat, completion) = (new ChatEndpoint(serving), new CompletionEndpoint(serving));
        app.MapPost($"{Api}/chat/completions", context => Answer(serving, context, chat.Answer));
        app.MapPost($"{Api}/completions", context => Answer(serving, context, completion.Answer));
        return app;
    }

    private static ModelInfo Info(ServedModel model) =>
        new(model.Name, "model", model.Created, "beear", model.Model.Config.MaximumPositions);

    /// <summary>Answers a request for text, and counts it.</summary>
    private static async Task Answer(Serving serving, HttpContext context, Func<HttpContext, AnsweredRequest, Task> answer)
    {
        using var answered = new AnsweredRequest(serving, context);
        try
        {
            await answer(context, answered);
            answered.Outcome = "answered";
        }
        catch (Exception failure)
        {
            answered.Outcome = context.RequestAborted.IsCancellationRequested ? "cancelled" : failure switch
            {
                ApiException { Status: StatusCodes.Status429TooManyRequests } => "busy",
                ApiException { Status: < 500 } or BadHttpRequestException => "refused",
                _ => "failed",
            };
            throw;
        }
    }

    /// <summary>Asks for the key, and turns failures into errors of OpenAI's form.</summary>
    private static async Task Guard(HttpContext context, RequestDelegate next, ApiKey? key, Action<Exception> failed)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            if (key is not null && context.Request.Path != Healthy && !key.IsIn(context.Request))
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
                throw new ApiException(StatusCodes.Status401Unauthorized,
                    "Incorrect API key provided; send this server's as 'Authorization: Bearer KEY'.", code: "invalid_api_key");
            }
            await next(context);
            if (context.Response is
                { HasStarted: false, StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed })
                await Refuse(context, new ApiException(context.Response.StatusCode,
                    $"Unknown request URL: {context.Request.Method} {context.Request.Path}. Please check the URL and the method.",
                    code: "unknown_url"));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left: nobody is to be told.
        }
        catch (Exception failure)
        {
            if (failure is not (ApiException or BadHttpRequestException or OperationCanceledException)) failed(failure);
            var told = ApiException.Of(failure);
            if (context.Response.HasStarted) await new EventStream(context).Fail(told);
            else await Refuse(context, told);
        }
    }

    private static Task Refuse(HttpContext context, ApiException failure)
    {
        context.Response.StatusCode = failure.Status;
        if (failure.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return context.Response.WriteAsJsonAsync(failure.Body, ApiJson.Written.ErrorBody);
    }
}
