using System.Text.Json.Nodes;
using Beear.Cli;
using Beear.Cli.Output;
using Beear.Runtime;

namespace Beear.Tests.Cli;

public sealed class ProgramTests
{
    private static CliRun Run(params string[] args) => CliRun.Of(args, session => new SampleCommand(session));

    [Fact]
    public void A_command_gets_defaults_recipe_and_flags_in_that_order()
    {
        var recipe = Path.Combine(Fixtures.TemporaryFolder(), "r.yaml");
        File.WriteAllText(recipe, "rounds: 5\nkind: second\n");
        var run = Run("sample", "model-a", "--recipe", recipe, "--kind=third", "--section-rate", "-0.5", "--terms", "a", "--terms", "b",
            "--seed", "7", "--resume", "--json");
        Assert.Equal(("", 0), (run.Error, run.Code));
        var document = JsonNode.Parse(run.Output)!;
        Assert.Equal("""{"model":"model-a","rounds":5,"kind":"third","section":{"rate":-0.5},"terms":["a","b"],"seed":7,"resume":true}""",
            document.ToJsonString());
    }

    [Fact]
    public void Without_json_a_table_in_plain_text_comes_and_nothing_is_obeyed()
    {
        var run = Run("sample", "a[red]\u001b[2J", "--quiet");
        Assert.Equal(0, run.Code);
        Assert.Contains(@"| a[red]\u{1b}[2J |", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.Equal("", run.Error);
    }

    [Fact]
    public void Notes_and_progress_go_to_standard_error()
    {
        var run = Run("sample", "m", "--json");
        JsonNode.Parse(run.Output);
        run = Run("sample", "notes", "--json");
        JsonNode.Parse(run.Output);
        Assert.Equal($"working 1/1, took 0 s{Environment.NewLine}warning: careful\\u{{7}}{Environment.NewLine}", run.Error);
    }

    [Fact]
    public void A_picture_that_cannot_be_written_is_refused_before_the_work()
    {
        var run = CliRun.Of("demo", "--chart", "nowhere/demo.svg");
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Equal($"error: 'nowhere/demo.svg' cannot be written: its directory does not exist; make it first.{Environment.NewLine}", run.Error);
    }

    [Theory]
    [InlineData("sample|m|--ruonds|3", "'beear sample' has no option '--ruonds'; did you mean '--rounds'?")]
    [InlineData("sample|m|--sead|3", "'beear sample' has no option '--sead'; did you mean '--seed'?")]
    [InlineData("sampel|m", "'beear' has no command 'sampel'; did you mean 'sample'?")]
    [InlineData("sample|m|n", "'beear sample' has no argument 'n'; see 'beear sample --help'.")]
    [InlineData("sample|m|--rounds|many", "error: --rounds: 'many' is not a whole number.")]
    [InlineData("sample|m|--rounds|0", "error: rounds must be at least 1, not 0.")]
    [InlineData("sample|m|--rounds|1|--rounds|2", "error: --rounds is given more than once.")]
    [InlineData("sample|m|--model|n", "error: model is given twice: as 'm' and by --model.")]
    [InlineData("sample|m|--rounds", "--rounds")]
    [InlineData("sample|m|--threads|0", "error: threads must lie between 1 and 1024, not 0.")]
    [InlineData("sample|m|--device|gpu", "error: --device: 'gpu' is not one of cpu|cuda.")]
    [InlineData("sample", "error: model is required")]
    [InlineData("sample|m|--recipe|nowhere.yaml", "error: The recipe 'nowhere.yaml' does not exist")]
    [InlineData("sample|bad\u001b", "error: bad\\u{1b} is bad.")]
    [InlineData("sample|missing-file", "error: ")]
    public void Bad_input_is_one_line_and_exit_code_2(string args, string message)
    {
        var run = Run(args.Split('|'));
        Assert.Equal(2, run.Code);
        Assert.Equal("", run.Output);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_missed_bar_is_exit_code_1() => Assert.Equal(1, Run("sample", "missed").Code);

    [Fact]
    public void Cancellation_is_exit_code_130()
    {
        var run = CliRun.Of(["sample", "m"], session => new SampleCommand(session), cancellation: new CancellationToken(canceled: true));
        Assert.Equal(130, run.Code);
        Assert.Equal("interrupted", run.Error.Trim());
    }

    [Fact]
    public void Help_shows_every_option_with_its_default_and_meaning()
    {
        var run = Run("sample", "--help");
        Assert.Equal(0, run.Code);
        foreach (var part in new[] { "--rounds <whole number>", "How many rounds. [default: 10]", "--section-rate", "--recipe <file>",
            "--device", "--json" })
            Assert.Contains(part, run.Output, StringComparison.Ordinal);
        Assert.Equal(2, run.Output.Split("--seed").Length);
    }

    /// <summary>A dozen options are for users; the hundred others are a recipe's.</summary>
    [Fact]
    public void The_help_of_mitigate_folds_what_a_recipe_sets()
    {
        string[] Options(string help) =>
            [.. CliRun.Of("mitigate", help).Output.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal))];
        string[] shown = Options("--help"), all = Options("--help-all");

        Assert.InRange(shown.Length, 15, 22);
        Assert.InRange(all.Length, 100, 200);
        Assert.Contains(shown, line => line.StartsWith("  --rounds ", StringComparison.Ordinal));
        Assert.Contains(shown, line => line.StartsWith("  --help-all ", StringComparison.Ordinal));
        Assert.DoesNotContain(shown, line => line.StartsWith("  --inner-steps ", StringComparison.Ordinal));
        Assert.Contains(all, line => line.StartsWith("  --inner-steps ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("chat")]
    [InlineData("serve")]
    public void Every_option_of_every_command_says_what_it_means(string command)
    {
        var run = CliRun.Of(command, "--help");
        Assert.Equal(0, run.Code);
        foreach (var line in run.Output.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal)))
            Assert.Matches(@"^  --\S+( <[^>]+>)?  +[^\s\[]", line);
    }

    [Fact]
    public void Without_arguments_help_comes()
    {
        var run = Run();
        Assert.Equal(0, run.Code);
        Assert.Contains("sample", run.Output, StringComparison.Ordinal);
    }
}

internal enum SampleKind { First, Second, Third }

internal sealed record SampleRate
{
    public double Rate { get; init; } = 1;
}

internal sealed record SampleCommandOptions : IValidatable
{
    [Positional]
    public required string Model { get; init; }

