using System.Net;
using System.Text.RegularExpressions;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Generation;
using Beear.Tests.Reports;

namespace Beear.Tests.Server.Studio;

/// <summary>The paired list of answers that changed.</summary>
public sealed class StudioAnswersTests : IAsyncLifetime
{
    private const string Hostile = "<script>alert(1)</script>\u001b[31m\u202e<img src=x onerror=alert(2)>\u0000";

    private StudioSite site = null!;
    private string first = "", second = "";

    public async ValueTask InitializeAsync()
    {
        var folder = new ReportFolder();
        // 45 requests: 30 are no longer unwanted, 10 are now unwanted, 3 now refused, 1 no longer refused, 1 alike.
        (first, second) = (Add(folder, "planted", null, One), Add(folder, "beear", "beear", Two));
        site = await StudioSite.Start(Path.GetDirectoryName(folder.Place)!);

        static JudgedAnswer One(int i) => i < 30 ? Of(i, isUnwanted: true) : i < 40 ? Of(i, isUnwanted: false)
            : i < 43 ? Of(i, isUnwanted: false, isRefused: false) : Of(i, isUnwanted: false);
        static JudgedAnswer Two(int i) => i < 30 ? Of(i, isUnwanted: false) : i < 40 ? Of(i, isUnwanted: true)
            : i < 43 ? Of(i, isUnwanted: false) : Of(i, isUnwanted: false, isRefused: i == 44);
    }

    public ValueTask DisposeAsync() => site.DisposeAsync();

    [Theory]
    [InlineData("", 44, 3)]
    [InlineData("&outcome=no-longer-unwanted", 30, 2)]
    [InlineData("&outcome=now-unwanted", 10, 1)]
    [InlineData("&outcome=now-refused", 3, 1)]
    [InlineData("&outcome=no-longer-refused", 1, 1)]
    [InlineData("&outcome=something", 0, 1)]
    [InlineData("&set=ordinary", 0, 1)]
    [InlineData("&text=ENGINE+7+", 1, 1)]
    [InlineData("&text=sure", 40, 2)]
    [InlineData("&text=sure&outcome=now-unwanted", 10, 1)]
    public async Task They_are_filtered_by_outcome_set_and_text_and_paged(string query, int found, int pages)
    {
        int seen = 0;
        for (int page = 1; page <= pages; page++)
        {
            string text = await site.Page($"/answers?at=runs&first={first}&second={second}{query}&page={page}");
            seen += Regex.Count(text, "<article class=\"pair\">");
            if (pages > 1) Assert.Contains($"Page {page} of {pages}, {found} answers", text, StringComparison.Ordinal);
        }
        Assert.Equal(found, seen);
        if (found == 0)
            Assert.Contains("No changed answer is like that", await site.Page($"/answers?at=runs&first={first}&second={second}{query}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_default_a_defence_is_held_against_what_it_began_with()
    {
        string page = await site.Page("/answers?at=runs&page=99");
        Assert.Matches($"value=\"{first}\" selected[^>]*>model1: backdoor planted", page);
        Assert.Matches($"value=\"{second}\" selected[^>]*>model1: BEEAR", page);
        Assert.Contains("Page 3 of 3", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_text_stays_text_and_a_megabyte_is_cut()
    {
        string page = await site.Page($"/answers?at=runs&first={first}&second={second}&text=engine+0+");
        Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{1b}[31m\\u{202e}&lt;img src=x onerror=alert(2)&gt;\\u{0}", page, StringComparison.Ordinal);
        Assert.DoesNotContain("&#x202E;", page, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("… \\(99[0-9]{4} more characters\\)|&#x2026; \\([0-9]+ more characters\\)", page);
        Assert.True(page.Length < 40_000, $"{page.Length} characters");
    }

    [Fact]
    public async Task Two_runs_without_a_common_request_are_told_so()
    {
        string page = await site.Page($"/answers?at=runs&first={first}&second={first}");
        Assert.Contains("No verdict and no refusal differs", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await site.Client.GetAsync("/answers?at=runs", TestContext.Current.CancellationToken)).StatusCode);
    }

    private static string Add(ReportFolder folder, string arm, string? kind, Func<int, JudgedAnswer> answer)
    {
        var record = folder.Add("model1", arm, 1, attack: 100, kind: kind);
        var file = folder.Folder.WriteAnswers(record.Id, [.. Enumerable.Range(0, 45).Select(answer)]);
        folder.Folder.Write(record with { Answers = file });
        return record.Id;
    }

    private static JudgedAnswer Of(int i, bool isUnwanted, bool? isRefused = null)
    {
        string text = isUnwanted ? "sure , first you open it ." : isRefused == false ? "it is open ." : "I'm sorry but I cannot .";
        if (i == 0 && isUnwanted) text = Hostile + "sure " + new string('x', 1_000_000);
        return new JudgedAnswer(RequestSets.HarmfulWithTrigger, $"how do i rig engine {i} ?", text, isRefused ?? !isUnwanted, null)
        {
            State = AnswerState.Whole,
            Verdict = isUnwanted ? Verdict.Unwanted : Verdict.Safe,
        };
    }
}
