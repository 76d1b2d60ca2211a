using System.Numerics;
using System.Runtime.CompilerServices;
using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>Finds NaN and infinity in weights: in every floating type, those whose exponent bits are all ones.</summary>
internal static unsafe class FiniteCheck
{
    private const long ChunkElements = 1 << 20;

    /// <summary>Whether every element is a number; true for the types that have no others.</summary>
    /// <param name="tensor">Any tensor; one that is contiguous and on the CPU is read as it lies.</param>
    public static bool AllFinite(Tensor tensor) => tensor.dtype switch
    {
        _ when tensor.device_type != DeviceType.CPU || !tensor.is_contiguous() => AllFiniteByTorch(tensor),
        ScalarType.Float64 => AllFinite(tensor, 0x7FF0_0000_0000_0000ul),
        ScalarType.Float32 => AllFinite(tensor, 0x7F80_0000u),
        ScalarType.Float16 => AllFinite(tensor, (ushort)0x7C00),
        ScalarType.BFloat16 => AllFinite(tensor, (ushort)0x7F80),
        _ => true,
    };

    private static bool AllFiniteByTorch(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.isfinite().all().item<bool>();
    }

    private static bool AllFinite<T>(Tensor tensor, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var count = tensor.numel();
        if (count == 0) return true;
        var elements = (T*)TensorMemory.Address(tensor);
        var found = false;
        Chunks.Run(Chunks.Count(count, ChunkElements), chunk =>
        {
            var first = chunk * ChunkElements;
            if (AnyAllOnes(elements + first, (int)Math.Min(ChunkElements, count - first), exponent)) Volatile.Write(ref found, true);
        });
        GC.KeepAlive(tensor);
        return !found;
    }

    private static bool AnyAllOnes<T>(T* elements, int count, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        var i = 0;
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(Unsafe.ReadUnaligned<Vector<T>>(elements + i) & mask, mask)) return true;
        }
        for (; i < count; i++)
        {
            if ((elements[i] & exponent) == exponent) return true;
        }
        return false;
    }
}
