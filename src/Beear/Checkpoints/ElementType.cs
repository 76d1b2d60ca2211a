using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>An element type that safetensors files and tensors have in common.</summary>
/// <param name="Name">Its name in a safetensors header.</param>
/// <param name="Size">Bytes of one element.</param>
/// <param name="Scalar">The same type of a tensor.</param>
/// <param name="ConfigName">Its name in config.json, or null if no model is stored in it.</param>
internal sealed record ElementType(string Name, int Size, ScalarType Scalar, string? ConfigName = null)
{
    /// <summary>Every element type that is read and written.</summary>
    public static IReadOnlyList<ElementType> All { get; } =
    [
        new("F64", 8, ScalarType.Float64, "float64"),
        new("F32", 4, ScalarType.Float32, "float32"),
        new("F16", 2, ScalarType.Float16, "float16"),
        new("BF16", 2, ScalarType.BFloat16, "bfloat16"),
        new("I64", 8, ScalarType.Int64),
        new("I32", 4, ScalarType.Int32),
        new("I16", 2, ScalarType.Int16),
        new("I8", 1, ScalarType.Int8),
        new("U8", 1, ScalarType.Byte),
        new("BOOL", 1, ScalarType.Bool),
    ];

    /// <summary>The type of a header's name, or null.</summary>
    public static ElementType? Named(string name) => All.FirstOrDefault(type => type.Name == name);

    /// <summary>The type of a tensor's elements, or null.</summary>
    public static ElementType? Of(ScalarType scalar) => All.FirstOrDefault(type => type.Scalar == scalar);

    /// <summary>
    /// The number of elements of a shape, if that number and its bytes fit; a dimension of 0 does not excuse the others.
    /// </summary>
    public static bool TryCount(IReadOnlyList<long> shape, int elementSize, out long count)
    {
        count = 0;
        UInt128 product = (UInt128)elementSize;
        foreach (var size in shape)
        {
            if (size < 0) return false;
            product *= (UInt128)Math.Max(size, 1);                           // both factors are below 2^64: cannot overflow
            if (product > long.MaxValue) return false;
        }
        count = shape.Contains(0) ? 0 : (long)(product / (UInt128)elementSize);
        return true;
    }
}
