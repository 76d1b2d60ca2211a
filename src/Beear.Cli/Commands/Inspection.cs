using Beear.Checkpoints;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;

namespace Beear.Cli.Commands;

/// <summary>What <c>beear inspect</c> found; the JSON document.</summary>
internal sealed record Inspection
{
    private const string SampleQuestion = "Hello!";

    public required string Path { get; init; }

    /// <summary>The adapter that is merged into the weights, if the model is one.</summary>
    public InspectedAdapter? Adapter { get; init; }
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

    /// <summary>What the weights take in their files.</summary>
    public required long WeightBytes { get; init; }
    public int? TokenizerSize { get; init; }
    public IReadOnlyList<string>? EndOfTurn { get; init; }

    /// <summary>A question as the model sees it.</summary>
    public string? Template { get; init; }

    /// <summary>What a mitigation would need in each number format.</summary>
    public required IReadOnlyList<MemoryNeed> Memory { get; init; }

    /// <summary>On what batch and lengths those figures rest.</summary>
    public required MemoryAssumptions Assumptions { get; init; }

    /// <summary>Memory that this machine gives a process; null for a device whose memory is not known.</summary>
    public long? AvailableBytes { get; init; }
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Looks at a model's headers and small files; its weights are read only to find NaN, and one tensor at a time.</summary>
    public static Inspection Of(Checkpoint checkpoint, MemoryAssumptions assumptions, bool checkValues, long? availableBytes,
        CancellationToken cancellation = default)
    {
        var config = ModelConfig.Of(checkpoint);
        MemoryNeed[] needs = [.. new[] { false, true }.Select(isBfloat16 =>
            MemoryNeed.Of(MemoryEstimate.Of(config, isBfloat16, assumptions)))];
        var chat = LoadChat(checkpoint);
        return new Inspection
        {
            Path = checkpoint.Path,
            Adapter = checkpoint.Adapter is var (adapter, source) ? new InspectedAdapter(adapter.Kind, adapter.Ranks, source) : null,
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
            WeightBytes = checkpoint.Tensors.Values.Sum(tensor => tensor.Bytes),
            TokenizerSize = chat?.Tokenizer.VocabularySize,
            EndOfTurn = chat is null ? null : [.. chat.EndOfTurn.Order().Select(chat.Tokenizer.TokenOf)],
            Template = chat is null ? null : Sample(chat),
            Memory = needs,
            Assumptions = assumptions,
            AvailableBytes = availableBytes,
            Warnings =
            [
                .. ModelFindings.Of(checkpoint),
                .. checkValues ? ValueWarnings(checkpoint, cancellation) : [],
                .. MemoryWarnings(needs, availableBytes),
            ],
        };
    }

    private static ChatFormat? LoadChat(Checkpoint checkpoint)
    {
        try
        {
            return checkpoint.LoadChatFormat();
        }
        catch (BeearException)
        {
            return null;                                                     // the checks say what is wrong with it
        }
    }

    private static string? Sample(ChatFormat chat)
    {
        try
        {
            return chat.Tokenizer.Decode(chat.EncodePrompt([ChatTurn.User(SampleQuestion)]));
        }
        catch (BeearException)
        {
            return null;
        }
    }

    private static IEnumerable<string> ValueWarnings(Checkpoint checkpoint, CancellationToken cancellation)
    {
        foreach (var name in checkpoint.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            string? warning = null;
            try
            {
                checkpoint.Read(name).Dispose();
            }
            catch (BeearException failure)
            {
                warning = failure.Message;
            }
            if (warning is not null) yield return warning;
        }
    }

    private static IEnumerable<string> MemoryWarnings(MemoryNeed[] needs, long? available)
    {
        if (available is { } bytes && needs.All(need => need.Total > bytes))
            yield return $"A mitigation needs more than the {Runtime.ByteSize.Format(bytes)} of memory here; take a smaller batch, "
                + "or a machine with more.";
    }
}

/// <summary>An adapter, and where its base lies.</summary>
internal sealed record InspectedAdapter(string Kind, IReadOnlyList<int> Ranks, string Base);

/// <summary>Bytes that a mitigation needs in one number format.</summary>
internal sealed record MemoryNeed(Precision Precision, long Weights, long Gradients, long Optimizer, long KeptWeights, long Activations,
    long Program, long Total)
{
    public static MemoryNeed Of(MemoryEstimate estimate) => new(estimate.IsBfloat16 ? Precision.Bfloat16 : Precision.Float32,
        estimate.Weights, estimate.Gradients, estimate.Optimizer, estimate.KeptWeights, estimate.Activations, estimate.Program,
            estimate.Total);
}
