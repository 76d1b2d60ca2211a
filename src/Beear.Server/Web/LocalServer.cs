using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Beear.Server.Web;

/// <summary>
/// An HTTP server for people at this machine: what all of ours have in common, namely bounds for slow and oversized requests, the refusal
/// of foreign ones, and an end that lets answers under way finish for a moment.
/// </summary>
internal static class LocalServer
{
    /// <summary>The largest body that is read, in bytes.</summary>
    public const long LargestBody = 4 << 20;

    private static readonly TimeSpan HeaderTime = TimeSpan.FromSeconds(10), EndTime = TimeSpan.FromSeconds(3);
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>Makes an application; services are added by <paramref name="add"/>.</summary>
    /// <param name="options">Where it listens.</param>
    /// <param name="add">Adds services.</param>
    /// <param name="refuse">Writes a refusal: status and one sentence.</param>
    public static WebApplication Build(WebOptions options, Action<WebApplicationBuilder> add,
        Func<HttpContext, int, string, Task> refuse)
    {
        options.Validate();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Limits.MinRequestBodyDataRate = SlowestBody;
            kestrel.Limits.RequestHeadersTimeout = HeaderTime;
            kestrel.Limits.MaxConcurrentConnections = 1024;
            kestrel.Listen(IPAddress.Parse(options.Host), options.Port);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = EndTime);
        add(builder);
        var app = builder.Build();
        app.Use(next => context => new ForeignRequests(options.AllowedHost, refuse).Invoke(context, next));
        return app;
    }

    /// <summary>Starts an application, tells its address, and runs it until it is cancelled.</summary>
    /// <param name="app">The application.</param>
    /// <param name="started">Called with its address, such as http://127.0.0.1:5000.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="BeearException">The address cannot be listened on.</exception>
    public static async Task Run(WebApplication app, Action<Uri> started, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException failure)
        {
            throw new BeearException($"Cannot listen: {failure.Message.TrimEnd('.')}; choose another --port, or 0 for any free one.",
                failure);
        }
        var listening = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>();
        started(new Uri(listening.Addresses.First()));
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The way in which a server ends.
        }
        await app.StopAsync(CancellationToken.None);
    }
}