    /// <summary>How many rounds.</summary>
    public int Rounds { get; init; } = 10;
    public SampleKind Kind { get; init; }
    public SampleRate Section { get; init; } = new();
    public IReadOnlyList<string> Terms { get; init; } = [];
    public int Seed { get; init; } = 1;
    public bool Resume { get; init; }

    public void Validate() => Require.AtLeast(Rounds, 1);
}

internal sealed class SampleCommand(CommandSession session)
    : BeearCommand<SampleCommandOptions>("sample", "A command of the tests", session)
{
    protected override int Run(SampleCommandOptions options, CommandContext context)
    {
        context.Cancellation.ThrowIfCancellationRequested();
        if (options.Model.StartsWith("bad", StringComparison.Ordinal)) throw new BeearException($"{options.Model} is bad.");
        if (options.Model == "missing-file") File.ReadAllText("/nowhere/at/all");
        if (options.Model == "notes")
        {
            context.Output.WithProgress(progress =>
            {
                progress?.Report(new RunProgress("working", 1, 1));
                return 0;
            });
            context.Output.Warn("careful\u0007");
        }
        context.Output.Result(options, shown => [context.Output.Table("model").Row(shown.Model)]);
        return options.Model == "missed" ? ExitCode.BarMissed : ExitCode.Success;
    }
}
