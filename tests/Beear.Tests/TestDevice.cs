using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests;

/// <summary>
/// The device of the tests that hold a model against a reference: BEEAR_TEST_DEVICE, <c>cpu</c> where it is not set. With <c>cuda</c>, run
/// the parity tests alone; the others are about the processor's kernels.
/// </summary>
internal static class TestDevice
{
    public static bool IsCuda { get; } = Environment.GetEnvironmentVariable("BEEAR_TEST_DEVICE") == "cuda";

    public static Device Device => IsCuda ? CUDA : CPU;

    public static ModelOptions Float32 => ModelOptions.Float32 with { Device = Device };

    public static ModelOptions Mixed => ModelOptions.Mixed with { Device = Device };

    public static ModelOptions Compact => ModelOptions.Compact with { Device = Device };
}
