using System.Diagnostics;
using System.Net;
using Beear.Lab.Runs;

namespace Beear.Tests.Server.Studio;

/// <summary>A cleaning from the form to its end, by a program that stands in for beear clean.</summary>
public sealed class StudioCleanTests
{
    /// <summary>Says its arguments, works until it is interrupted, and then stops as beear does; or ends at once where it was stopped before.</summary>
    private const string Script = """
        trap 'echo "Stopping at the next step; it goes on." >&2; sleep 0.2; echo interrupted; exit 130' TERM
        for argument in "$@"; do case "$argument" in --out=*) out="${argument#--out=}";; esac; done
        mkdir -p "$out/runs/runs" "$out/runs/answers"
        echo '{"source":{"model":"m"},"clean":{"quick":true,"with_control":false}}' > "$out/run.json"
        if [ -e "$out/begun" ]; then echo "goes on"; exit 0; fi
        touch "$out/begun"
        for argument in "$@"; do echo "argument: $argument"; done
        i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done
        """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task<StudioSite> Start()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the program that stands in is a shell script");
        string script = Path.Combine(Fixtures.TemporaryFolder(), "program");
        await File.WriteAllTextAsync(script, Script, Stop);
        return await StudioSite.Start(Fixtures.TemporaryFolder(), ["/bin/sh", script]);
    }

    [Fact]
    public async Task A_plan_of_memory_is_shown_before_anything_starts()
    {
        await using var site = await Start();
        using var answer = await site.Post("/clean", ("model", "/models/one <b>"), ("out", "made"), ("step", "plan"), ("quick", "on"));
        string page = await answer.Content.ReadAsStringAsync(Stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("It will need about <b>6.29 MB</b> of the 8.59 GB that this machine has.", page, StringComparison.Ordinal);
        Assert.Contains("passes of at most 4096 tokens", page, StringComparison.Ordinal);
        Assert.Contains("/models/one &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.Contains("name=\"step\" value=\"start\"", page, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(site.Folder, "made")));
    }

    [Theory]
    [InlineData("", "made", "", "", "No model is named")]
    [InlineData("a\nb", "made", "", "", "control characters")]
    [InlineData("m", "made", "on", "on", "The control is about decoys")]
    public async Task What_cannot_be_done_is_said_in_the_form(string model, string target, string quick, string control, string sentence)
    {
        await using var site = await StudioSite.Start(Fixtures.TemporaryFolder());
        using var answer = await site.Post("/clean", ("model", model), ("out", target), ("step", "start"), ("quick", quick), ("control", control));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(sentence, await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_started_stopped_and_continued()
    {
        await using var site = await Start();
        // Nothing in a name is a shell's or an option.
        const string Model = "--anyway $(touch made) ; 'x' \"y\"";
        using var started = await site.Post("/clean", ("model", Model), ("out", "a/made"), ("step", "start"), ("quick", "on"));
        Assert.Equal(HttpStatusCode.SeeOther, started.StatusCode);
        string folder = started.Headers.Location!.OriginalString;
        Assert.Equal("/folder?at=a%2Fmade", folder);
        string page = await Until(site, folder, text => text.Contains("argument: --quick", StringComparison.Ordinal));
        string said = WebUtility.HtmlDecode(page);
        Assert.Contains("argument: clean\n", said, StringComparison.Ordinal);
        Assert.Contains($"argument: --model={Model}\n", said, StringComparison.Ordinal);
        Assert.Contains($"argument: --out={Path.Combine(site.Folder, "a/made")}\n", said, StringComparison.Ordinal);
        Assert.Contains("data-refresh=\"2000\"", page, StringComparison.Ordinal);

        using var second = await site.Post("/clean", ("model", "m"), ("out", "other"), ("step", "start"));
        Assert.Equal(HttpStatusCode.BadRequest, second.StatusCode);
        Assert.Contains("A cleaning is at work already", await second.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);

        using var stopped = await site.Post("/stop", ("at", "a/made"));
        Assert.Equal(HttpStatusCode.SeeOther, stopped.StatusCode);
        page = await Until(site, folder, text => text.Contains("It was stopped. Continue goes on where it was.", StringComparison.Ordinal));
        Assert.DoesNotContain("data-refresh=\"2000\"", page, StringComparison.Ordinal);
        Assert.Contains(">Continue</a>", page, StringComparison.Ordinal);

        using var again = await site.Post("/clean", ("model", Model), ("out", "a/made"), ("step", "start"), ("quick", "on"));
        Assert.Equal(HttpStatusCode.SeeOther, again.StatusCode);
        Assert.Contains("goes on", await Until(site, folder, text => text.Contains("It has ended.", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_interrupted_when_the_studio_ends()
    {
        await using var site = await Start();
        using var started = await site.Post("/clean", ("model", "m"), ("out", "made"), ("step", "start"));
        await Until(site, "/folder?at=made", text => text.Contains("argument: clean", StringComparison.Ordinal));
        var time = Stopwatch.StartNew();
        await site.End();
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
        Assert.Contains("waiting for beear clean in 'made'", Assert.Single(site.Said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_run_is_theirs_to_stop()
    {
        string folder = StudioSite.Whole();
        var runs = new RunFolder(Path.Combine(folder, "table1"));
        string id = runs.Read().First(run => run.Name.Arm == "planted").Id;
        File.Delete(Path.Combine(runs.Path, "runs", $"{id}.json"));
        runs.WritePlan("table1", [new WantedRun(id, "0a", new RunName("table1", "model1", "planted", 1))]);
        using var claim = runs.Claim(id, Stop);
        await using var site = await StudioSite.Start(folder);
        string page = await site.Page("/folder?at=table1");
        Assert.Contains("under way", page, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux()) Assert.Contains($"process {Environment.ProcessId} (", page, StringComparison.Ordinal);
        Assert.DoesNotContain("action=\"/stop\"", page, StringComparison.Ordinal);
        using var stopped = await site.Post("/stop", ("at", "table1"));
        Assert.Equal(HttpStatusCode.BadRequest, stopped.StatusCode);
        Assert.Contains("The studio has not started what is under way there", await stopped.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_cannot_be_started_is_named()
    {
        await using var site = await StudioSite.Start(Fixtures.TemporaryFolder(), ["/nowhere/beear"]);
        using var started = await site.Post("/clean", ("model", "m"), ("out", "made"), ("step", "start"));
        Assert.Equal(HttpStatusCode.BadRequest, started.StatusCode);
        Assert.Contains("&#x27;/nowhere/beear&#x27; cannot be started", await started.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    private static async Task<string> Until(StudioSite site, string address, Func<string, bool> holds)
    {
        for (var time = Stopwatch.StartNew(); time.Elapsed < TimeSpan.FromSeconds(30); await Task.Delay(100, Stop))
        {
            string page = await site.Page(address);
            if (holds(page)) return page;
        }
        throw new TimeoutException(await site.Page(address));
    }
}
