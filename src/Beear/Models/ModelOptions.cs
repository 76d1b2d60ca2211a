using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Where and in which number formats a model is held.</summary>
/// <param name="Device">CPU or CUDA device.</param>
/// <param name="ComputeType">Element type of matrix products: float32 or bfloat16. The residual stream and δ stay float32.</param>
/// <param name="MasterType">Element type in which weights are kept and trained: float32, or bfloat16 for a model that is only read.</param>
public sealed record ModelOptions(Device Device, ScalarType ComputeType, ScalarType MasterType)
{
    /// <summary>CPU, float32 throughout.</summary>
    public static ModelOptions Float32 => new(CPU, ScalarType.Float32, ScalarType.Float32);

    /// <summary>CPU, bfloat16 matrix products over float32 master weights.</summary>
    public static ModelOptions Mixed => new(CPU, ScalarType.BFloat16, ScalarType.Float32);
}
