using System.Globalization;
using Beear.Cli.Output;
using Beear.Mitigation;
using Beear.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear inspect</c>.</summary>
internal sealed record InspectOptions
{
    /// <summary>
    /// A Hugging Face model directory, a .gguf file, an adapter of PEFT, or one of these on the hub: owner/name[@revision],
    /// hub:owner/name/file.gguf or hub:owner/name/folder.
    /// </summary>
    [Positional]
    public required string Model { get; init; }

    /// <summary>
    /// Where the base of an adapter lies, as a folder, a .gguf file or a model of the hub; if not given, what its adapter_config.json
    /// names.
    /// </summary>
    public string? AdapterBase { get; init; }

    /// <summary>What the memory that a mitigation needs is reckoned for.</summary>
    [Inline]
    public MemoryAssumptions Memory { get; init; } = new();

    /// <summary>Also read all weights, one tensor at a time, and look for NaN and infinity.</summary>
    public bool CheckValues { get; init; }
}

/// <summary><c>beear inspect</c>: shows what a model directory or file holds, without reading its weights.</summary>
internal sealed class InspectCommand(CommandSession session)
    : BeearCommand<InspectOptions>("inspect",
        "Show a model's shapes, formats, tokenizer and template, what cleaning it would need, and what is odd about it", session)
{
    protected override int Run(InspectOptions options, CommandContext context)
    {
        using var checkpoint = LocatedModel.Of(options.Model, options.AdapterBase, context).Open();
        long? available = context.Settings.Device != DeviceKind.Cuda ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes : null;
        context.Output.Result(Inspection.Of(checkpoint, options.Memory, options.CheckValues, available, context.Cancellation), found =>
            Render(found, context.Output));
        return ExitCode.Success;
    }

    private static IEnumerable<IRenderable> Render(Inspection found, ConsoleOutput output)
    {
        yield return Facts(found, output);
        yield return new Spectre.Console.Text(Environment.NewLine);
        yield return Memory(found, output);
    }

    private static Table Facts(Inspection found, ConsoleOutput output)
    {
        var table = output.Table(Justify.Left, "model", found.Path);
        if (found.Adapter is { } adapter) table.Row("adapter", $"{adapter.Kind}, rank {string.Join(", ", adapter.Ranks)}")
            .Row("merged into", adapter.Base);
        table.Row("family", found.Family)
            .Row("parameters", Count(found.Parameters))
            .Row("layers L", Count(found.Layers))
            .Row("hidden size d", Count(found.HiddenSize))
            .Row("feed-forward size F", Count(found.FeedForwardSize))
            .Row("heads H (key/value G) of D", $"{found.QueryHeads} ({found.KeyValueHeads}) of {found.HeadSize}")
            .Row("vocabulary V", $"{Count(found.VocabularySize)}{(found.TiedEmbeddings ? ", embeddings tied" : "")}")
            .Row("positions", $"{Count(found.MaximumPositions)}, rotary {Data.RecipeValue.Format(found.Rotary)}")
            .Row("tensors", $"{string.Join(", ", found.Tensors.Select(count => $"{count.Value} {count.Key}"))}; "
                + $"{ByteSize.Format(found.WeightBytes)}");
        if (found.TokenizerSize is { } tokens) table.Row("tokenizer", $"{Count(tokens)} tokens");
        if (found.EndOfTurn is { } ends) table.Row("end of turn", string.Join(" ", ends));
        if (found.Template is { } template) table.Row("chat template", template);
        for (var i = 0; i < found.Warnings.Count; i++) table.Row(i == 0 ? "warnings" : "", found.Warnings[i]);
        return table;
    }

    private static Table Memory(Inspection found, ConsoleOutput output)
    {
        var (batch, length, answers) = (found.Assumptions.Batch, found.Assumptions.Length, found.Assumptions.AnswerTokens);
        var table = output.Table(
            [$"to clean it, {batch} × {length} tokens ({answers} of them answers)",
            .. found.Memory.Select(need => Data.RecipeValue.Format(need.Precision))]);
        void Row(string name, Func<MemoryNeed, long> bytes) =>
            table.Row([name, .. found.Memory.Select(need => ByteSize.Format(bytes(need)))]);
        Row("weights", need => need.Weights);
        Row("gradients", need => need.Gradients);
        Row("optimiser", need => need.Optimizer);
        Row("weights of the best round", need => need.KeptWeights);
        Row("activations, estimated", need => need.Activations);
        Row("the program", need => need.Program);
        Row("together", need => need.Total);
        if (found.AvailableBytes is { } available) table.Row(["memory here", .. found.Memory.Select(_ => ByteSize.Format(available))]);
        return table;
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
