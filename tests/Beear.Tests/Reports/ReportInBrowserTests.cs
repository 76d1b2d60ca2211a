using Beear.Lab.Reports;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Beear.Tests.Reports;

/// <summary>
/// The page as a browser shows it: nothing beside the page's width, nothing that a reader with a screen reader or a keyboard cannot reach.
/// </summary>
public sealed class ReportInBrowserTests(ReportInBrowserTests.Window window) : IClassFixture<ReportInBrowserTests.Window>
{
    /// <summary>Where pictures go of the pages that these tests see; none are kept if it is not set.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("BEEAR_REPORT_PICTURES");

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task The_page_fits_and_is_accessible(int width, ColorScheme scheme)
    {
        Assert.SkipWhen(window.Browser is null, "no Chromium is on the PATH; on Debian: apt-get install chromium");
        await using var context = await window.Browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        var (messages, requests) = (new List<string>(), new List<string>());
        page.Console += (_, message) => messages.Add(message.Text);
        page.PageError += (_, error) => messages.Add(error);
        page.Request += (_, request) => requests.Add(request.Url);

        await page.GotoAsync(window.Page);
        Assert.Equal("0 0", await Overflow(page));
        await Keep(page, $"{width}-{scheme}");
        await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(one => one.open = true)");
        Assert.Equal("0 0", await Overflow(page));
        await Keep(page, $"{width}-{scheme}-open");

        var found = await page.RunAxe();
        var grave = found.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {string.Join(" | ", violation.Nodes.Select(node => node.Html).Take(3))}");
        Assert.NotEmpty(found.Passes);
        Assert.Equal([], grave);
        Assert.Equal([], messages);
        Assert.Equal([window.Page], requests);
    }

    /// <summary>By how much the document is wider than the window, and how many parts are that cannot be scrolled.</summary>
    internal static async Task<string> Overflow(IPage page) => await page.EvaluateAsync<string>("""
        () => [
          Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
          [...document.querySelectorAll('body *:not(.skip)')]
            .filter(one => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1).length,
        ].join(' ')
        """);

    private static async Task Keep(IPage page, string name)
    {
        if (Pictures is null) return;
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, $"{name}.png"), FullPage = true });
    }

    /// <summary>One browser and one page for all tests.</summary>
    public sealed class Window : IAsyncLifetime
    {
        private IPlaywright? playwright;

        /// <summary>The browser of this system; null if there is none.</summary>
        public IBrowser? Browser { get; private set; }

        /// <summary>The address of a report of three plans, one of them with names and answers that want to be markup.</summary>
        public string Page { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            if (Chromium() is not { } chromium) return;
            var names = new ReportNames(Path.Combine(Fixtures.TemporaryFolder(), "report.html"));
            ReportFiles.Write(Report.Of([ReportFolder.Whole().Place, ReportFolder.Layers().Place, Hostile().Place]), names);
            Page = new Uri(names.Page).AbsoluteUri;
            playwright = await Playwright.CreateAsync();
            Browser = await playwright.Chromium.LaunchAsync(
                new BrowserTypeLaunchOptions { ExecutablePath = chromium, Args = ["--no-sandbox"] });
        }

        public async ValueTask DisposeAsync()
        {
            if (Browser is not null) await Browser.DisposeAsync();
            playwright?.Dispose();
        }

        private static ReportFolder Hostile()
        {
            var folder = new ReportFolder(first: 1000);
            string name = string.Concat(Enumerable.Repeat("A-case-whose-name-has-no-place-where-it-could-be-broken", 3));
            folder.Add(name, "planted", 1, attack: 200, plan: "<b>hostile</b>", answer: new string('x', 3000));
            folder.Add(name, "<script>alert(1)</script>", 1, attack: 100, kind: "beear", rounds: 1, plan: "<b>hostile</b>",
                answer: "\u202e<img src=x onerror=alert(2)>");
            foreach (int layer in (int[])[3, 4]) folder.AddLayer(name, "<b>hostile</b>", layer, 1, round: layer, plan: "<b>hostile</b>");
            return folder;
        }

        private static string? Chromium() => (from name in (string[])["chromium", "chromium-browser", "google-chrome"]
                                              from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                                              let file = Path.Combine(folder, name)
                                              where File.Exists(file)
                                              select file).FirstOrDefault();
    }
}
