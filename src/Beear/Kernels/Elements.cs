using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Beear.Kernels;

/// <summary>
/// A stored number that kernels compute with as float32, sixteen at a time. Where the processor has no 512-bit registers the
/// same code runs on narrower ones, with the same results.
/// </summary>
/// <typeparam name="TSelf">The stored form: as wide in memory as one element of the tensor.</typeparam>
internal unsafe interface IElement<TSelf> where TSelf : unmanaged, IElement<TSelf>
{
    /// <summary>Reads sixteen elements.</summary>
    static abstract Vector512<float> Load(TSelf* source);

    /// <summary>Writes sixteen elements, rounded to nearest even.</summary>
    static abstract void Store(TSelf* target, Vector512<float> values);
}

/// <summary>One float32.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct Float32 : IElement<Float32>
{
    private readonly float value;

    private Float32(float value) => this.value = value;

    public override string ToString() => value.ToString();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Float32* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32* target, Vector512<float> values) => values.Store((float*)target);
}

/// <summary>One bfloat16: the upper half of a float32.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct BrainFloat16 : IElement<BrainFloat16>
{
    private const uint NotANumber = 0x7FC0_0000;
    private readonly ushort bits;

    private BrainFloat16(ushort bits) => this.bits = bits;

    public override string ToString() => BitConverter.UInt32BitsToSingle((uint)bits << 16).ToString();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(BrainFloat16* source)
    {
        var narrow = Vector256.Load((ushort*)source);
        var wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512UInt32(narrow)
            : Vector512.Create(Vector256.WidenLower(narrow), Vector256.WidenUpper(narrow));
        return (wide << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BrainFloat16* target, Vector512<float> values)
    {
        var wide = values.AsUInt32();
        var odd = (wide >> 16) & Vector512<uint>.One;
        var rounded = wide + Vector512.Create(0x7FFFu) + odd;               // half to even
        rounded = Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create(NotANumber));
        rounded >>= 16;
        var narrow = Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(rounded) : Vector256.Narrow(rounded.GetLower(), rounded.GetUpper());
        narrow.Store((ushort*)target);
    }
}

/// <summary>
/// Loads and stores of a vector of which perhaps only the first elements are in memory. A loop passes the constant
/// <see cref="Width"/>, which leaves no branch in it, and treats its tail outside: a call inside would cost it its registers.
/// </summary>
internal static unsafe class Element
{
    /// <summary>Elements in one vector.</summary>
    public const int Width = 16;

    /// <summary>How many of <paramref name="count"/> elements are left over when whole vectors are taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Tail(long count) => count & (Width - 1);

    /// <summary>Reads <paramref name="count"/> elements, at most <see cref="Width"/>; the rest is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* source, long count) where T : unmanaged, IElement<T> =>
        count == Width ? T.Load(source) : LoadTail(source, count);

    /// <summary>Writes the first <paramref name="count"/> elements, at most <see cref="Width"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(T* target, Vector512<float> values, long count) where T : unmanaged, IElement<T>
    {
        if (count == Width) T.Store(target, values);
        else StoreTail(target, values, count);
    }

    /// <summary>Reads fewer than <see cref="Width"/> elements, perhaps none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Vector512<float> LoadTail<T>(T* source, long count) where T : unmanaged, IElement<T>
    {
        var padded = stackalloc T[Width];
        new Span<T>(padded, Width).Clear();
        new ReadOnlySpan<T>(source, (int)count).CopyTo(new Span<T>(padded, Width));
        return T.Load(padded);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreTail<T>(T* target, Vector512<float> values, long count) where T : unmanaged, IElement<T>
    {
        var padded = stackalloc T[Width];
        T.Store(padded, values);
        new ReadOnlySpan<T>(padded, (int)count).CopyTo(new Span<T>(target, (int)count));
    }
}
