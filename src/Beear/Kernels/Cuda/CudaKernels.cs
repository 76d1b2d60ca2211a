using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels.Cuda;

/// <summary>
/// Our kernels on CUDA tensors. They are compiled on the device when the first one is needed; where that fails, torch's own operations
/// stand in, and <see cref="Problem"/> says why.
/// </summary>
internal static class CudaKernels
{
    /// <summary>Environment variable: <c>off</c> leaves everything to torch's operations.</summary>
    public const string Variable = "BEEAR_CUDA_KERNELS";

    private const uint Threads = 256;
    private static readonly ConcurrentDictionary<string, nint> Kernels = new(StringComparer.Ordinal);
    private static readonly Lazy<nint> Module = new(Load);

    /// <summary>Why the kernels are not used although there was a CUDA tensor for them; null where they are.</summary>
    public static string? Problem { get; private set; }

    /// <summary>Whether this machine has a driver for CUDA devices; asks no device, and loads no libtorch.</summary>
    public static bool HasDriver => CudaDriver.IsThere;

    /// <summary>Memory of the current device in bytes; null without a graphics driver.</summary>
    /// <exception cref="BeearException">The driver refuses, as where no device is in use yet.</exception>
    public static (long Free, long Total)? DeviceMemory => CudaDriver.Memory;

    /// <summary>Compiles the kernels now, not when they are first needed.</summary>
    /// <returns>Whether they are in use; if not, <see cref="Problem"/> says why.</returns>
    public static bool Prepare(Device device)
    {
        using var tensor = zeros(4, device: device);                     // makes the device's context
        return Fit(1, tensor);
    }

    /// <summary>
    /// Whether a kernel may run on these tensors: all on CUDA, contiguous, and aligned where their rows are read by fours.
    /// </summary>
    /// <param name="width">Elements of a row; 1 where nothing is read by fours.</param>
    /// <param name="tensors">What the kernel reads and writes.</param>
    internal static bool Fit(long width, params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var tensor in tensors)
        {
            if (tensor is null) continue;
            if (tensor.device_type != DeviceType.CUDA || !tensor.is_contiguous()
                || (width > 1 && tensor.storage_offset() % 4 != 0)) return false;
        }
        return (width == 1 || width % 4 == 0) && Module.Value != 0;
    }

    /// <summary>A kernel's name with those of its element types.</summary>
    internal static string Named(string kernel, params ReadOnlySpan<Tensor> tensors)
    {
        foreach (var tensor in tensors) kernel += tensor.dtype == ScalarType.BFloat16 ? "_bfloat16" : "_float32";
        return kernel;
    }

    /// <summary>Runs a kernel.</summary>
    /// <param name="kernel">Its name in kernels.cu.</param>
    /// <param name="columns">Blocks in x, e.g. one for each row.</param>
    /// <param name="rows">Blocks in y.</param>
    /// <param name="arguments">Its arguments; the tensors must live until the call returns.</param>
    internal static void Run(string kernel, long columns, long rows, params ReadOnlySpan<Argument> arguments)
    {
        if (columns == 0 || rows == 0) return;
        Span<ulong> values = stackalloc ulong[arguments.Length];
        for (int i = 0; i < arguments.Length; i++) values[i] = arguments[i].Bits;
        CudaDriver.Launch(Kernels.GetOrAdd(kernel, name => CudaDriver.FindKernel(Module.Value, name)), checked((uint)columns),
            checked((uint)rows), Threads, values);
    }

    /// <summary>Blocks for a thread for each element, or for several where there are many.</summary>
    internal static long Blocks(long elements) => Math.Min((elements + Threads - 1) / Threads, 4096);

    private static nint Load()
    {
        try
        {
            if (Environment.GetEnvironmentVariable(Variable) == "off") throw new BeearException($"{Variable} is off.");
            using var stream = typeof(CudaKernels).Assembly.GetManifestResourceStream("kernels.cu")!;
            using var reader = new StreamReader(stream);
            return CudaDriver.LoadModule(CudaCompiler.Compile(reader.ReadToEnd(), CudaDriver.ComputeCapability()));
        }
        catch (Exception failure) when (failure is BeearException or EntryPointNotFoundException or DllNotFoundException)
        {
            Problem = failure.Message;
            return 0;
        }
    }

    /// <summary>An argument of a kernel: the address of a tensor's first element, or a number.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly struct Argument
    {
        private Argument(ulong bits) => Bits = bits;

        public ulong Bits { get; }

        public static unsafe implicit operator Argument(Tensor? tensor) =>
            new(tensor is null ? 0 : (ulong)TensorMemory.StridedAddress(tensor));

        public static implicit operator Argument(long value) => new((ulong)value);

        public static implicit operator Argument(int value) => new((uint)value);

        public static implicit operator Argument(uint value) => new(value);

        public static implicit operator Argument(float value) => new(BitConverter.SingleToUInt32Bits(value));
    }
}
