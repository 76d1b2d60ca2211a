using System.Runtime.Intrinsics;

namespace Beear.Checkpoints.Gguf.Blocks;

// Blocks of 256 elements in groups of 16 or 32, each of which has a small whole scale (and minimum) of its own, as a multiple of the
// block's.

/// <summary>
/// 16 groups of 16. 16 bytes of group scales (low halves) and minima (high halves), 64 bytes of two bits an element, scale, minimum:
/// q · scale · s − minimum · m. Of each 128 elements, byte i of 32 holds the elements i, 32 + i, 64 + i and 96 + i, lowest bits first.
/// </summary>
internal readonly unsafe struct Q2_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 84;

    public static void Dequantise(byte* block, float* target)
    {
        var (scale, minimum) = (Lanes.Half(block + 80), Lanes.Half(block + 82));
        for (var group = 0; group < 16; group++)
        {
            var (part, quarter, half) = (group / 8, group % 8 / 2, group % 2);
            var values = Lanes.Bits(block + 16 + (32 * part) + (16 * half), 2 * quarter, 0x03).AsSByte();
            Lanes.Store(values, scale * (block[group] & 0x0F), -(minimum * (block[group] >> 4)), target + (16 * group));
        }
    }
}

/// <summary>
/// 16 groups of 16. 32 bytes of third bits (bit g of byte i belongs to element 32 g + i), 64 bytes of two bits as in <see cref="Q2_K"/>,
/// 12 bytes of group scales of six bits, scale: (q − 4) · scale · (s − 32).
/// </summary>
internal readonly unsafe struct Q3_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 110;

    public static void Dequantise(byte* block, float* target)
    {
        var scale = Lanes.Half(block + 108);
        for (var group = 0; group < 16; group++)
        {
            var (part, quarter, half) = (group / 8, group % 8 / 2, group % 2);
            var low = Lanes.Bits(block + 32 + (32 * part) + (16 * half), 2 * quarter, 0x03);
            var high = Lanes.Bits(block + (16 * half), group / 2, 0x01) << 2;
            Lanes.Store((low | high).AsSByte() - Vector128.Create((sbyte)4), scale * GroupScale(block + 96, group), 0,
                target + (16 * group));
        }
    }

    /// <summary>Four low bits in the halves of the first 8 bytes, two high ones in the quarters of the last 4.</summary>
    private static int GroupScale(byte* scales, int group)
    {
        var low = (scales[group % 8] >> (4 * (group / 8))) & 0x0F;
        var high = (scales[8 + (group % 4)] >> (2 * (group / 4))) & 0x03;
        return (low | (high << 4)) - 32;
    }
}

/// <summary>
/// 8 groups of 32. Scale, minimum, 12 bytes of group scales and minima of six bits, 128 bytes of four bits an element:
/// q · scale · s − minimum · m. Of each 64 elements, byte i of 32 holds i in its low half and 32 + i in its high half.
/// </summary>
internal readonly unsafe struct Q4_K : IWritableBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 144;

    public static void Dequantise(byte* block, float* target)
    {
        var (scale, minimum) = (Lanes.Half(block), Lanes.Half(block + 2));
        for (var group = 0; group < 8; group++)
        {
            var (s, m) = GroupScales.Read(block + 4, group);
            for (var half = 0; half < 2; half++)
            {
                var values = Lanes.Bits(block + 16 + (32 * (group / 2)) + (16 * half), 4 * (group % 2), 0x0F).AsSByte();
                Lanes.Store(values, scale * s, -(minimum * m), target + (32 * group) + (16 * half));
            }
        }
    }

    public static void Quantise(float* source, byte* block)
    {
        const int Groups = 8, Group = 32, Largest = 63;
        var scales = stackalloc float[Groups];
        var minima = stackalloc float[Groups];
        var (steepest, deepest) = (0f, 0f);
        for (var group = 0; group < Groups; group++)
        {
            (scales[group], var minimum) = LeastSquares.Affine(source + (Group * group), Group, levels: 15);
            minima[group] = -minimum;
            (steepest, deepest) = (Math.Max(steepest, scales[group]), Math.Max(deepest, minima[group]));
        }
        *(Half*)block = (Half)(steepest / Largest);
        *(Half*)(block + 2) = (Half)(deepest / Largest);
        var (scale, depth) = (Lanes.Half(block), Lanes.Half(block + 2));

        var s = stackalloc int[Groups];
        var m = stackalloc int[Groups];
        LeastSquares.Levels(scales, Groups, scale, minimum: 0, 0, Largest, s);
        LeastSquares.Levels(minima, Groups, depth, minimum: 0, 0, Largest, m);
        GroupScales.Write(block + 4, new(s, Groups), new(m, Groups));
        var levels = stackalloc int[Elements];
        for (var group = 0; group < Groups; group++)
            LeastSquares.Levels(source + (Group * group), Group, scale * s[group], -(depth * m[group]), 0, 15, levels + (Group * group));
        for (var i = 0; i < Elements / 2; i++)
        {
            var first = (i / Group * 2 * Group) + (i % Group);
            block[16 + i] = (byte)(levels[first] | (levels[first + Group] << 4));
        }
    }
}

