using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Beear.Checkpoints.Gguf.Blocks;

/// <summary>Sixteen packed elements at a time: the steps that all block formats are made of.</summary>
internal static unsafe class Lanes
{
    /// <summary>Elements of one step.</summary>
    public const int Count = 16;

    private static readonly Vector128<byte> BitOfLane = Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);

    /// <summary>A float16 as float32.</summary>
    public static float Half(byte* source) => (float)*(Half*)source;

    /// <summary>The bits of each byte from <paramref name="shift"/> on, as many as <paramref name="mask"/> has.</summary>
    public static Vector128<byte> Bits(byte* source, int shift, byte mask) => (Vector128.Load(source) >>> shift) & Vector128.Create(mask);

    /// <summary><paramref name="value"/> in the lanes whose bit is set in the two bytes at <paramref name="source"/>, else 0.</summary>
    public static Vector128<byte> Spread(byte* source, byte value)
    {
        var bytes = Vector128.Create(Vector64.Create(source[0]), Vector64.Create(source[1]));
        return Vector128.Equals(bytes & BitOfLane, BitOfLane) & Vector128.Create(value);
    }

    /// <summary>Writes value · scale + minimum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<sbyte> values, float scale, float minimum, float* target)
    {
        var (low, high) = Vector128.Widen(values);
        Store(low, scale, minimum, target);
        Store(high, scale, minimum, target + Vector128<short>.Count);
    }

    private static void Store(Vector128<short> values, float scale, float minimum, float* target)
    {
        var (low, high) = Vector128.Widen(values);
        ((Vector128.ConvertToSingle(low) * scale) + Vector128.Create(minimum)).Store(target);
        ((Vector128.ConvertToSingle(high) * scale) + Vector128.Create(minimum)).Store(target + Vector128<float>.Count);
    }
}
