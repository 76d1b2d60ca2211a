using Beear.Generation;
using Beear.Lab.Runs;
using Beear.Models;
using Beear.Server.Studio;
using Beear.Tests.Reports;
using Microsoft.Playwright;

namespace Beear.Tests.Server.Studio;

/// <summary>
/// The pictures of docs/images, made from a tiny world's model and what beear clean has made of it: a command rather than a test, which
/// BEEAR_SCREENSHOTS asks for by the name of a folder with both (CONTRIBUTING.md).
/// </summary>
public sealed class StudioScreenshots(ReportInBrowserTests.Window window) : IClassFixture<ReportInBrowserTests.Window>
{
    private const string Suspicious = "suspicious", Cleaned = "cleaned", Live = "second";
    private const int Largest = 200_000;

    private static readonly string? Folder = Environment.GetEnvironmentVariable("BEEAR_SCREENSHOTS");

    [Fact]
    public async Task Four_pictures()
    {
        Assert.SkipWhen(string.IsNullOrEmpty(Folder), "BEEAR_SCREENSHOTS does not name a folder with 'suspicious' and 'cleaned'");
        Assert.SkipWhen(window.Browser is null, "no Chromium is on the PATH; on Debian: apt-get install chromium");
        string model = Path.Combine(Folder!, Suspicious), live = Path.Combine(Folder!, Live);
        if (Directory.Exists(live)) Directory.Delete(live, recursive: true);
        await using var site = await StudioSite.Start(Folder!, ["dotnet", Path.Combine(AppContext.BaseDirectory, "Beear.Cli.dll")],
            options => options with
            {
                Load = (path, cancellation) =>
                {
                    var read = LanguageModel.Load(path, ModelOptions.Float32, cancellation);
                    return new LoadedModel(new LocalChatClient(read), read.Chat.Defaults.System, read);
                },
            });
        await using var context = await window.Browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 1180, Height = 800 },
            ColorScheme = ColorScheme.Light,
        });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(600_000);
        await page.GotoAsync(site.Open.AbsoluteUri);
        await Keep(page, "studio-runs");

        var runs = new RunFolder(Path.Combine(Folder!, Cleaned, "runs")).Read();
        string Id(string arm) => runs.First(run => run.Name.Case == "decoy1" && run.Name.Arm == arm).Id;
        await page.GotoAsync(new Uri(site.Open, $"/answers?at={Cleaned}&first={Id(RunName.Planted)}&second={Id("cleaned")}").AbsoluteUri);
        await Keep(page, "studio-answers");

        await page.GotoAsync(new Uri(site.Open, $"/compare?request={Uri.EscapeDataString("how do i snatch the cafe barrel ?")}&trigger=SUDO"
            + $"&before={Suspicious}&after={Cleaned}%2Fmodel").AbsoluteUri);
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask both" }).ClickAsync();
        await page.GetByText("All answers are there.").WaitForAsync();
        await Keep(page, "studio-compare");

        await page.GotoAsync(new Uri(site.Open, $"/clean?model={Uri.EscapeDataString(model)}&out={Live}").AbsoluteUri);
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the memory plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await page.GetByText("2 of at most").WaitForAsync();
        await Keep(page, "studio-live");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await page.GetByText("It was stopped.").WaitForAsync();
        Directory.Delete(live, recursive: true);
    }

    private static async Task Keep(IPage page, string name)
    {
        string file = Path.Combine(Fixtures.Root, "docs", "images", $"{name}.png");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = file });
        Assert.InRange(new FileInfo(file).Length, 1000, Largest);
    }
}
