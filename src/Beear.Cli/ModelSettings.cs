using System.Text.Json.Serialization;
using Beear.Data;
using Beear.Models;
using Beear.Text;
using Beear.Training;

namespace Beear.Cli;

/// <summary>The model that a command works on.</summary>
internal sealed record ModelSettings
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
    [Folded]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AdapterBase { get; init; }

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    [Folded]
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>
    /// The same, but that a model of the hub is downloaded and named at its commit, so that a run knows what it began with.
    /// </summary>
    /// <exception cref="BeearException">It cannot be fetched.</exception>
    public ModelSettings Pin(CommandContext context)
    {
        var pinned = this with { Model = HubModels.Pin(Model, context), Conversation = Conversation.WithText() };
        return pinned with { AdapterBase = pinned.Locate(context).BaseName };
    }

    /// <summary>Where the model and, if it is an adapter, its base lie.</summary>
    /// <exception cref="BeearException">One of them cannot be found.</exception>
    public LocatedModel Locate(CommandContext context) => LocatedModel.Of(Model, AdapterBase, context);

    /// <summary>Shapes and chat format, read before the weights: what was asked for can be checked against them first.</summary>
    /// <exception cref="BeearException">There is no such model, or one of its files cannot be read.</exception>
    public ModelOutline Outline(CommandContext context)
    {
        var located = Locate(context);
        return ModelOutline.Open(located.Path, ModelOptions.Mixed with { AdapterBase = located.Base, Chat = Conversation.Resolve() });
    }

    /// <summary>Loads the model onto the device that was asked for, and tells what is odd about it.</summary>
    /// <param name="context">Device and hub.</param>
    /// <param name="weights">Element type in which weights are kept.</param>
    /// <exception cref="BeearException">There is no such model or device.</exception>
    public LanguageModel Load(CommandContext context, StoredType weights = StoredType.Float32)
    {
        var located = Locate(context);
        var model = LanguageModel.Load(located.Path,
            OptionsOf(Precision, weights, context) with { AdapterBase = located.Base, Chat = Conversation.Resolve() },
            context.Cancellation);
        context.Output.Findings(model.Path, model.Findings);
        if (ThinkingNote(model.Chat) is { } note) context.Output.Note(note);
        return model;
    }

    /// <summary>What the user is to know of a model that thinks before it answers; null of one that does not.</summary>
    private static string? ThinkingNote(ChatFormat chat) => chat switch
    {
        { Thoughts: null } => null,
        { MayThink: true, ThinkingSwitch: { } variable } =>
            $"this model thinks before it answers; thoughts are no answers. --template-variables {variable}=false makes it answer at once.",
        { MayThink: true } => $"this model may think before it answers ({chat.Thoughts.Open} … {chat.Thoughts.Close}); thoughts "
            + "are no answers.",
        { ThinkingSwitch: { } variable } =>
            $"this model can think, and answers at once here ({variable}=false); --template-variables {variable}=true lets it think.",
        _ => null,
    };

    /// <summary>Device and number formats.</summary>
    /// <exception cref="BeearException">bfloat16 weights are to be used in float32 products, or there is no such device.</exception>
    public static ModelOptions OptionsOf(Precision precision, StoredType weights, CommandContext context)
    {
        var options = ModelOptions.Of(precision, context.Device());
        if (weights == StoredType.Float32) return options;
        if (precision == Precision.Float32) throw new BeearException(
            "economy: bfloat16 weights need bfloat16 matrix products; add --precision bfloat16.");
        return options with { MasterType = options.ComputeType };
    }
}
