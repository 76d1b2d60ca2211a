using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Where and in which number formats a model is held.</summary>
/// <param name="Device">CPU or CUDA device.</param>
/// <param name="ComputeType">Element type of matrix products: float32 or bfloat16. The residual stream and δ stay float32.</param>
/// <param name="MasterType">Element type in which weights are kept and trained: float32, or bfloat16 for a model that is only read.</param>
public sealed record ModelOptions(Device Device, ScalarType ComputeType, ScalarType MasterType)
{
    /// <summary>CPU, float32 throughout.</summary>
    public static ModelOptions Float32 => OnCpu(ScalarType.Float32);

    /// <summary>CPU, bfloat16 matrix products over float32 master weights.</summary>
    public static ModelOptions Mixed => OnCpu(ScalarType.BFloat16);

    /// <summary>A device exists only once libtorch is loaded, and these options may be the first thing that a program asks for.</summary>
    private static ModelOptions OnCpu(ScalarType computeType)
    {
        TorchRuntime.Load();
        return new ModelOptions(CPU, computeType, ScalarType.Float32);
    }
}
