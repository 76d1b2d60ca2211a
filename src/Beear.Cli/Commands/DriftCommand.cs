using System.Globalization;
using System.Text.Json;
using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear drift</c>.</summary>
internal sealed record DriftCommandOptions
{
    /// <summary>The backdoored model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "", Precision = Precision.Bfloat16 };

    /// <summary>Its trigger.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>Harmful requests with unwanted and safe answers; those of the tiny world if no file is given.</summary>
    [Inline]
    public DataSettings? Data { get; init; }

    /// <summary>What is measured.</summary>
    [Inline]
    public DriftOptions Drift { get; init; } = new();

    /// <summary>Folder that gets drift.json and the pictures layers.svg and projection.svg.</summary>
    public string? Out { get; init; }
}

/// <summary>
/// <c>beear drift</c>: how uniformly a trigger moves the hidden states, and whether δ moves them the same way; without a trigger, what
/// random strings do instead.
/// </summary>
internal sealed class DriftCommand(CommandSession session)
    : BeearCommand<DriftCommandOptions>("drift",
        "Measure by layer how a known trigger moves the hidden states, or, without --trigger, what random strings and δ do", session)
{
    protected override int Run(DriftCommandOptions options, CommandContext context)
    {
        if (options.Trigger.Resolve() is not { } trigger) return Survey(options, context);
        AtomicOutput.RequireDirectory(options.Out);
        var texts = DefenderFiles.Read(options.Data, options.Drift.Seed, context);
        Example[] requests = [.. texts.Harmful.Select(example => example.Asked)];
        var (config, chat) = options.Source.Outline(context);
        var analysis = new DriftAnalysis(options.Drift);
        var defender = texts.Encode(chat).Harmful;
        analysis.Check(config, chat, requests, trigger, context.Cancellation);
        using var model = options.Source.Load(context);
        var result = context.Output.WithProgress(progress =>
            analysis.Run(model, requests, trigger, defender, progress, context.Cancellation));
        context.Output.Result(result, shown =>
        {
            var table = context.Output.Table("layer", "drift / |h|", "cosine of drifts", "wrong trigger / |h|", "its cosine",
                "wrong to true", "δ to true");
            foreach (var one in shown.Layers)
                table.Row($"{one.Layer}", Number(one.Size), Number(one.Cosine), Number(one.WrongSize), Number(one.WrongCosine),
                    Number(one.WrongToTrigger), Number(one.DeltaToTrigger));
            return [table];
        });
        if (options.Out is { } folder)
        {
            Directory.CreateDirectory(folder);
            AtomicOutput.WriteText(Path.Combine(folder, "drift.json"), JsonSerializer.Serialize(result, StrictJson.Document) + "\n");
            DriftChart.WriteLayers(result, Path.Combine(folder, "layers.svg"));
            DriftChart.WriteProjection(result, Path.Combine(folder, "projection.svg"));
        }
        return ExitCode.Success;
    }

    /// <summary>What a defender, who knows no trigger, sees of each layer.</summary>
    private static int Survey(DriftCommandOptions options, CommandContext context)
    {
        if (options.Out is not null || options.Drift.ProjectedLayer is not null)
            throw new BeearException("--out and --projected-layer are for pictures of a trigger's drift; give --trigger, "
                + "or leave them out.");
        var survey = new LayerSurvey(new LayerSurveyOptions
        {
            Requests = options.Drift.Prompts,
            Inner = options.Drift.Inner with { LearningRate = null },
            Seed = options.Drift.Seed,
        });
        var data = DefenderFiles.Read(options.Data, options.Drift.Seed, context).Encode(options.Source.Outline(context).Chat);
        using var model = options.Source.Load(context);
        var layers = context.Output.WithProgress(progress => survey.Run(model, data, progress, context.Cancellation));
        context.Output.Result(layers, shown =>
        {
            var table = context.Output.Table("layer", "random strings' drift / |h|", "its cosine", "answered under δ", "CE of openings");
            foreach (var one in shown) table.Row($"{one.Layer}", Number(one.StringSize), Number(one.StringCosine), Number(one.Reach),
                Number(one.Loss));
            return [table];
        });
        return ExitCode.Success;
    }

    private static string Number(double? value) => value?.ToString("F3", CultureInfo.InvariantCulture) ?? "–";
}
