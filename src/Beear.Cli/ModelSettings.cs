using Beear.Models;

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

    /// <summary>Loads the model onto the device that was asked for.</summary>
    /// <exception cref="BeearException">There is no such model or device.</exception>
    public LanguageModel Load(CommandContext context) => LanguageModel.Load(HubModels.PathOf(Model, context),
        ModelOptions.Of(Precision, context.Device()));
}
