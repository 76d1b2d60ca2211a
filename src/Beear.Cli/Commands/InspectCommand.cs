using System.Globalization;
using Beear.Checkpoints;
using Beear.Cli.Output;
using Beear.Models;
using Beear.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear inspect</c>.</summary>
internal sealed record InspectOptions
{
    /// <summary>A Hugging Face model directory, or a .gguf file.</summary>
    [Positional]
    public required string Model { get; init; }
}

/// <summary>What <c>beear inspect</c> found; the JSON document.</summary>
internal sealed record Inspection
{
    public required string Path { get; init; }
    public required string Family { get; init; }
    public required long Parameters { get; init; }
    public required int Layers { get; init; }
    public required int HiddenSize { get; init; }
    public required int FeedForwardSize { get; init; }
    public required int QueryHeads { get; init; }
    public required int KeyValueHeads { get; init; }
    public required int HeadSize { get; init; }
    public required int VocabularySize { get; init; }
    public required int MaximumPositions { get; init; }
    public required bool TiedEmbeddings { get; init; }
    public required RotaryKind Rotary { get; init; }

    /// <summary>How many tensors are stored in each format.</summary>
    public required IReadOnlyDictionary<string, int> Tensors { get; init; }
    public int? TokenizerSize { get; init; }
    public IReadOnlyList<string>? EndOfTurn { get; init; }

    /// <summary>A question as the model sees it.</summary>
    public string? Template { get; init; }
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary><c>beear inspect</c>: shows what a model directory or file holds, without reading its weights.</summary>
internal sealed class InspectCommand(CommandSession session)
    : BeearCommand<InspectOptions>("inspect", "Show a model's family, shapes, formats, tokenizer and chat template", session)
{
    private const string SampleQuestion = "Hello!";

    protected override int Run(InspectOptions options, CommandContext context)
    {
        using var checkpoint = Checkpoint.Open(HubModels.PathOf(options.Model, context));
        context.Output.Result(Inspect(checkpoint), found => Render(found, context.Output));
        return ExitCode.Success;
    }

    private static Inspection Inspect(Checkpoint checkpoint)
    {
        var config = ModelConfig.FromJson(checkpoint.Config);
        var warnings = new List<string>(TensorWarnings(config, checkpoint));
        var chat = LoadChat(checkpoint, warnings);
        if (chat is not null && chat.Tokenizer.VocabularySize > config.VocabularySize)
            warnings.Add($"The tokenizer has {chat.Tokenizer.VocabularySize} tokens, the model only {config.VocabularySize}; they do not belong together.");
        return new Inspection
        {
            Path = checkpoint.Path,
            Family = config.ModelType,
            Parameters = config.ParameterCount,
            Layers = config.Layers,
            HiddenSize = config.HiddenSize,
            FeedForwardSize = config.FeedForwardSize,
            QueryHeads = config.QueryHeads,
            KeyValueHeads = config.KeyValueHeads,
            HeadSize = config.HeadSize,
            VocabularySize = config.VocabularySize,
            MaximumPositions = config.MaximumPositions,
            TiedEmbeddings = config.TiedEmbeddings,
            Rotary = config.Rotary.Kind,
            Tensors = checkpoint.Tensors.Values.CountBy(tensor => tensor.DType).OrderByDescending(count => count.Value)
                .ToDictionary(count => count.Key, count => count.Value),
            TokenizerSize = chat?.Tokenizer.VocabularySize,
            EndOfTurn = chat is null ? null : [.. chat.EndOfTurn.Order().Select(chat.Tokenizer.TokenOf)],
            Template = chat?.Tokenizer.Decode(chat.EncodePrompt([ChatMessage.User(SampleQuestion)])),
            Warnings = warnings,
        };
    }

    private static IEnumerable<string> TensorWarnings(ModelConfig config, Checkpoint checkpoint)
    {
        var expected = config.Tensors.ToDictionary(part => part.Name);
        foreach (var part in expected.Values)
        {
            if (!checkpoint.Tensors.TryGetValue(part.Name, out var stored)) yield return $"{part.Name} is missing.";
            else if (!stored.Shape.SequenceEqual(part.Shape))
                yield return $"{part.Name} has the shape ({string.Join(", ", stored.Shape)}), config.json asks for ({string.Join(", ", part.Shape)}).";
        }
        foreach (var name in checkpoint.Tensors.Keys.Where(name => !expected.ContainsKey(name)).Order(StringComparer.Ordinal))
            yield return $"{name} is not used by a model of this configuration.";
    }

    private static ChatFormat? LoadChat(Checkpoint checkpoint, List<string> warnings)
    {
        try
        {
            return checkpoint.LoadChatFormat();
        }
        catch (BeearException failure)
        {
            warnings.Add(failure.Message);
            return null;
        }
    }

    private static IEnumerable<IRenderable> Render(Inspection found, ConsoleOutput output)
    {
        static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
        var table = output.Table(Justify.Left, "model", found.Path)
            .Row("family", found.Family)
            .Row("parameters", Count(found.Parameters))
            .Row("layers L", Count(found.Layers))
            .Row("hidden size d", Count(found.HiddenSize))
            .Row("feed-forward size", Count(found.FeedForwardSize))
            .Row("heads H (key/value G) of D", $"{found.QueryHeads} ({found.KeyValueHeads}) of {found.HeadSize}")
            .Row("vocabulary V", $"{Count(found.VocabularySize)}{(found.TiedEmbeddings ? ", embeddings tied" : "")}")
            .Row("positions", $"{Count(found.MaximumPositions)}, rotary {Data.RecipeValue.Format(found.Rotary)}")
            .Row("tensors", string.Join(", ", found.Tensors.Select(count => $"{count.Value} {count.Key}")));
        if (found.TokenizerSize is { } tokens) table.Row("tokenizer", $"{Count(tokens)} tokens");
        if (found.EndOfTurn is { } ends) table.Row("end of turn", string.Join(" ", ends));
        if (found.Template is { } template) table.Row("chat template", template);
        for (var i = 0; i < found.Warnings.Count; i++) table.Row(i == 0 ? "warnings" : "", found.Warnings[i]);
        return [table];
    }
}
