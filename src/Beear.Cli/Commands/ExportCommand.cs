using Beear.Cli.Output;
using Beear.Models;
using Beear.Models.Export;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear export</c>.</summary>
internal sealed record ExportOptions
{
    /// <summary>
    /// A Hugging Face model directory, a .gguf file, an adapter of PEFT, or one of these on the hub: owner/name[@revision] or
    /// hub:owner/name/file.gguf.
    /// </summary>
    [Positional]
    public required string Model { get; init; }

    /// <summary>
    /// Where the base of an adapter lies, as a folder, a .gguf file or a model of the hub; if not given, what its adapter_config.json
    /// names.
    /// </summary>
    public string? AdapterBase { get; init; }

    /// <summary>The GGUF file to write; one that exists is replaced when the new one is complete.</summary>
    public required string Out { get; init; }

    /// <summary>How matrices are stored; norms and biases stay float32.</summary>
    public GgufWeightType Type { get; init; } = GgufWeightType.F16;
}

/// <summary><c>beear export</c>: writes a model as one GGUF file.</summary>
internal sealed class ExportCommand(CommandSession session)
    : BeearCommand<ExportOptions>("export", "Write a model as one GGUF file, for llama.cpp and what is built on it", session)
{
    protected override int Run(ExportOptions options, CommandContext context)
    {
        GgufExport.RequirePath(options.Out);
        using var checkpoint = LocatedModel.Of(options.Model, options.AdapterBase, context).Open();
        context.Output.Findings(checkpoint.Path, ModelFindings.Of(checkpoint));
        context.Output.WithProgress<object?>(progress =>
        {
            GgufExport.Write(checkpoint, options.Out, options.Type, progress, context.Cancellation);
            return null;
        });
        var result = new { File = options.Out, Bytes = new FileInfo(options.Out).Length };
        context.Output.Result(result, written =>
            [context.Output.Table(Spectre.Console.Justify.Left, "file", written.File).Row("bytes", $"{written.Bytes:N0}")]);
        return ExitCode.Success;
    }
}
