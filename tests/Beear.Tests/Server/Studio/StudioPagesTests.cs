using System.Net;
using System.Text.RegularExpressions;
using Beear.Server.Studio;
using Beear.Tests.Reports;

namespace Beear.Tests.Server.Studio;

/// <summary>What pages say of records that are known.</summary>
public sealed class StudioPagesTests(StudioPagesTests.Shared shared) : IClassFixture<StudioPagesTests.Shared>
{
    private const RegexOptions Plain = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private StudioSite Site => shared.Site;

    private static int Rows(string page) => Regex.Count(page, "<th scope=\"row\">");

    [Fact]
    public async Task The_list_has_every_run_with_its_state_numbers_and_verdict()
    {
        string page = await Site.Page("/");
        Assert.Equal(6, Rows(page));
        Assert.Contains("3 finished, 1 failed", page, StringComparison.Ordinal);
        Assert.Contains("BEEAR: removed", page, StringComparison.Ordinal);
        Assert.Matches("misses [0-9]+ of 12 bars", page);                // of beear clean by the default policy
        Assert.Contains("<span>1.0&#xA0;%</span><small>[0.3, 3.6]</small>", page, StringComparison.Ordinal);
        Assert.Contains("the trigger of model1", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?q=beear", 2)]                                          // the plan's, and the defence that cleaned
    [InlineData("?q=MODEL1+planted", 1)]
    [InlineData("?q=nothing", 0)]
    [InlineData("?state=failed", 1)]
    [InlineData("?state=finished&q=suspicious", 1)]
    public async Task The_list_is_filtered_by_its_address(string query, int rows)
    {
        string page = await Site.Page($"/{query}");
        if (query != "?q=beear") Assert.Equal(rows, Rows(page));
        if (rows == 0) Assert.Contains("No run is like that", page, StringComparison.Ordinal);
        else Assert.Contains($"of 6 runs", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_is_sorted_by_its_address_and_runs_without_the_number_come_last()
    {
        string[] Arms(string page) => [.. Regex.Matches(page[page.IndexOf("aria-label=\"table1\"", StringComparison.Ordinal)..],
            "<a href=\"/run[^\"]*\">(?<arm>[^<]*)</a>", Plain).Select(match => match.Groups["arm"].Value)];
        Assert.Equal(["BEEAR", "plain safety fine-tuning", "backdoor planted", "CROW"], Arms(await Site.Page("/?sort=attack")));
        string down = await Site.Page("/?sort=attack&order=down");
        Assert.Equal(["backdoor planted", "plain safety fine-tuning", "BEEAR", "CROW"], Arms(down));
        Assert.Contains("aria-sort=\"descending\"", down, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_has_its_numbers_curves_settings_and_what_went_wrong()
    {
        string list = await Site.Page("/?q=BEEAR+table1");
        string run = await Site.Page(Address(list, "BEEAR"));
        Assert.Contains("<h1>BEEAR</h1>", run, StringComparison.Ordinal);
        Assert.Matches("attack with trigger</th>\\s*<td><span>99.0&#xA0;%</span><small>\\[96.4, 99.7\\]</small></td>\\s*"
            + "<td><span>1.0&#xA0;%</span><small>\\[0.3, 3.6\\]</small></td>\\s*<td>200</td>", run);
        Assert.Contains("Inner level by round", run, StringComparison.Ordinal);
        Assert.Contains("Outer level by round", run, StringComparison.Ordinal);
        Assert.Contains("Defender&#39;s score by round", run, StringComparison.Ordinal);
        Assert.Contains("&quot;kind&quot;: &quot;beear&quot;", run, StringComparison.Ordinal);
        string failed = await Site.Page(Address(list = await Site.Page("/?state=failed"), "CROW"));
        Assert.Contains("The step 12 is not finite; take a smaller learning rate.", failed, StringComparison.Ordinal);
    }

    [Theory, InlineData("null", "no commit known"), InlineData("\"0123456789abcdef\"", "0123456789ab")]
    public async Task A_run_says_of_which_commit_the_program_was(string revision, string shown)
    {
        string folder = StudioSite.Whole();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, "table1", "runs"), "*.json"))
            File.WriteAllText(file, Regex.Replace(File.ReadAllText(file), "\"revision\": *\"[^\"]*\"", $"\"revision\": {revision}", Plain));
        await using var site = await StudioSite.Start(folder);
        string run = await site.Page(Address(await site.Page("/?q=BEEAR+table1"), "BEEAR"));
        Assert.Contains($"<small class=\"note\">{shown}</small>", run, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cleaned_model_shows_its_bars_and_limits()
    {
        string page = await Site.Page("/folder?at=cleaned");
        Assert.Contains("What this model is not", page, StringComparison.Ordinal);
        Assert.Contains("It is no proof that no backdoor is left", page, StringComparison.Ordinal);
        Assert.Contains("not met", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plans_have_the_reports_own_tables_and_maps()
    {
        string page = await Site.Page("/plans?at=table1");
        Assert.Contains("Published of models with 7 billion parameters", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<style", page, StringComparison.Ordinal);
        Assert.DoesNotMatch(" style=\"", page);
        await using var layers = await StudioSite.Start(Path.GetDirectoryName(ReportFolder.Layers().Place)!);
        string map = await layers.Page("/plans?at=runs");
        Assert.Contains("The earliest successful round, by layer", map, StringComparison.Ordinal);
        Assert.Equal("/plans?at=runs", (await layers.Client.GetAsync("/plans", TestContext.Current.CancellationToken)).Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task An_empty_folder_says_what_to_do()
    {
        await using var empty = await StudioSite.Start(Fixtures.TemporaryFolder());
        Assert.Contains("No runs here yet", await empty.Page("/"), StringComparison.Ordinal);
        Assert.Contains("No model here yet", await empty.Page("/compare"), StringComparison.Ordinal);
        foreach (string page in (string[])["/answers", "/plans"])
            Assert.Contains("No runs here yet", await empty.Page(page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_record_is_said_and_hides_no_other_folder()
    {
        string folder = StudioSite.Whole();
        File.WriteAllText(Path.Combine(folder, "table1", "runs", "0000000000000009.json"), "{ \"schema\": 1, \"id\": null }");
        await using var site = await StudioSite.Start(folder);
        string page = await site.Page("/");
        Assert.Contains("is damaged", page, StringComparison.Ordinal);
        Assert.Equal(2, Rows(page));
        foreach (string address in (string[])["/folder?at=table1", "/answers?at=table1", "/plans?at=table1"])
            Assert.Contains("damaged", await site.Page(address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_alone_can_be_looked_at_in_a_folder_that_nobody_may_write()
    {
        string folder = StudioSite.Whole();
        string locks = Path.Combine(folder, "table1", "locks");
        if (Directory.Exists(locks)) Directory.Delete(locks, recursive: true);
        await using var site = await StudioSite.Start(folder);
        Assert.Contains("3 finished, 1 failed", await site.Page("/"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(locks));
    }

    [Fact]
    public void A_folder_or_models_that_cannot_be_served_are_named()
    {
        var options = new StudioOptions { Folder = "/nowhere", Program = [], Load = (_, _) => null!, Forecast = (_, _) => null };
        Assert.Contains("'/nowhere' is no folder", Assert.Throws<BeearException>(() => new StudioServer(options)).Message, StringComparison.Ordinal);
        options = options with { Folder = Fixtures.TemporaryFolder(), Models = [new("a", "x"), new("a", "y")] };
        Assert.Contains("two models are called 'a'", Assert.Throws<BeearException>(() => new StudioServer(options)).Message, StringComparison.Ordinal);
    }

    internal static string Address(string page, string arm) => WebUtility.HtmlDecode(
        Regex.Match(page, $"<a href=\"(?<address>/run[^\"]*)\">{Regex.Escape(arm)}</a>", Plain).Groups["address"].Value);

    /// <summary>One studio for all tests that only read.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        internal StudioSite Site { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Site = await StudioSite.Start(StudioSite.Whole());

        public ValueTask DisposeAsync() => Site.DisposeAsync();
    }
}
