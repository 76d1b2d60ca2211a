using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.Experiments;
using Beear.Runtime;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear frontier</c>.</summary>
internal sealed record FrontierCommandOptions
{
    /// <summary>YAML file of subject, arms, triggers and seeds.</summary>
    [Positional]
    public required string Frontier { get; init; }

    /// <summary>Folder of plants and runs; the same command goes on where it ends, and several at once share the work.</summary>
    public required string Out { get; init; }

    /// <summary>Only these arms of the file.</summary>
    public IReadOnlyList<string> Arms { get; init; } = [];

    /// <summary>Only these triggers of the file, by their names; models that were never backdoored are left out then.</summary>
    public IReadOnlyList<string> Triggers { get; init; } = [];

    /// <summary>Only these seeds of the file.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [];

    /// <summary>File that gets attack success against over-refusal as a picture (SVG); frontier.svg in the folder if not given.</summary>
    public string? Chart { get; init; }
}

/// <summary>The JSON document.</summary>
internal sealed record FrontierDocument(FrontierSummary Summary, IReadOnlyList<FrontierRun> Runs);

/// <summary><c>beear frontier</c>: many mitigations over triggers and seeds, side by side.</summary>
internal sealed class FrontierCommand(CommandSession session)
    : BeearCommand<FrontierCommandOptions>("frontier", "Compare mitigations over triggers and seeds: attack success against over-refusal", session)
{
    protected override int Run(FrontierCommandOptions options, CommandContext context)
    {
        context.Settings.RefuseSeed("a frontier's file lists its seeds, and --seeds chooses among them");
        AtomicOutput.RequireDirectoryOf(options.Chart);
        var frontier = Selected(Recipe.Read<FrontierOptions>(options.Frontier), options);
        var subject = Subject(frontier, context);
        var work = new Frontier(frontier, subject, options.Out);
        work.Check(context.Cancellation);
        context.Output.WarnOf(subject.DataWarnings(context.Cancellation));
        string chart = options.Chart ?? Path.Combine(options.Out, "frontier.svg");
        AtomicOutput.RequireDirectoryOf(chart);
        new LocatedModel(subject.Source, subject.ModelOptions.AdapterBase).Told(context);
        var runs = context.Output.WithProgress(progress => work.Run(run => context.Output.Note(FrontierTable.Line(run)), progress, context.Cancellation));
        if (work.Count - runs.Count is > 0 and var others) context.Output.Note($"{others} more runs are under way in other processes; the same command shows them when they have ended.");
        var summary = FrontierSummary.Of(runs);
        context.Output.Result(new FrontierDocument(summary, runs), document => FrontierTable.Of(context.Output, document.Summary));
        FrontierChart.Write(summary, runs, chart);
        return ExitCode.Success;
    }

    private static FrontierOptions Selected(FrontierOptions frontier, FrontierCommandOptions options)
    {
        var triggers = Chosen("trigger", frontier.Triggers, trigger => trigger.Resolve().Name, options.Triggers);
        var arms = Chosen("arm", frontier.Arms, arm => arm.Name, options.Arms);
        return frontier with
        {
            Arms = [.. arms.Where(arm => options.Triggers.Count == 0 || arm.Kind == ArmKind.Backdoored)],
            Triggers = triggers,
            Seeds = Chosen("seed", frontier.Seeds, seed => $"{seed}", [.. options.Seeds.Select(seed => $"{seed}")]),
        };
    }

    /// <summary>What is asked for of a list; all of it if nothing is.</summary>
    private static IReadOnlyList<T> Chosen<T>(string what, IReadOnlyList<T> all, Func<T, string> nameOf, IReadOnlyList<string> asked)
    {
        if (asked.Count == 0) return all;
        var known = all.Select(nameOf).ToList();
        if (asked.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } unknown)
            throw new BeearException($"--{what}s: there is no {what} '{unknown}'{Spelling.Advice(unknown, known)}");
        return [.. all.Where(one => asked.Contains(nameOf(one), StringComparer.Ordinal))];
    }

    private static FrontierSubject Subject(FrontierOptions frontier, CommandContext context)
    {
        var device = context.Device();
        if (frontier.Model is { } model)
        {
            var located = LocatedModel.Of(model.Source, model.AdapterBase, context);
            return new ModelSubject(model, located.Path, device, located.Base);
        }
        if (context.Settings.Threads is null) TorchSharp.torch.set_num_threads(1);   // as in the demonstration
        return new OrganismSubject(frontier.Organism!, device);
    }
}
