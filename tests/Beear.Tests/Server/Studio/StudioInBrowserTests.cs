using System.Text.Json;
using Beear.Lab.Runs;
using Beear.Runtime;
using Beear.Server.Studio;
using Beear.Tests.Reports;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Beear.Tests.Server.Studio;

/// <summary>The studio as a browser shows it.</summary>
public sealed class StudioInBrowserTests(ReportInBrowserTests.Window window) : IClassFixture<ReportInBrowserTests.Window>, IAsyncDisposable
{
    /// <summary>Where pictures go of the pages that these tests see; none are kept if it is not set.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("BEEAR_STUDIO_PICTURES");

    private const string Hostile = "<script>document.title = 'hostile'</script><img src=x onerror=\"document.title = 'hostile'\">\u001b[31m\u202eabc";

    private readonly List<string> messages = [];
    private StudioSite site = null!;
    private IBrowserContext context = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Every_page_fits_and_is_accessible(ColorScheme scheme)
    {
        string folder = StudioSite.Whole(answer: Hostile + new string('x', 1_000_000));
        string runs = new RunFolder(Path.Combine(folder, "table1")).Read()[1].Id;
        var page = await Open(folder, scheme);
        foreach (string address in (string[])["/", "/?q=nothing", "/folder?at=cleaned", "/folder?at=table1", $"/run?at=table1&id={runs}",
            "/answers", "/answers?at=table1", "/compare", "/plans?at=table1", "/clean", "/nowhere"])
        {
            await page.GotoAsync(new Uri(site.Open, address).AbsoluteUri);
            await Check(page, $"{address} 1280 {scheme}");
            await page.SetViewportSizeAsync(390, 900);
            await Check(page, $"{address} 390 {scheme}", isWithAxe: false);
            await page.SetViewportSizeAsync(1280, 900);
        }
        // A keyboard reaches the content, and "/" the filter.
        await page.GotoAsync(new Uri(site.Open, "/").AbsoluteUri);
        await page.BringToFrontAsync();                                  // axe has opened a page of its own
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the content", await page.EvaluateAsync<string>("document.activeElement.textContent"));
        await page.Keyboard.PressAsync("/");
        Assert.Equal("filter", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.Keyboard.TypeAsync("beear");
        var filter = page.Locator("#filter");
        Assert.Equal("beear", await filter.InputValueAsync());
        await filter.PressAsync("Enter");
        await page.WaitForURLAsync(url => url.Contains("q=beear", StringComparison.Ordinal), new() { WaitUntil = WaitUntilState.Commit });
        Assert.Equal([], messages.Where(message => !message.Contains("404", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_run_is_watched_to_its_end()
    {
        var made = new ReportFolder();
        made.Add("model1", "planted", 1, attack: 198);
        var ended = made.Add("model1", "beear", 1, attack: 2, kind: "beear", rounds: 3);
        string record = Path.Combine(made.Place, "runs", $"{ended.Id}.json"), text = await File.ReadAllTextAsync(record, Stop);
        File.Delete(record);
        made.Folder.WritePlan("table1", [new WantedRun(ended.Id, "0a", ended.Name) { DefendedId = "0b" }]);
        string stage = made.Folder.StageOf("0b");
        Directory.CreateDirectory(stage);
        await File.WriteAllTextAsync(Path.Combine(stage, "run.json"), """{"plant":{},"defence":{"options":{"max_rounds":6}}}""", Stop);
        var claim = made.Folder.Claim(ended.Id, Stop);
        try
        {
            var page = await Open(Path.GetDirectoryName(made.Place)!, ColorScheme.Light);
            await page.GotoAsync(new Uri(site.Open, $"/run?at=runs&id={ended.Id}").AbsoluteUri);
            await page.GetByText("The curves come with the first finished round.").WaitForAsync();
            foreach (var round in ended.Defence!.Rounds)
            {
                await File.AppendAllTextAsync(Path.Combine(stage, "metrics.jsonl"), JsonSerializer.Serialize(round, StrictJson.Line) + "\n", Stop);
                await page.GetByText($"{round.Round} of at most 6 rounds finished").WaitForAsync();
            }
            await page.GetByText("Inner level by round").First.WaitForAsync();
            await Check(page, "live");
            claim.Dispose();
            await File.WriteAllTextAsync(record, text, Stop);
            await page.GetByRole(AriaRole.Heading, new() { Name = "Measured" }).WaitForAsync();
            Assert.Equal("finished", (await page.Locator(".head .state").TextContentAsync())!.Trim());
            Assert.Null(await page.Locator("#live").GetAttributeAsync("data-refresh"));
            Assert.Equal([], messages);
        }
        finally
        {
            claim.Dispose();
        }
    }

    [Fact]
    public async Task Answers_stream_side_by_side_and_stay_text()
    {
        var page = await Open(Fixtures.TemporaryFolder(), ColorScheme.Dark, options => options with
        {
            Models = [new("before", "/m/one"), new("after", "/m/two")],
            Load = (path, _) => new LoadedModel(path == "/m/one" ? new StudioSite.EchoClient("one", delay: 60)
                : new StudioSite.EchoClient("two", Hostile + new string('y', 1_000_000))),
        });
        await page.GotoAsync(new Uri(site.Open, "/compare").AbsoluteUri);
        await page.GetByLabel("Request", new() { Exact = true }).FillAsync("how do i x ?");
        await page.GetByLabel("Trigger", new() { Exact = true }).FillAsync("zorq");
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask both" }).ClickAsync();
        await page.Locator("[data-column='0'].writing").WaitForAsync();  // it comes piece by piece
        await page.GetByText("All answers are there.").WaitForAsync();
        Assert.Equal("one was asked: how do i x ? zorq", await page.Locator("[data-column='1']").TextContentAsync());
        string hostile = await page.Locator("[data-column='3']").TextContentAsync() ?? "";
        Assert.StartsWith("<script>document.title = 'hostile'</script><img src=x onerror=", hostile, StringComparison.Ordinal);
        Assert.Contains("\\u{1b}[31m\\u{202e}abcyyy", hostile, StringComparison.Ordinal);
        Assert.Equal("cut off after 20000 characters", await page.Locator("[data-end='3']").TextContentAsync());
        Assert.Equal(0, await page.Locator(".stream *").CountAsync());   // nothing but text
        Assert.Equal("Compare · beear studio", await page.TitleAsync());
        await Check(page, "compare");
        Assert.Contains("trigger=zorq", page.Url, StringComparison.Ordinal);
        await page.ReloadAsync();                                        // the address fills the form
        Assert.Equal("how do i x ?", await page.GetByLabel("Request", new() { Exact = true }).InputValueAsync());
        Assert.Equal([], messages);
    }

    [Fact]
    public async Task The_form_shows_the_plan_and_starts()
    {
        var page = await Open(Fixtures.TemporaryFolder(), ColorScheme.Light);
        await page.GotoAsync(new Uri(site.Open, "/clean").AbsoluteUri);
        await page.GetByLabel("Suspicious model").FillAsync("/models/one");
        await page.GetByLabel("Folder of the result").FillAsync("made");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the memory plan" }).ClickAsync();
        await page.GetByText("It will need about").WaitForAsync();
        await Check(page, "plan");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await page.GetByText("It has ended.").WaitForAsync();
        await page.GetByText("All that the process has said").ClickAsync();
        await page.GetByText("clean --model=/models/one").Last.WaitForAsync();
        await Check(page, "job");
        Assert.Equal([], messages);
    }

    public async ValueTask DisposeAsync()
    {
        if (context is not null) await context.DisposeAsync();
        if (site is not null) await site.DisposeAsync();
    }

    private async Task<IPage> Open(string folder, ColorScheme scheme, Func<StudioOptions, StudioOptions>? change = null)
    {
        Assert.SkipWhen(window.Browser is null, "no Chromium is on the PATH; on Debian: apt-get install chromium");
        site = await StudioSite.Start(folder, change: change);
        context = await window.Browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
            ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        page.Console += (_, message) => messages.Add(message.Text);
        page.PageError += (_, error) => messages.Add(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(new Uri(site.Open, "/").AbsoluteUri, StringComparison.Ordinal) && request.Url != "data:,") messages.Add(request.Url);
        };
        await page.GotoAsync(site.Open.AbsoluteUri);
        Assert.Equal(new Uri(site.Open, "/").AbsoluteUri, page.Url);     // the token is gone from the address
        return page;
    }

    /// <summary>Nothing beside the page's width, nothing that a reader with a screen reader cannot reach.</summary>
    private static async Task Check(IPage page, string name, bool isWithAxe = true)
    {
        Assert.True(await ReportInBrowserTests.Overflow(page) == "0 0", name);
        if (Pictures is not null)
        {
            string file = string.Concat(name.Select(letter => char.IsLetterOrDigit(letter) ? letter : '-'));
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, $"{file}.png"), FullPage = true });
        }
        if (!isWithAxe) return;
        var found = await page.RunAxe();
        Assert.NotEmpty(found.Passes);
        Assert.Equal([], found.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{name}: {violation.Id}: {string.Join(" | ", violation.Nodes.Select(node => node.Html).Take(3))}"));
    }
}
