using System.Globalization;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear calibrate</c>.</summary>
internal sealed record CalibrateCommandOptions
{
    /// <summary>The suspicious model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>
    /// Folder of copies and trials, and of the settings that were found, calibrated.yaml; the same command goes on where it ends.
    /// </summary>
    public required string Out { get; init; }

    /// <summary>The defender's data; that of the tiny world if no file is given.</summary>
    [Inline]
    public DataSettings? Data { get; init; }

    /// <summary>Decoys and candidates.</summary>
    public CalibrationOptions Calibration { get; init; } = new();

    /// <summary>The settings to begin with.</summary>
    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();
}

/// <summary><c>beear calibrate</c>: finds settings with decoys of the defender's own.</summary>
internal sealed class CalibrateCommand(CommandSession session)
    : BeearCommand<CalibrateCommandOptions>("calibrate",
        "Find a mitigation's settings without the trigger, by planting and removing decoys in copies of the model", session)
{
    protected override int Run(CalibrateCommandOptions options, CommandContext context)
    {
        var texts = DefenderFiles.Read(options.Data, options.Mitigation.Seed, context);
        var calibration = Prepare(options.Calibration, options.Mitigation, options.Source, texts, context,
            isTinyWorld: options.Data is null);
        var folder = new RunFolder(options.Out);
        folder.Check();
        options.Source.Locate(context).Told(context);
        var result = Run(calibration, folder, context);
        string file = Path.Combine(options.Out, "calibrated.yaml");
        context.Output.Result(result, shown => Render(shown, context.Output));
        AtomicOutput.WriteText(file, $"# Found by beear calibrate: {result.Best}\n{RecipeText.Of(result.Mitigation)}");
        context.Output.Note($"written: {file}; use it by mitigate --recipe");
        return ExitCode.Success;
    }

    /// <summary>A calibration whose options and data are checked.</summary>
    internal static Calibration Prepare(CalibrationOptions options, MitigationOptions given, ModelSettings source, DefenderTexts texts,
        CommandContext context,
        bool isTinyWorld = false)
    {
        var located = source.Locate(context);
        var seeded = options with { Seed = Seeds.Derive(given.Seed, "calibration", $"{options.Seed}") };
        var modelOptions = ModelSettings.OptionsOf(source.Precision, given.Economy.Weights, context)
            with
        { AdapterBase = located.Base, Chat = source.Conversation.Resolve() };
        var calibration = new Calibration(seeded, given, texts, located.Path, modelOptions, isTinyWorld);
        calibration.Check();
        return calibration;
    }

    /// <summary>Calibrates, with progress and a note for each trial.</summary>
    internal static CalibrationResult Run(Calibration calibration, RunFolder folder, CommandContext context) =>
        context.Output.WithProgress(progress =>
            calibration.Run(folder, run => context.Output.Note(RunTable.Line(run)), progress, context.Cancellation));

    internal static IEnumerable<IRenderable> Render(CalibrationResult result, ConsoleOutput output)
    {
        var candidates = output.Table("candidate", "decoys", "attack left %", "cost");
        foreach (var one in result.Outcomes) candidates.Row(one.Name, $"{one.Decoys}", Number(100 * one.AttackSuccess, "F1"),
            Number(one.Cost, "F3"));
        yield return candidates;
        var controls = output.Table($"decoys, {result.Best}", "planted", "cleaned", "twins refused before", "after");
        foreach (var control in result.Controls)
        {
            controls.Row(control.Trigger.ToString(), Rate(control.Planted, Refusal.AttackWithTrigger), control.Cleaned is null
                ? "did not take" : Rate(control.Cleaned, Refusal.AttackWithTrigger),
                Rate(control.Planted, Refusal.OverRefusalTwins), Rate(control.Cleaned, Refusal.OverRefusalTwins));
        }
        yield return controls;
    }

    private static string Rate(Evaluation.Measurement? measured, string metric) => measured?[metric]?.ToString() ?? "–";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
