using System.Runtime.Intrinsics;

namespace Beear.Checkpoints.Gguf.Blocks;

// Blocks of 32 elements. Where an element has four bits, the low halves of 16 bytes are the block's first 16 elements, the high halves
// its last 16; a fifth bit of each lies in a word of 32 bits.

/// <summary>Scale, 16 bytes: (q − 8) · scale.</summary>
internal readonly unsafe struct Q4_0 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 18;

    public static void Dequantise(byte* block, float* target)
    {
        for (var half = 0; half < 2; half++)
        {
            var values = Lanes.Bits(block + 2, 4 * half, 0x0F).AsSByte() - Vector128.Create((sbyte)8);
            Lanes.Store(values, Lanes.Half(block), 0, target + (half * Lanes.Count));
        }
    }
}

/// <summary>Scale, minimum, 16 bytes: q · scale + minimum.</summary>
internal readonly unsafe struct Q4_1 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 20;

    public static void Dequantise(byte* block, float* target)
    {
        for (var half = 0; half < 2; half++)
            Lanes.Store(Lanes.Bits(block + 4, 4 * half, 0x0F).AsSByte(), Lanes.Half(block), Lanes.Half(block + 2),
                target + (half * Lanes.Count));
    }
}

/// <summary>Scale, the fifth bits, 16 bytes: (q − 16) · scale.</summary>
internal readonly unsafe struct Q5_0 : IWritableBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 22;

    public static void Dequantise(byte* block, float* target)
    {
        for (var half = 0; half < 2; half++)
        {
            var values = Lanes.Bits(block + 6, 4 * half, 0x0F) | Lanes.Spread(block + 2 + (2 * half), 0x10);
            Lanes.Store(values.AsSByte() - Vector128.Create((sbyte)16), Lanes.Half(block), 0, target + (half * Lanes.Count));
        }
    }

    public static void Quantise(float* source, byte* block)
    {
        *(Half*)block = (Half)LeastSquares.Symmetric(source, Elements, levels: 16);
        var levels = stackalloc int[Elements];
        LeastSquares.Levels(source, Elements, Lanes.Half(block), minimum: 0, -16, 15, levels);
        var fifth = 0u;
        for (var i = 0; i < Elements; i++) fifth |= (uint)((levels[i] + 16) >> 4) << i;
        *(uint*)(block + 2) = fifth;
        for (var i = 0; i < Lanes.Count; i++) block[6 + i] = (byte)(((levels[i] + 16) & 0x0F) | ((levels[i + Lanes.Count] + 16) << 4));
    }
}

/// <summary>Scale, minimum, the fifth bits, 16 bytes: q · scale + minimum.</summary>
internal readonly unsafe struct Q5_1 : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 24;

    public static void Dequantise(byte* block, float* target)
    {
        for (var half = 0; half < 2; half++)
        {
            var values = Lanes.Bits(block + 8, 4 * half, 0x0F) | Lanes.Spread(block + 4 + (2 * half), 0x10);
            Lanes.Store(values.AsSByte(), Lanes.Half(block), Lanes.Half(block + 2), target + (half * Lanes.Count));
        }
    }
}

/// <summary>Scale, 32 signed bytes: q · scale.</summary>
internal readonly unsafe struct Q8_0 : IWritableBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 34;

    public static void Dequantise(byte* block, float* target)
    {
        for (var i = 0; i < Elements; i += Lanes.Count) Lanes.Store(Vector128.Load((sbyte*)block + 2 + i), Lanes.Half(block),
            0, target + i);
    }

    public static void Quantise(float* source, byte* block)
    {
        *(Half*)block = (Half)(MathF.Abs(LeastSquares.Extreme(source, Elements)) / sbyte.MaxValue);
        var levels = stackalloc int[Elements];
        LeastSquares.Levels(source, Elements, Lanes.Half(block), minimum: 0, -sbyte.MaxValue, sbyte.MaxValue, levels);
        for (var i = 0; i < Elements; i++) ((sbyte*)block)[2 + i] = (sbyte)levels[i];
    }
}

/// <summary>Scale, 16 bytes: the q-th of sixteen fixed numbers · scale.</summary>
internal readonly unsafe struct IQ4_NL : IBlockFormat
{
    private static readonly Vector128<sbyte> Numbers =
        Vector128.Create((sbyte)-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    public static int Elements => 32;

    public static int Bytes => 18;

    public static void Dequantise(byte* block, float* target) => Unpack(block + 2, Lanes.Half(block), target);

    /// <summary>Unpacks 32 elements from 16 bytes.</summary>
    public static void Unpack(byte* source, float scale, float* target)
    {
        for (var half = 0; half < 2; half++)
            Lanes.Store(Vector128.Shuffle(Numbers, Lanes.Bits(source, 4 * half, 0x0F).AsSByte()), scale, 0, target + (half * Lanes.Count));
    }
}