/// <summary><see cref="Q4_K"/> with 32 bytes of fifth bits before the others: bit g of byte i belongs to element 32 g + i.</summary>
internal readonly unsafe struct Q5_K : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 176;

    public static void Dequantise(byte* block, float* target)
    {
        var (scale, minimum) = (Lanes.Half(block), Lanes.Half(block + 2));
        for (var group = 0; group < 8; group++)
        {
            var (s, m) = GroupScales.Read(block + 4, group);
            for (var half = 0; half < 2; half++)
            {
                var low = Lanes.Bits(block + 48 + (32 * (group / 2)) + (16 * half), 4 * (group % 2), 0x0F);
                var high = Lanes.Bits(block + 16 + (16 * half), group, 0x01) << 4;
                Lanes.Store((low | high).AsSByte(), scale * s, -(minimum * m), target + (32 * group) + (16 * half));
            }
        }
    }
}

/// <summary>
/// 16 groups of 16. 128 bytes of the low four bits, 64 bytes of the high two, 16 signed bytes of group scales, scale: (q − 32) · scale · s.
/// Of each 128 elements, byte i of 64 holds i in its low and 64 + i in its high half; byte i of 32 holds the high bits as in
/// <see cref="Q2_K"/>.
/// </summary>
internal readonly unsafe struct Q6_K : IWritableBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 210;

    public static void Dequantise(byte* block, float* target)
    {
        var scale = Lanes.Half(block + 208);
        for (var group = 0; group < 16; group++)
        {
            var (part, quarter, half) = (group / 8, group % 8 / 2, group % 2);
            var low = Lanes.Bits(block + (64 * part) + (32 * (quarter % 2)) + (16 * half), 4 * (quarter / 2), 0x0F);
            var high = Lanes.Bits(block + 128 + (32 * part) + (16 * half), 2 * quarter, 0x03) << 4;
            var values = (low | high).AsSByte() - Vector128.Create((sbyte)32);
            Lanes.Store(values, scale * ((sbyte*)block)[192 + group], 0, target + (16 * group));
        }
    }

    public static void Quantise(float* source, byte* block)
    {
        const int Groups = 16, Group = 16;
        var scales = stackalloc float[Groups];
        for (var group = 0; group < Groups; group++) scales[group] = LeastSquares.Symmetric(source + (Group * group), Group, levels: 32);
        *(Half*)(block + 208) = (Half)(-LeastSquares.Extreme(scales, Groups) / 128);
        var scale = Lanes.Half(block + 208);

        var s = stackalloc int[Groups];
        LeastSquares.Levels(scales, Groups, scale, minimum: 0, sbyte.MinValue, sbyte.MaxValue, s);
        var levels = stackalloc int[Elements];
        for (var group = 0; group < Groups; group++)
        {
            ((sbyte*)block)[192 + group] = (sbyte)s[group];
            LeastSquares.Levels(source + (Group * group), Group, scale * s[group], minimum: 0, -32, 31, levels + (Group * group));
        }
        for (var i = 0; i < Elements / 2; i++)
        {
            var first = levels + (i / 64 * 128) + (i % 64);
            block[i] = (byte)(((first[0] + 32) & 0x0F) | (((first[64] + 32) & 0x0F) << 4));
        }
        for (var i = 0; i < Elements / 4; i++)
        {
            var first = levels + (i / 32 * 128) + (i % 32);
            var packed = 0;
            for (var quarter = 0; quarter < 4; quarter++) packed |= ((first[32 * quarter] + 32) >> 4) << (2 * quarter);
            block[128 + i] = (byte)packed;
        }
    }
}

/// <summary>
/// 8 groups of 32. Scale, 2 bytes of the high two bits of the group scales, 4 bytes of their low four, then 16 bytes a group as in
/// <see cref="IQ4_NL"/>: number · scale · (s − 32).
/// </summary>
internal readonly unsafe struct IQ4_XS : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 136;

    public static void Dequantise(byte* block, float* target)
    {
        var scale = Lanes.Half(block);
        for (var group = 0; group < 8; group++)
        {
            var low = (block[4 + (group / 2)] >> (4 * (group % 2))) & 0x0F;
            var high = (*(ushort*)(block + 2) >> (2 * group)) & 0x03;
            IQ4_NL.Unpack(block + 8 + (16 * group), scale * ((low | (high << 4)) - 32), target + (32 * group));
        }
    }
}

/// <summary>
/// The 12 bytes of eight scales and eight minima of six bits that <see cref="Q4_K"/> and <see cref="Q5_K"/> share: bytes 0 … 3 are the
/// scales, 4 … 7 the minima of the first four groups; bytes 8 … 11 hold the low four bits of the others' scales and minima, whose high
/// two bits are those of the first eight bytes.
/// </summary>
internal static unsafe class GroupScales
{
    /// <summary>Scale and minimum of a group.</summary>
    public static (int Scale, int Minimum) Read(byte* packed, int group)
    {
        if (group < 4) return (packed[group] & 0x3F, packed[4 + group] & 0x3F);
        var low = packed[4 + group];
        return ((low & 0x0F) | (packed[group - 4] >> 6 << 4), (low >> 4) | (packed[group] >> 6 << 4));
    }

    /// <summary>Writes all eight pairs, each number below 64.</summary>
    public static void Write(byte* packed, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima)
    {
        for (var group = 0; group < 4; group++)
        {
            var (scale, minimum) = (scales[group + 4], minima[group + 4]);
            packed[group] = (byte)(scales[group] | (scale >> 4 << 6));
            packed[4 + group] = (byte)(minima[group] | (minimum >> 4 << 6));
            packed[8 + group] = (byte)((scale & 0x0F) | ((minimum & 0x0F) << 4));
        }
    }
}
