using System.Runtime.InteropServices;
using TorchSharp;

namespace Beear.Runtime;

/// <summary>
/// Loads libtorch once per process, before the first tensor: the bundled CPU build, or the libraries of an installed PyTorch.
/// </summary>
public static partial class TorchRuntime
{
    /// <summary>Environment variable that names the <c>torch/lib</c> folder of an installed PyTorch.</summary>
    public const string LibtorchVariable = "BEEAR_LIBTORCH";

    /// <summary>The PyTorch versions whose libraries define every symbol that LibTorchSharp 0.107 asks for.</summary>
    public const string FittingVersions =
        "PyTorch 2.10 and 2.11 fit; 2.13 and later have dropped symbols (named dimensions) that are needed";

    /// <summary>The version of the libtorch packages, as Directory.Packages.props has it.</summary>
    internal const string BundledVersion = "2.10.0";

    private const string NeededStandardLibrary = "libstdc++.so.6";
    private static readonly Lock Gate = new();
    private static bool loaded;

    /// <summary>Where the libraries of an installed PyTorch were taken from, or null when the bundled libtorch is used.</summary>
    public static string? LibtorchFolder { get; private set; }

    /// <summary>Whether libtorch was loaded by <see cref="Load"/>.</summary>
    public static bool IsLoaded => Volatile.Read(ref loaded);

    /// <summary>
    /// Loads libtorch. Later calls do nothing. Everything in the library that makes tensors calls it, so an application needs it
    /// only to name another libtorch.
    /// </summary>
    /// <param name="libtorchFolder">The <c>torch/lib</c> folder of an installed PyTorch; null reads <see cref="LibtorchVariable"/>,
    /// and the bundled CPU libtorch is used if that is unset too.</param>
    /// <exception cref="BeearException">The folder holds no libtorch, one of an unfitting version, or loading failed.</exception>
    public static void Load(string? libtorchFolder = null)
    {
        lock (Gate)
        {
            if (loaded) return;
            if (OperatingSystem.IsLinux()) LetThreadsSleep();
            var folder = libtorchFolder ?? Environment.GetEnvironmentVariable(LibtorchVariable);
            if (!string.IsNullOrWhiteSpace(folder))
            {
                LoadInstalled(folder);
                LibtorchFolder = folder;
            }
            try
            {
                if (OperatingSystem.IsLinux()) PreloadLinux();
                _ = torch.get_num_threads();        // runs TorchSharp's own loading and proves that calls reach libtorch
            }
            catch (Exception failure) when (failure is TypeInitializationException or DllNotFoundException or NotSupportedException
                or EntryPointNotFoundException)
            {
                throw new BeearException(Explain(failure), failure);
            }
            Volatile.Write(ref loaded, true);
        }
    }

    /// <summary>
    /// OpenMP's threads, which libtorch uses, turn in circles for a while after each of its operations; the threads of our own kernels,
    /// which come next, need the same cores. Must be said before the library is loaded; whoever has set the variable keeps it.
    /// </summary>
    private static void LetThreadsSleep()
    {
        try
        {
            _ = SetVariable("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            // Slower, not wrong.
        }
    }

    /// <summary>The C library's own: .NET's reaches no native library.</summary>
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetVariable(string name, string value, int overwrite);

    private static string Explain(Exception failure)
    {
        if (LibtorchFolder is { } folder) return $"The libtorch in '{folder}' could not be loaded: {Innermost(failure)}; "
            + $"{FittingVersions}.";
        string advice = $"set {LibtorchVariable} to the torch/lib folder of an installed PyTorch";
        if (Platform is not ("linux-x64" or "win-x64" or "osx-arm64"))
            return $"There is no libtorch for {Platform}: run on linux-x64, win-x64 or osx-arm64, or {advice}.";
        return FindBundled(FileOf("torch_cpu")) is null
            ? $"There is no libtorch beside this program: add the package libtorch-cpu-{Platform} {BundledVersion} to the application, or "
                + $"{advice}."
            : $"libtorch could not be loaded: {Innermost(failure)}; install what it needs, or {advice}.";
    }

    private static string Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner) failure = inner;
        return failure.Message.Split('\n')[0].TrimEnd('.', ' ');
    }

    private static void LoadInstalled(string folder)
    {
        // In the order of their dependencies; the CUDA ones are there only in a CUDA build.
        string[] required = ["c10", "torch_cpu", "torch"];
        foreach (var library in required)
        {
            if (!File.Exists(Path.Combine(folder, FileOf(library))))
                throw new BeearException($"'{folder}' holds no {FileOf(library)}; name the torch/lib folder of an installed PyTorch "
                    + $"({FittingVersions}).");
        }
        foreach (var library in new[] { "torch_global_deps", "c10", "torch_cpu", "c10_cuda", "torch_cuda_linalg", "torch_cuda", "torch" })
        {
            var path = Path.Combine(folder, FileOf(library));
            if (!File.Exists(path)) continue;
            try
            {
                NativeLibrary.Load(path);
            }
            catch (DllNotFoundException failure)
            {
                throw new BeearException($"'{path}' could not be loaded: {Innermost(failure)}. {FittingVersions}.", failure);
            }
        }
    }

    /// <summary>The system as package names have it, e.g. "linux-x64".</summary>
    private static string Platform { get; } =
        (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
            + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static string FileOf(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>
    /// Loads the bundled libtorch, and where the system's libstdc++ is older than LibTorchSharp's version table says, a copy of
    /// LibTorchSharp whose one unused requirement is weak; see <see cref="ElfSymbolVersions"/>. On newer systems no file is touched.
    /// </summary>
    private static void PreloadLinux()
    {
        if (LibtorchFolder is null)
        {
            // TorchSharp asks for these by name, which finds what the process holds already.
            foreach (var library in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
            {
                if (FindBundled(library) is { } path) NativeLibrary.Load(path);
            }
        }
        if (FindBundled("libLibTorchSharp.so") is not { } original) return;   // TorchSharp's own search will say what is missing
        var image = File.ReadAllBytes(original);
        var versions = ElfSymbolVersions.Parse(image);
        var available = StandardLibraryVersions();
        var missing = versions.Needed()
            .Where(need => need.Library == NeededStandardLibrary && !available.Contains(need.Version)).ToList();
        if (missing.Count == 0) return;
        foreach (var (library, version) in missing) versions.WeakenNeeded(library, version);
        LibraryImage.Load("libLibTorchSharp.so", image);
    }

    private static string? FindBundled(string fileName)
    {
        string[] candidates =
        [
            Path.Combine(AppContext.BaseDirectory, "libtorch", fileName),
            Path.Combine(AppContext.BaseDirectory, fileName),
            Path.Combine(AppContext.BaseDirectory, "runtimes", Platform, "native", fileName),
        ];
        return Array.Find(candidates, File.Exists);
    }

    /// <summary>The versions that the libstdc++ of this process defines; empty if it cannot be found.</summary>
    internal static IReadOnlySet<string> StandardLibraryVersions()
    {
        NativeLibrary.TryLoad(NeededStandardLibrary, out _);
        var path = File.ReadLines("/proc/self/maps")
            .Select(line => line.IndexOf('/', StringComparison.Ordinal) is >= 0 and var i ? line[i..] : "")
            .FirstOrDefault(mapped => Path.GetFileName(mapped).StartsWith("libstdc++.so", StringComparison.Ordinal));
        return path is null ? new HashSet<string>() : ElfSymbolVersions.Parse(File.ReadAllBytes(path)).Defined();
    }
}
