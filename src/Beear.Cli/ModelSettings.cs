using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Cli;

/// <summary>Element type of matrix products.</summary>
internal enum Precision
{
    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>bfloat16 matrix products over float32 weights.</summary>
    Bfloat16,
}

/// <summary>The model that a command works on.</summary>
internal sealed record ModelSettings
{
    /// <summary>A Hugging Face model directory, or a .gguf file.</summary>
    [Positional]
    public required string Model { get; init; }

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Loads the model onto the device that was asked for.</summary>
    /// <exception cref="BeearException">There is no such model or device.</exception>
    public LanguageModel Load(CommandContext context) => LanguageModel.Load(Model,
        new ModelOptions(context.Device(), Precision == Precision.Float32 ? ScalarType.Float32 : ScalarType.BFloat16, ScalarType.Float32));
}
