using System.Reflection;
using Beear.Lab.Reports;
using Beear.Runtime;
using Beear.Server.Studio.Pages;
using Beear.Server.Studio.Views;
using Beear.Server.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Beear.Server.Studio;

/// <summary>
/// The studio: pages over a folder's runs and models. A page is made on the server from what the folder holds at that moment; a script
/// makes pages of what is under way again, and streams answers.
/// </summary>
internal sealed class StudioServer : IAsyncDisposable
{
    /// <summary>How long a cleaning is waited for at the end.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly StudioOptions options;
    private readonly StudioFolder folder;
    private readonly CleanJobs jobs;
    private readonly ModelPool pool;
    private readonly StudioAccess access;

    /// <summary>Prepares a studio; it listens once <see cref="App"/> is run.</summary>
    /// <param name="options">What it shows.</param>
    /// <exception cref="BeearException">The folder does not exist, or two models have one name.</exception>
    public StudioServer(StudioOptions options)
    {
        if (!Directory.Exists(options.Folder))
            throw new BeearException($"'{options.Folder}' is no folder; name the one that holds your runs, or make it first.");
        if (options.Models.GroupBy(model => model.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new BeearException($"--model: two models are called '{twice.Key}'; give each a name of its own.");
        this.options = options;
        folder = new StudioFolder(options.Folder);
        jobs = new CleanJobs(options.Program);
        pool = new ModelPool(options.Models, folder, options.Load);
        access = new StudioAccess(Refuse);
        App = Build();
    }

    /// <summary>The application.</summary>
    public WebApplication App { get; }

    /// <summary>What opens the studio: an address with its token.</summary>
    /// <param name="address">Where it listens.</param>
    public string Open(Uri address) => $"{address.GetLeftPart(UriPartial.Authority)}/?token={access.Token}";

    /// <summary>Runs the studio until it is cancelled; a cleaning that it has started is told to stop, and waited for.</summary>
    /// <param name="started">Called with the address that opens it.</param>
    /// <param name="say">Is told what is waited for.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="BeearException">The address cannot be listened on.</exception>
    public async Task Run(Action<string> started, Action<string> say, CancellationToken cancellation)
    {
        try
        {
            await LocalServer.Run(App, address => started(Open(address)), cancellation);
        }
        finally
        {
            await jobs.End(Patience, say);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        jobs.Dispose();
        pool.Dispose();
    }

    private WebApplication Build()
    {
        var app = LocalServer.Build(options.Web, builder => builder.Services.AddRoutingCore(), Refuse);
        app.Use(next => context => Guarded(context, next));
        app.UseRouting();
        app.MapGet(StudioAccess.Health, () => "ok\n");
        app.MapGet("/studio.css", () => Results.Text(Styles.Value, "text/css; charset=utf-8"));
        app.MapGet("/studio.js", () => Results.Text(Script.Value, "text/javascript; charset=utf-8"));
        app.MapGet("/", (HttpContext context) => Page<RunsPage>(context, RunsView.Of(folder, jobs, context.Request.Query)));
        app.MapGet("/folder", (HttpContext context) => Page<FolderPage>(context,
            PlaceView.Of(Named(context), jobs, access.FormToken)));
        app.MapGet("/run", (HttpContext context) => Page<RunPage>(context,
            RunView.Of(Named(context), context.Request.Query["id"], jobs)));
        app.MapGet("/answers", (HttpContext context) => IsNamed(context)
            ? Page<AnswersPage>(context, AnswersView.Of(Named(context), jobs, context.Request.Query))
            : Choose(context, "Answers that changed", "answers"));
        app.MapGet("/plans", (HttpContext context) => IsNamed(context)
            ? Page<PlansPage>(context, PlansView.Of(Named(context), jobs))
            : Choose(context, "Tables and figures", "plans"));
        app.MapGet("/compare", (HttpContext context) => Page<ComparePage>(context,
            new CompareView(pool.All, access.FormToken, context.Request.Query)));
        app.MapPost("/compare", Compare);
        app.MapGet("/clean", (HttpContext context) => Page<CleanPage>(context, Form(CleanView.Read(context.Request.Query))));
        app.MapPost("/clean", Clean);
        app.MapPost("/stop", Stop);
        app.MapFallback((HttpContext context) => Refuse(context, StatusCodes.Status404NotFound, "There is no such page here."));
        return app;
    }

    /// <summary>Headers, access, and what goes wrong as a page.</summary>
    private async Task Guarded(HttpContext context, RequestDelegate next)
    {
        StudioHeaders.Set(context.Response);
        try
        {
            await access.Invoke(context, next);
        }
        catch (NothingThere failure) when (!context.Response.HasStarted)
        {
            await Refuse(context, StatusCodes.Status404NotFound, failure.Message);
        }
        catch (Exception failure) when (!context.Response.HasStarted
            && failure is BeearException or IOException and not BadHttpRequestException or UnauthorizedAccessException)
        {
            await Refuse(context, StatusCodes.Status400BadRequest, failure.Message);
        }
        catch (BadHttpRequestException failure) when (!context.Response.HasStarted)
        {
            await Refuse(context, failure.StatusCode, failure.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The request has more than {ByteSize.Format(LocalServer.LargestBody)}."
                : "The request cannot be read, or came too slowly.");
        }
        catch (InvalidDataException) when (!context.Response.HasStarted)
        {
            await Refuse(context, StatusCodes.Status400BadRequest, "The form has too many or too long fields, or what no text has.");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The reader has left.
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            await Refuse(context, StatusCodes.Status500InternalServerError,
                $"This is a defect of beear; please report it: {VisibleText.Excerpt(failure.ToString(), 600)}");
        }
    }

    private RunsPlace Named(HttpContext context) => folder.Find(context.Request.Query["at"]);

    private static bool IsNamed(HttpContext context) => context.Request.Query.ContainsKey("at");

    private Task Choose(HttpContext context, string title, string here)
    {
        // The only folder needs no choice.
        if (folder.Places is [var only])
        {
            context.Response.Redirect(Link.To($"/{here}", ("at", only.Name)));
            return Task.CompletedTask;
        }
        IReadOnlyList<PlaceSummary> places = [.. folder.Places.Select(place => PlaceSummary.Of(place, jobs))];
        return Page<ChoosePage>(context, places, parameters: new() { ["Title"] = title, ["Here"] = here });
    }

    private async Task Compare(HttpContext context)
    {
        var asked = ComparedRequest.Read(await context.Request.ReadFormAsync(context.RequestAborted), pool);
        using var turn = pool.TryTake();
        if (turn is null)
        {
            await Refuse(context, StatusCodes.Status409Conflict,
                "Another page is being answered; stop that, or wait for its end: two models are in memory at most.");
            return;
        }
        await new ComparedAnswers(asked, pool).Write(context);
    }

    private CleanView Form(CleanRequest request) => new(request, access.FormToken, folder.Root, folder.Models);

    private async Task Clean(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var request = CleanView.Read(form);
        try
        {
            string target = CleanView.Check(request, folder);
            if (form["step"] == "start")
            {
                jobs.Start(request, target);
                folder.Expect(target);
                context.Response.StatusCode = StatusCodes.Status303SeeOther;
                context.Response.Headers.Location = Link.To("/folder", ("at", folder.NameOf(target)));
                return;
            }
            if (jobs.AtWork is { } other)
                throw new BeearException($"A cleaning is at work already, in '{other.Request.Out}'; wait for its end, or stop it.");
            var forecast = await Task.Run(() => options.Forecast(request, context.RequestAborted), context.RequestAborted);
            await Page<CleanPage>(context, Form(request) with
            {
                IsChecked = true,
                Forecast = forecast,
                Continues = CleanSettings.Read(target) is not null,
            });
        }
        catch (BeearException failure)
        {
            await Page<CleanPage>(context, Form(request) with { Problem = failure.Message }, StatusCodes.Status400BadRequest);
        }
    }

    private async Task Stop(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var place = folder.Find(form["at"]);
        var job = place.Clean is { } clean ? jobs.Of(clean) : null;
        if (job is null) throw new BeearException("The studio has not started what is under way there; stop it where it was started.");
        job.Stop();
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = Link.To("/folder", ("at", place.Name));
    }

    private static Task Refuse(HttpContext context, int status, string sentence)
    {
        StudioHeaders.Set(context.Response);
        string title = status switch
        {
            StatusCodes.Status403Forbidden => "Not allowed",
            StatusCodes.Status404NotFound => "Nothing here",
            StatusCodes.Status500InternalServerError => "Something went wrong",
            _ => "This cannot be done",
        };
        // Who has no key sees one sentence and nothing else; a script shows the sentence in its page.
        bool isPlain = status is StatusCodes.Status403Forbidden or StatusCodes.Status421MisdirectedRequest
            || context.Request.Headers.ContainsKey(StudioAccess.FormHeader);
        if (!isPlain) return Page<MessagePage>(context, new MessageView(status, title, sentence), status);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(VisibleText.Of(sentence) + "\n", context.RequestAborted);
    }

    private static async Task Page<T>(HttpContext context, object data, int status = StatusCodes.Status200OK,
        Dictionary<string, object?>? parameters = null) where T : IComponent
    {
        parameters ??= [];
        parameters["Data"] = data;
        await using var renderer = new HtmlRenderer(context.RequestServices, context.RequestServices.GetRequiredService<ILoggerFactory>());
        string html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<T>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        await context.Response.WriteAsync(html, context.RequestAborted);
    }

    private static readonly Lazy<string> Styles = new(() => $"{HtmlReport.Style}\n{Asset("studio.css")}");
    private static readonly Lazy<string> Script = new(() => Asset("studio.js"));

    private static string Asset(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
