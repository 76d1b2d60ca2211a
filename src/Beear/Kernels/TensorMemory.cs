using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>The memory of CPU tensors, as kernels read and write it.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>
    /// The address of a contiguous CPU tensor's first element. It is valid while the tensor lives: end the kernel with
    /// <see cref="GC.KeepAlive"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous, or not on the CPU.</exception>
    public static void* Address(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException($"A kernel needs contiguous CPU memory, not {Describe(tensor)}.", nameof(tensor));
        return StridedAddress(tensor);
    }

    /// <summary>The address of a CPU tensor's first element, for a kernel that follows the tensor's strides.</summary>
    public static void* StridedAddress(Tensor tensor) =>
        (byte*)new View(tensor).data_ptr() + (tensor.storage_offset() * tensor.element_size());

    /// <summary>The address of a contiguous CPU tensor of the given type and number of elements.</summary>
    /// <exception cref="ArgumentException">The tensor is of another type or size, not contiguous, or not on the CPU.</exception>
    public static void* Address(Tensor tensor, ScalarType type, long elements)
    {
        if (tensor.dtype != type || tensor.numel() != elements)
            throw new ArgumentException($"A kernel needs {elements} elements of {type}, not {Describe(tensor)}.", nameof(tensor));
        return Address(tensor);
    }

    /// <summary>Whether two CPU tensors begin at the same address; false elsewhere.</summary>
    public static bool IsSame(Tensor one, Tensor other) =>
        one.device_type == DeviceType.CPU && other.device_type == DeviceType.CPU && StridedAddress(one) == StridedAddress(other);

    private static string Describe(Tensor tensor) =>
        $"{tensor.dtype} ({string.Join(", ", tensor.shape)}), strides ({string.Join(", ", tensor.stride())}) on {tensor.device}";

    /// <summary>The one public way to a tensor's address for any element type and any size: no conversion, no copy.</summary>
    private sealed class View(Tensor tensor) : Storage(tensor)
    {
        public override int element_size() => (int)_tensor.element_size();
    }
}
