using Beear.Runtime;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Element type of matrix products; weights stay float32.</summary>
public enum Precision
{
    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>bfloat16 matrix products over float32 weights.</summary>
    Bfloat16,
}

/// <summary>Where and in which number formats a model is held, and what its conversations have.</summary>
/// <param name="Device">CPU or CUDA device.</param>
/// <param name="ComputeType">Element type of matrix products: float32 or bfloat16. The residual stream and δ stay float32.</param>
/// <param name="MasterType">
/// Element type in which weights are kept and trained: float32, or bfloat16, which is trained with random rounding. Norms stay float32.
/// </param>
public sealed record ModelOptions(Device Device, ScalarType ComputeType, ScalarType MasterType)
{
    /// <summary>
    /// What every conversation with the model has that does not say otherwise: a system prompt, variables of its chat template.
    /// </summary>
    public ChatDefaults Chat { get; init; } = ChatDefaults.None;

    /// <summary>Where the base of a model lies that is an adapter; if not given, where the adapter says. Other models need none.</summary>
    public string? AdapterBase { get; init; }

    /// <summary>CPU, float32 throughout.</summary>
    public static ModelOptions Float32 => OnCpu(ScalarType.Float32);

    /// <summary>CPU, bfloat16 matrix products over float32 master weights.</summary>
    public static ModelOptions Mixed => OnCpu(ScalarType.BFloat16);

    /// <summary>CPU, bfloat16 weights and matrix products: half to a third of the memory.</summary>
    public static ModelOptions Compact => Mixed with { MasterType = ScalarType.BFloat16 };

    /// <summary>Float32 weights on a device.</summary>
    public static ModelOptions Of(Precision precision, Device device) =>
        new(device, precision == Precision.Float32 ? ScalarType.Float32 : ScalarType.BFloat16, ScalarType.Float32);

    /// <summary>A device exists only once libtorch is loaded, and these options may be the first thing that a program asks for.</summary>
    private static ModelOptions OnCpu(ScalarType computeType)
    {
        TorchRuntime.Load();
        return new ModelOptions(CPU, computeType, ScalarType.Float32);
    }
}
