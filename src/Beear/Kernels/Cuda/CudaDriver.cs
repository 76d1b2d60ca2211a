using System.Runtime.InteropServices;

namespace Beear.Kernels.Cuda;

/// <summary>The few functions of the graphics driver that libtorch has no name for, in libtorch's own context.</summary>
internal static unsafe class CudaDriver
{
    private const int ComputeMajor = 75, ComputeMinor = 76;              // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…
    private static readonly Lazy<nint> Library =
        new(() => NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library) ? library : 0);
    private static nint context;                                         // in which the kernels are

    [ThreadStatic]
    private static bool isCurrent;

    private static readonly Lazy<nint> LaunchFunction = new(() => Function("cuLaunchKernel"));

    /// <summary>Whether there is a driver.</summary>
    public static bool IsThere => Library.Value != 0;

    /// <summary>Memory of the current device in bytes; null without a driver.</summary>
    public static (long Free, long Total)? Memory
    {
        get
        {
            if (Library.Value == 0) return null;
            nuint free, total;
            Check("cuMemGetInfo", ((delegate* unmanaged<nuint*, nuint*, int>)Function("cuMemGetInfo_v2"))(&free, &total));
            return ((long)free, (long)total);
        }
    }

    /// <summary>The current device's compute capability, e.g. 90 for 9.0.</summary>
    public static int ComputeCapability()
    {
        int device, major, minor;
        Check("cuCtxGetDevice", ((delegate* unmanaged<int*, int>)Function("cuCtxGetDevice"))(&device));
        var attribute = (delegate* unmanaged<int*, int, int, int>)Function("cuDeviceGetAttribute");
        Check("cuDeviceGetAttribute", attribute(&major, ComputeMajor, device));
        Check("cuDeviceGetAttribute", attribute(&minor, ComputeMinor, device));
        return 10 * major + minor;
    }

    /// <summary>Loads compiled kernels into the current context.</summary>
    public static nint LoadModule(byte[] image)
    {
        nint module;
        fixed (nint* current = &context) Check("cuCtxGetCurrent", ((delegate* unmanaged<nint*, int>)Function("cuCtxGetCurrent"))(current));
        fixed (byte* start = image) Check("cuModuleLoadData",
            ((delegate* unmanaged<nint*, byte*, int>)Function("cuModuleLoadData"))(&module, start));
        return module;
    }

    /// <summary>A kernel of a module.</summary>
    public static nint FindKernel(nint module, string name)
    {
        nint kernel, text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            Check($"cuModuleGetFunction({name})",
                ((delegate* unmanaged<nint*, nint, nint, int>)Function("cuModuleGetFunction"))(&kernel, module, text));
            return kernel;
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    /// <summary>Puts a kernel into libtorch's stream.</summary>
    /// <param name="kernel">From <see cref="FindKernel"/>.</param>
    /// <param name="columns">Blocks in x.</param>
    /// <param name="rows">Blocks in y.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="arguments">Eight bytes for each argument, of which the kernel reads as many as it needs.</param>
    public static void Launch(nint kernel, uint columns, uint rows, uint threads, ReadOnlySpan<ulong> arguments)
    {
        // Backward runs on threads of autograd's own, which have no context until they need one.
        if (!isCurrent) Check("cuCtxSetCurrent", ((delegate* unmanaged<nint, int>)Function("cuCtxSetCurrent"))(context));
        isCurrent = true;
        fixed (ulong* values = arguments)
        {
            void** addresses = stackalloc void*[arguments.Length];
            for (int i = 0; i < arguments.Length; i++) addresses[i] = values + i;
            // Stream 0 is libtorch's own as long as nobody chooses another, and TorchSharp has no way to.
            Check("cuLaunchKernel", ((delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**,
                int>)LaunchFunction.Value)(
                kernel, columns, rows, 1, threads, 1, 1, 0, 0, addresses, null));
        }
    }

    private static nint Function(string name) => NativeLibrary.GetExport(Library.Value, name);

    private static void Check(string call, int result)
    {
        if (result != 0) throw new BeearException($"The graphics driver refused {call} with error {result}.");
    }
}
