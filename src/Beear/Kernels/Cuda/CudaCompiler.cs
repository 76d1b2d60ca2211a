using System.Runtime.InteropServices;
using System.Text;
using Beear.Runtime;

namespace Beear.Kernels.Cuda;

/// <summary>NVIDIA's run-time compiler, which comes with every libtorch for CUDA.</summary>
internal static unsafe class CudaCompiler
{
    /// <summary>Compiles for a compute capability.</summary>
    /// <param name="source">CUDA C++.</param>
    /// <param name="capability">E.g. 90.</param>
    /// <returns>An image to load.</returns>
    /// <exception cref="BeearException">There is no compiler, or it refuses.</exception>
    public static byte[] Compile(string source, int capability)
    {
        nint library = Candidates().Select(path => NativeLibrary.TryLoad(path, out nint handle) ? handle : 0)
            .FirstOrDefault(handle => handle != 0);
        if (library == 0) throw new BeearException(
            "NVIDIA's run-time compiler (libnvrtc) was found neither beside libtorch nor in the system.");
        nint Function(string name) => NativeLibrary.GetExport(library, name);

        nint program, text = Marshal.StringToCoTaskMemUTF8(source),
            option = Marshal.StringToCoTaskMemUTF8($"--gpu-architecture=sm_{capability}");
        try
        {
            Check(((delegate* unmanaged<nint*, nint, nint, int, nint, nint, int>)Function("nvrtcCreateProgram"))(&program, text,
                0, 0, 0, 0), "");
            int result = ((delegate* unmanaged<nint, int, nint*, int>)Function("nvrtcCompileProgram"))(program, 1, &option);
            Check(result, result == 0 ? "" : Encoding.UTF8.GetString(Read(program, "nvrtcGetProgramLog")).TrimEnd('\0', '\n'));
            return Read(program, "nvrtcGetCUBIN");
        }
        finally
        {
            Marshal.FreeCoTaskMem(option);
            Marshal.FreeCoTaskMem(text);
        }

        byte[] Read(nint compiled, string what)
        {
            nuint size;
            Check(((delegate* unmanaged<nint, nuint*, int>)Function($"{what}Size"))(compiled, &size), "");
            var bytes = new byte[size];
            fixed (byte* start = bytes) Check(((delegate* unmanaged<nint, byte*, int>)Function(what))(compiled, start), "");
            return bytes;
        }
    }

    /// <summary>Beside libtorch; where PyTorch's wheels keep it; in the system.</summary>
    private static IEnumerable<string> Candidates()
    {
        string[] folders = TorchRuntime.LibtorchFolder is { } libtorch
            ? [libtorch, .. Folders(Path.Combine(libtorch, "..", "..", "nvidia"))]
            : [AppContext.BaseDirectory];
        var found = folders.SelectMany(folder => Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, OperatingSystem.IsWindows() ? "nvrtc64_*.dll" : "libnvrtc*.so*") : [])
            .Where(path => !Path.GetFileName(path).Contains("builtins", StringComparison.Ordinal)
                && !Path.GetFileName(path).Contains(".alt.", StringComparison.Ordinal));
        return [.. found, "libnvrtc.so.13", "libnvrtc.so.12", "/usr/local/cuda/lib64/libnvrtc.so"];

        static IEnumerable<string> Folders(string packages) =>
            Directory.Exists(packages) ? Directory.EnumerateDirectories(packages).Select(package => Path.Combine(package, "lib")) : [];
    }

    private static void Check(int result, string log)
    {
        if (result != 0) throw new BeearException($"NVIDIA's run-time compiler failed with error {result}. {log}");
    }
}
