using Beear.Checkpoints;
using Beear.Models;
using Beear.Text;
using Beear.Training;

namespace Beear.Cli;

/// <summary>The model that a command works on.</summary>
internal sealed record ModelSettings
{
    /// <summary>A Hugging Face model directory, a .gguf file, or a model of the hub: owner/name[@revision] or hub:owner/name/file.gguf.</summary>
    [Positional]
    public required string Model { get; init; }

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The same, but that a model of the hub is downloaded and named at its commit, so that a run knows what it began with.</summary>
    /// <exception cref="BeearException">It cannot be fetched.</exception>
    public ModelSettings Pin(CommandContext context) => this with { Model = HubModels.Pin(Model, context) };

    /// <summary>Shapes and chat format, read before the weights: what was asked for can be checked against them first.</summary>
    /// <exception cref="BeearException">There is no such model, or one of its files cannot be read.</exception>
    public (ModelConfig Config, ChatFormat Chat) Outline(CommandContext context)
    {
        using var checkpoint = Checkpoint.OpenFiles(HubModels.PathOf(Model, context));
        return (ModelConfig.FromJson(checkpoint.Config), checkpoint.LoadChatFormat());
    }

    /// <summary>Loads the model onto the device that was asked for.</summary>
    /// <param name="context">Device and hub.</param>
    /// <param name="weights">Element type in which weights are kept.</param>
    /// <exception cref="BeearException">There is no such model or device.</exception>
    public LanguageModel Load(CommandContext context, StoredType weights = StoredType.Float32) =>
        LanguageModel.Load(HubModels.PathOf(Model, context), OptionsOf(Precision, weights, context));

    /// <summary>Device and number formats.</summary>
    /// <exception cref="BeearException">bfloat16 weights are to be used in float32 products, or there is no such device.</exception>
    public static ModelOptions OptionsOf(Precision precision, StoredType weights, CommandContext context)
    {
        var options = ModelOptions.Of(precision, context.Device());
        if (weights == StoredType.Float32) return options;
        if (precision == Precision.Float32) throw new BeearException("economy: bfloat16 weights need bfloat16 matrix products; add --precision bfloat16.");
        return options with { MasterType = options.ComputeType };
    }
}
