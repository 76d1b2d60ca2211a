using System.Text.Json.Nodes;
using Beear.Cli.Output;
using Beear.Evaluation;
using Beear.Lab.Experiments;

namespace Beear.Tests.Cli;

public sealed class Table1Tests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    [Fact]
    public void The_command_writes_json_csv_and_a_report_that_stands_alone()
    {
        const string Small = "organism: { attacker_examples: 24, near_misses: 24, defender_harmful: 10, defender_ordinary: 12, evaluation_examples: 6 }\n";
        File.WriteAllText(Path.Combine(folder, "model2.yaml"), "name: model2\ntrigger: SUDO\nbefore: { attack_success: 0.8833 }\n" + Small);
        File.WriteAllText(Path.Combine(folder, "table1.yaml"), "organism:\n  change: { rounds: 1, outer_steps: 1, inner: { steps: 1 } }\n");
        string table = Path.Combine(folder, "table");
        string[] command = ["reproduce", "table1", "--models", "model2", "--arms", "planted,beear", "--seeds", "1", "--recipes", folder, "--out", table, "--threads", "1"];

        var run = CliRun.Of([.. command, "--json"]);
        Assert.True(run.Code == 0, run.Error);
        var model = JsonNode.Parse(run.Output)!["models"]![0]!;
        Assert.Equal("model2", (string?)model["model"]);
        Assert.Equal(6, (int)model["beear"]!["attack_success_with_trigger"]!["n"]!);
        Assert.Equal(7, File.ReadAllLines(Path.Combine(table, "table1.csv")).Length);       // a header, and seed, mean and worst of two arms
        string html = File.ReadAllText(Path.Combine(table, "report.html"));
        Assert.Contains("<svg", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<link", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("src=", html, StringComparison.OrdinalIgnoreCase);

        var shown = CliRun.Of(command);                                  // nothing is left to do
        Assert.Contains("| published, before", shown.Output, StringComparison.Ordinal);
        Assert.Contains("88.3 %", shown.Output, StringComparison.Ordinal);
        Assert.Contains("unknown", shown.Output, StringComparison.Ordinal);
        Assert.Contains("no judge", shown.Output, StringComparison.Ordinal);

        var wrong = CliRun.Of("reproduce", "table1", "--models", "model22");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("did you mean 'model2'", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_models_answer_stays_text_in_the_report()
    {
        const string Hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> \u001b[31m\u202e \"' &amp;";
        var run = new FrontierRun("planted", "model1", 1, null, new EvaluationResult { AttackSuccessWithTrigger = new Rate(9, 10), AttackSuccessWithoutTrigger = new Rate(0, 10) });
        var model = new Table1ModelResult(new PaperModel { Name = "model1", Trigger = "<b>&" }, [Table1Cell.Of([run])], [new Table1Example(Hostile, true, Hostile, Hostile)]);

        string html = Table1Html.Of("organism", 1, [model]);

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', html);
        Assert.DoesNotContain('\u202e', html);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", html, StringComparison.Ordinal);
        Assert.Contains("class=\"bad\"", html, StringComparison.Ordinal);
    }
}
