using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Beear.Lab.Runs;

/// <summary>The program that made a run.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Revision">The commit that it was built from; null if it was not built from a repository.</param>
/// <param name="IsDirty">Whether files differed from that commit when it was built; null if that is not known.</param>
public sealed record CodeVersion(string Version, string? Revision, bool? IsDirty)
{
    /// <summary>This program.</summary>
    public static CodeVersion Current { get; } = Read(typeof(CodeVersion).Assembly);

    private static CodeVersion Read(Assembly assembly)
    {
        string[] parts = (assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown")
            .Split('+', 2);
        string? dirty = assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(one => one.Key == "Dirty")?.Value;
        return new CodeVersion(parts[0], parts.Length > 1 ? parts[1] : null, bool.TryParse(dirty, out bool isDirty) ? isDirty : null);
    }
}

/// <summary>The machine that made a run.</summary>
/// <param name="Processor">The processor's name; null where the system does not tell.</param>
/// <param name="Cores">Logical processors that the process may use.</param>
/// <param name="Threads">Threads of libtorch.</param>
/// <param name="Memory">Memory that the process may use, bytes.</param>
/// <param name="System">Operating system and architecture.</param>
/// <param name="Device">cpu, or the GPU.</param>
/// <param name="Libtorch">Version of libtorch.</param>
public sealed record MachineFacts(string? Processor, int Cores, int Threads, long Memory, string System, string Device, string Libtorch)
{
    private const string CpuInfo = "/proc/cpuinfo", Status = "/proc/self/status", ClearReferences = "/proc/self/clear_refs";

    /// <summary>This machine.</summary>
    /// <param name="device">Where models are computed.</param>
    public static MachineFacts Of(torch.Device device) => new(ProcessorName(), Environment.ProcessorCount, torch.get_num_threads(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}",
        device.ToString(), torch.__version__);

    /// <summary>Begins to count <see cref="PeakMemory"/> anew, where the system can.</summary>
    internal static void ResetPeakMemory()
    {
        try
        {
            if (OperatingSystem.IsLinux()) File.WriteAllText(ClearReferences, "5");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Then the peak is that of the whole process.
        }
    }

    /// <summary>Most memory that the process had in use, bytes; null where the system does not tell.</summary>
    internal static long? PeakMemory()
    {
        if (!OperatingSystem.IsLinux()) return Environment.WorkingSet;
        string? peak = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return peak is not null && long.TryParse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], out long kibibytes)
            ? kibibytes * 1024 : null;
    }

    private static string? ProcessorName()
    {
        string? named = OperatingSystem.IsLinux() && File.Exists(CpuInfo)
            ? File.ReadLines(CpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return named?.Split(':', 2)[1].Trim() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }
}
