using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Rounding of float32 to bfloat16 up or down at random, each with the chance that makes the mean exact: small changes of a large number
/// are not lost, as they are in rounding to nearest. What is random is a hash of an element's index and a key: the same on any number of
/// threads.
/// </summary>
internal static class StochasticRounding
{
    private const uint Stride = 0x9E3779B1, First = 0x7FEB352D, Second = 0x846CA68B;

    private static readonly Vector512<uint> Lanes = Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    /// <summary>The key of one tensor at one step.</summary>
    public static uint Key(int step, int tensor) => Mix(Mix(unchecked((uint)step * Stride)) ^ unchecked((uint)tensor));

    /// <summary>Another key, for a second row of random bits.</summary>
    public static uint Other(uint key) => Mix(~key);

    /// <summary>32 random bits for each of the elements <paramref name="index"/> … + 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Bits(long index, uint key)
    {
        var x = ((Vector512.Create(unchecked((uint)index)) + Lanes) * Vector512.Create(Stride)) ^ Vector512.Create(key);
        x = (x ^ (x >> 16)) * Vector512.Create(First);
        x = (x ^ (x >> 15)) * Vector512.Create(Second);
        return x ^ (x >> 16);
    }

    /// <summary>Rounds to values that bfloat16 holds exactly.</summary>
    /// <param name="values">What is not a number stays so.</param>
    /// <param name="bits">Random, 0 … 65535.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values, Vector512<uint> bits)
    {
        var rounded = ((values.AsUInt32() + bits) & Vector512.Create(0xFFFF_0000u)).AsSingle();
        return Vector512.ConditionalSelect(Vector512.Equals(values, values), rounded, values);
    }

    /// <summary><see cref="Bits(long, uint)"/> of the elements 0 … count − 1 in torch operations.</summary>
    /// <returns>(count) int64, each 0 … 2³² − 1.</returns>
    public static Tensor PlainBits(long count, uint key, Device device)
    {
        using var scope = NewDisposeScope();
        var x = Low(Arithmetic.Range(0, count, device).Times(Stride)).bitwise_xor(tensor((long)key, device: device));
        x = Low(Shifted(x, 16).Times(First));
        x = Low(Shifted(x, 15).Times(Second));
        return Shifted(x, 16).MoveToOuterDisposeScope();

        Tensor Low(Tensor value) => value.bitwise_and(tensor(0xFFFF_FFFFL, device: device));
        Tensor Shifted(Tensor value, int by) => value.bitwise_xor(value.bitwise_right_shift(tensor((long)by, device: device)));
    }

    /// <summary><see cref="Round(Vector512{float}, Vector512{uint})"/> in torch operations.</summary>
    /// <param name="values">float32, zero or normal.</param>
    /// <param name="bits">int64 of as many elements, each 0 … 65535.</param>
    /// <returns>bfloat16, of the same shape.</returns>
    public static Tensor Plain(Tensor values, Tensor bits)
    {
        using var scope = NewDisposeScope();
        var (mantissa, exponent) = frexp(values);                        // |mantissa| in [½, 1): 24 bits, of which 8 stay
        var kept = mantissa.abs().Times(1 << 24).to_type(ScalarType.Int64).Plus(bits.view(values.shape))
            .bitwise_right_shift(tensor(16L, device: values.device));
        var scale = pow(tensor(2.0, device: values.device), exponent.to_type(ScalarType.Float64).Minus(8));
        return (kept.to_type(ScalarType.Float64) * scale * values.sign()).to_type(ScalarType.BFloat16).MoveToOuterDisposeScope();
    }

    private static uint Mix(uint x)
    {
        unchecked
        {
            x = (x ^ (x >> 16)) * First;
            x = (x ^ (x >> 15)) * Second;
            return x ^ (x >> 16);
        }
    }
}
