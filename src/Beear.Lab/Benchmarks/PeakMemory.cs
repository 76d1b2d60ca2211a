using System.Globalization;
using Beear.Kernels.Cuda;
using static TorchSharp.torch;

namespace Beear.Lab.Benchmarks;

/// <summary>The largest resident memory of this process since a moment; Linux only.</summary>
internal static class PeakMemory
{
    /// <summary>Forgets what was before.</summary>
    public static void Reset()
    {
        const string ClearReferences = "/proc/self/clear_refs", PeakOfResidentSet = "5";
        try
        {
            File.WriteAllText(ClearReferences, PeakOfResidentSet);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Then the peak is that of the whole process.
        }
    }

    /// <summary>What libtorch has taken of a CUDA device by now, which it keeps; of other devices <see cref="Bytes"/>.</summary>
    public static long? Of(Device device) =>
        device.type == TorchSharp.DeviceType.CUDA ? CudaKernels.DeviceMemory is { } memory ? memory.Total - memory.Free : null : Bytes;

    /// <summary>Bytes; null where the system does not say.</summary>
    public static long? Bytes
    {
        get
        {
            const string Key = "VmHWM:", Status = "/proc/self/status";
            if (!File.Exists(Status)) return null;
            var line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            return line is null ? null : 1024 * long.Parse(line[Key.Length..].Replace("kB", "", StringComparison.Ordinal),
                CultureInfo.InvariantCulture);
        }
    }
}
