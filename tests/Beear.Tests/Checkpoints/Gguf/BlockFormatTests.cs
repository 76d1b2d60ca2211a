using System.Buffers.Binary;
using Beear.Checkpoints.Gguf;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>Reading of every block format: against the formats' definitions, element by element, and against ggml itself.</summary>
public class BlockFormatTests
{
    private const int Columns = 1024;

    private static readonly int[] Numbers = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Name, number, elements and bytes of a block, and the value of one element by its definition.</summary>
    private static readonly Dictionary<string, Format> Formats = new()
    {
        ["F32"] = new(0, 1, 4, (b, _) => BinaryPrimitives.ReadSingleLittleEndian(b)),
        ["F16"] = new(1, 1, 2, (b, _) => Half(b, 0)),
        ["BF16"] = new(30, 1, 2, (b, _) => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(b) << 16)),
        ["Q4_0"] = new(2, 32, 18, (b, i) => (Nibble(b[2..], i, 32) - 8) * Half(b, 0)),
        ["Q4_1"] = new(3, 32, 20, (b, i) => (Nibble(b[4..], i, 32) * Half(b, 0)) + Half(b, 2)),
        ["Q5_0"] = new(6, 32, 22, (b, i) => (Nibble(b[6..], i, 32) + (16 * Bit(b[2..], i)) - 16) * Half(b, 0)),
        ["Q5_1"] = new(7, 32, 24, (b, i) => ((Nibble(b[8..], i, 32) + (16 * Bit(b[4..], i))) * Half(b, 0)) + Half(b, 2)),
        ["Q8_0"] = new(8, 32, 34, (b, i) => (sbyte)b[2 + i] * Half(b, 0)),
        ["Q2_K"] = new(10, 256, 84, (b, i) =>
            (Half(b, 80) * (b[i / 16] % 16) * Crumb(b[16..], i)) - (Half(b, 82) * (b[i / 16] / 16))),
        ["Q3_K"] = new(11, 256, 110, (b, i) =>
            Half(b, 108) * (Six3(b[96..], i / 16) - 32) * (Crumb(b[32..], i) + (4 * Bit(b, (i % 32 * 8) + (i / 32))) - 4)),
        ["Q4_K"] = new(12, 256, 144, (b, i) =>
            (Half(b, 0) * Six(b[4..], i / 32, 0) * Nibble(b[16..], i, 64)) - (Half(b, 2) * Six(b[4..], i / 32, 4))),
        ["Q5_K"] = new(13, 256, 176, (b, i) =>
            (Half(b, 0) * Six(b[4..], i / 32, 0) * (Nibble(b[48..], i, 64) + (16 * Bit(b[16..], (i % 32 * 8) + (i / 32)))))
            - (Half(b, 2) * Six(b[4..], i / 32, 4))),
        ["Q6_K"] = new(14, 256, 210, (b, i) =>
            Half(b, 208) * (sbyte)b[192 + (i / 16)] * (Nibble(b, i, 128) + (16 * Crumb(b[128..], i)) - 32)),
        ["IQ4_NL"] = new(20, 32, 18, (b, i) => Half(b, 0) * Numbers[Nibble(b[2..], i, 32)]),
        ["IQ4_XS"] = new(23, 256, 136, (b, i) => Half(b, 0) * (Six4(b, i / 32) - 32) * Numbers[Nibble(b[8..], i, 32)]),
    };

    public static TheoryData<string> Names => [.. Formats.Keys];

    public static TheoryData<string> BlockNames => [.. Formats.Where(format => format.Value.Elements > 1).Select(format => format.Key)];

    [Theory, MemberData(nameof(Names))]
    public void Every_element_is_what_the_definition_says(string name)
    {
        var format = Formats[name];
        var bytes = Blocks(name, rows: 300);                                 // more than one chunk
        var read = Read(format.Id, bytes);
        for (var i = 0; i < read.Length; i++)
        {
            var block = bytes.AsSpan(i / format.Elements * format.Bytes, format.Bytes);
            if (format.Value(block, i % format.Elements) != read[i])
                Assert.Fail($"element {i} of {name} is {read[i]:R} and not {format.Value(block, i % format.Elements):R}");
        }
    }

    [Theory, MemberData(nameof(BlockNames))]
    public void Ggml_reads_the_same(string name)
    {
        var bytes = Blocks(name, rows: 8);
        Assert.Equal(Ggml.Dequantise(name, bytes, 8 * Columns), Read(Formats[name].Id, bytes));
    }

    /// <summary>Random blocks with scales that are finite.</summary>
    private static byte[] Blocks(string name, int rows)
    {
        var format = Formats[name];
        var bytes = new byte[rows * Columns / format.Elements * format.Bytes];
        new Random(7).NextBytes(bytes);
        int[] halves = name switch
        {
            "F32" => [2],
            "Q2_K" => [80, 82],
            "Q3_K" => [108],
            "Q6_K" => [208],
            "Q4_1" or "Q5_1" or "Q4_K" or "Q5_K" => [0, 2],
            _ => [0],
        };
        for (var start = 0; start < bytes.Length; start += format.Bytes)
        {
            foreach (var half in halves) bytes[start + half + 1] &= 0xBF;    // the highest bit of the exponent
        }
        return bytes;
    }

    private static float[] Read(uint type, byte[] bytes)
    {
        var format = Formats.Values.Single(format => format.Id == type);
        var rows = (ulong)(bytes.Length / format.Bytes * format.Elements / Columns);
        using var file = GgufFile.Open(new GgufBuilder().Tensor("w", type, [rows, Columns], bytes).WriteTo(Fixtures.TemporaryFolder()));
        using var tensor = file.Read("w");
        Assert.Equal([(long)rows, Columns], tensor.shape);
        return tensor.data<float>().ToArray();
    }

    private static float Half(ReadOnlySpan<byte> block, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(block[at..]);

    private static int Bit(ReadOnlySpan<byte> bytes, int i) => (bytes[i / 8] >> (i % 8)) & 1;

    /// <summary>
    /// Four bits of element i: of each run, the first half lies in the low and the second in the high halves of the bytes.
    /// </summary>
    private static int Nibble(ReadOnlySpan<byte> bytes, int i, int run)
    {
        var packed = bytes[(i / run * run / 2) + (i % (run / 2))];
        return i % run < run / 2 ? packed % 16 : packed / 16;
    }

    /// <summary>Two bits of element i: of each 128, the j-th 32 lie in the j-th pair of bits of 32 bytes.</summary>
    private static int Crumb(ReadOnlySpan<byte> bytes, int i) => (bytes[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) % 4;

    /// <summary>Six bits of a group's scale (from byte 0) or minimum (from byte 4) of Q4_K and Q5_K.</summary>
    private static int Six(ReadOnlySpan<byte> packed, int group, int from)
    {
        if (group < 4) return packed[from + group] % 64;
        var low = from == 0 ? packed[4 + group] % 16 : packed[4 + group] / 16;
        return low + (packed[from + group - 4] / 64 * 16);
    }

    /// <summary>Six bits of a group's scale of Q3_K: four of 24 nibbles' first 16, two of the last four bytes.</summary>
    private static int Six3(ReadOnlySpan<byte> packed, int group) =>
        (group < 8 ? packed[group] % 16 : packed[group - 8] / 16) + (16 * ((packed[8 + (group % 4)] >> (group / 4 * 2)) % 4));

    private static int Six4(ReadOnlySpan<byte> block, int group)
    {
        var low = group % 2 == 0 ? block[4 + (group / 2)] % 16 : block[4 + (group / 2)] / 16;
        return low + (16 * (Bit(block[2..], 2 * group) + (2 * Bit(block[2..], (2 * group) + 1))));
    }

    private delegate float Element(ReadOnlySpan<byte> block, int i);

    private sealed record Format(uint Id, int Elements, int Bytes, Element Value);
}
