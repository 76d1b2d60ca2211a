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

    /// <summary>Reads the first elements of a vector, fewer than sixteen; the rest is zero.</summary>
    static abstract Vector512<float> LoadFirst(TSelf* source, long count);

    /// <summary>Writes the first elements of a vector, fewer than sixteen.</summary>
    static abstract void StoreFirst(TSelf* target, Vector512<float> values, long count);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFirst(Float32* source, long count) =>
        Avx512F.IsSupported ? Avx512F.MaskLoad((float*)source, First(count), Vector512<float>.Zero) : Element.CopyFirst(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(Float32* target, Vector512<float> values, long count)
    {
        if (Avx512F.IsSupported) Avx512F.MaskStore((float*)target, First(count), values);
        else Element.CopyFirst(target, values, count);
    }

    private static Vector512<float> First(long count) =>
        Vector512.LessThan(Vector512.CreateSequence(0f, 1f), Vector512.Create((float)count));
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
    public static Vector512<float> Load(BrainFloat16* source) => Widen(Vector256.Load((ushort*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BrainFloat16* target, Vector512<float> values) => Narrow(values).Store((ushort*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFirst(BrainFloat16* source, long count) => Avx512BW.VL.IsSupported
        ? Widen(Avx512BW.VL.MaskLoad((ushort*)source, First(count), Vector256<ushort>.Zero))
        : Element.CopyFirst(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(BrainFloat16* target, Vector512<float> values, long count)
    {
        if (Avx512BW.VL.IsSupported) Avx512BW.VL.MaskStore((ushort*)target, First(count), Narrow(values));
        else Element.CopyFirst(target, values, count);
    }

    private static Vector256<ushort> First(long count) =>
        Vector256.LessThan(Vector256.CreateSequence((ushort)0, (ushort)1), Vector256.Create((ushort)count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector256<ushort> narrow)
    {
        var wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512UInt32(narrow)
            : Vector512.Create(Vector256.WidenLower(narrow), Vector256.WidenUpper(narrow));
        return (wide << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector512<float> values)
    {
        var wide = values.AsUInt32();
        var odd = (wide >> 16) & Vector512<uint>.One;
        var rounded = wide + Vector512.Create(0x7FFFu) + odd;               // half to even
        rounded = Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create(NotANumber));
        rounded >>= 16;
        return Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(rounded) : Vector256.Narrow(rounded.GetLower(), rounded.GetUpper());
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
        count == Width ? T.Load(source) : T.LoadFirst(source, count);

    /// <summary>Writes the first <paramref name="count"/> elements, at most <see cref="Width"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(T* target, Vector512<float> values, long count) where T : unmanaged, IElement<T>
    {
        if (count == Width) T.Store(target, values);
        else T.StoreFirst(target, values, count);
    }

    /// <summary>Reads fewer than <see cref="Width"/> elements where the processor has no masks for that.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Vector512<float> CopyFirst<T>(T* source, long count) where T : unmanaged, IElement<T>
    {
        var padded = stackalloc T[Width];
        new Span<T>(padded, Width).Clear();
        new ReadOnlySpan<T>(source, (int)count).CopyTo(new Span<T>(padded, Width));
        return T.Load(padded);
    }

    /// <summary>Writes fewer than <see cref="Width"/> elements where the processor has no masks for that.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CopyFirst<T>(T* target, Vector512<float> values, long count) where T : unmanaged, IElement<T>
    {
        var padded = stackalloc T[Width];
        T.Store(padded, values);
        new ReadOnlySpan<T>(padded, (int)count).CopyTo(new Span<T>(target, (int)count));
    }
}
