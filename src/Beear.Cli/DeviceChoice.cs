using Beear.Kernels.Cuda;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Cli;

/// <summary>Where a command computes that chooses by itself, and why.</summary>
/// <param name="Device">The device.</param>
/// <param name="Why">The reason, a clause.</param>
internal sealed record DeviceChoice(DeviceKind Device, string Why)
{
    /// <summary>Chooses for a mitigation, before weights are loaded.</summary>
    /// <param name="isTiny">Whether the model is of the tiny world.</param>
    /// <param name="config">The model.</param>
    /// <param name="precision">Of matrix products.</param>
    /// <param name="options">The mitigation.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="context">What was asked for.</param>
    public static DeviceChoice Of(bool isTiny, ModelConfig config, Precision precision, MitigationOptions options, DefenderData data,
        CommandContext context) => Of(context.Settings.Device, isTiny, () => FreeOnGpu(context), free =>
    {
        try
        {
            MemoryPlan.Choose(config, precision == Precision.Bfloat16, options, data, free, onGpu: true);
            return null;
        }
        catch (BeearException failure)
        {
            return failure.Message;
        }
    });

    /// <summary>The rule: what was asked for, else a CUDA device on which the mitigation fits, else the processor.</summary>
    /// <param name="asked">The device that was asked for; null for none.</param>
    /// <param name="isTiny">Whether the model is of the tiny world.</param>
    /// <param name="freeOnGpu">Free memory of the CUDA device, bytes; null where none is seen, 0 where it is not known.</param>
    /// <param name="problem">Why the mitigation does not fit into so many bytes; null if it does.</param>
    internal static DeviceChoice Of(DeviceKind? asked, bool isTiny, Func<long?> freeOnGpu, Func<long, string?> problem)
    {
        if (asked is { } device) return new DeviceChoice(device, "as --device says");
        if (isTiny) return new DeviceChoice(DeviceKind.Cpu, "where a model this small is fastest");
        if (freeOnGpu() is not { } free) return new DeviceChoice(DeviceKind.Cpu, "for this libtorch sees no CUDA device");
        if (free == 0) return new DeviceChoice(DeviceKind.Cpu, "for the driver does not say what memory the CUDA device has free");
        return problem(free) is { } reason ? new DeviceChoice(DeviceKind.Cpu, $"for the CUDA device has too little memory free: {reason}")
            : new DeviceChoice(DeviceKind.Cuda, $"which has {ByteSize.Format(free)} free");
    }

    /// <summary>What matrix products are computed in, and why.</summary>
    public static string Products(Precision precision) => precision == Precision.Bfloat16
        ? "products in bfloat16 with float32 weights, in which the defaults were measured (--precision float32 needs more memory)"
        : "products in float32, as --precision says";

    /// <summary>For people, for example "device: CPU, for this libtorch sees no CUDA device".</summary>
    public override string ToString() => $"device: {Device.ToString().ToUpperInvariant()}, {Why}";

    private static long? FreeOnGpu(CommandContext context)
    {
        TorchRuntime.Load(context.Settings.Libtorch);
        if (!torch.cuda.is_available()) return null;
        CudaKernels.Prepare(torch.CUDA);
        return CudaKernels.DeviceMemory?.Free ?? 0;
    }
}
