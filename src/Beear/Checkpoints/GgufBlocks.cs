using System.Runtime.Intrinsics;
using Beear.Kernels;

namespace Beear.Checkpoints;

/// <summary>Turns quantised blocks of 32 elements into float32.</summary>
/// <remarks>
/// Q8_0: scale (float16), 32 signed bytes. Q4_0: scale, 16 bytes; Q4_1: scale, minimum, 16 bytes: the low halves of the bytes are the
/// block's first 16 elements, the high halves its last 16. An element is q · scale (Q8_0), (q − 8) · scale (Q4_0), q · scale + minimum (Q4_1).
/// </remarks>
internal static unsafe class GgufBlocks
{
    private const int ElementsPerBlock = 32;
    private const long ChunkBlocks = 1 << 12;

    /// <summary>Dequantises blocks that lie one after the other.</summary>
    /// <param name="type">Q8_0, Q4_0 or Q4_1.</param>
    /// <param name="source">The first block.</param>
    /// <param name="target">Room for 32 elements a block.</param>
    /// <param name="blocks">How many blocks.</param>
    public static void Dequantise(GgufType type, byte* source, float* target, long blocks)
    {
        Chunks.Run(Chunks.Count(blocks, ChunkBlocks), chunk =>
        {
            var last = Math.Min((chunk + 1) * ChunkBlocks, blocks);
            for (var block = chunk * ChunkBlocks; block < last; block++)
            {
                var bytes = source + (block * type.BlockBytes);
                var elements = target + (block * ElementsPerBlock);
                var scale = (float)*(Half*)bytes;
                switch (type.Name)
                {
                    case "Q8_0": SignedBytes(bytes + sizeof(Half), scale, elements); break;
                    case "Q4_0": Nibbles(bytes + sizeof(Half), zero: 8, scale, minimum: 0, elements); break;
                    case "Q4_1": Nibbles(bytes + (2 * sizeof(Half)), zero: 0, scale, (float)((Half*)bytes)[1], elements); break;
                    default: throw new NotSupportedException(type.Name);
                }
            }
        });
    }

    private static void SignedBytes(byte* source, float scale, float* target)
    {
        for (var i = 0; i < ElementsPerBlock; i += Vector128<sbyte>.Count)
        {
            var (low, high) = Vector128.Widen(Vector128.Load((sbyte*)source + i));
            StoreScaled(low, scale, 0, target + i);
            StoreScaled(high, scale, 0, target + i + Vector128<short>.Count);
        }
    }

    private static void Nibbles(byte* source, short zero, float scale, float minimum, float* target)
    {
        var bytes = Vector128.Load(source);
        StoreUnsigned(bytes & Vector128.Create((byte)0x0F), zero, scale, minimum, target);
        StoreUnsigned(bytes >>> 4, zero, scale, minimum, target + (ElementsPerBlock / 2));
    }

    private static void StoreUnsigned(Vector128<byte> values, short zero, float scale, float minimum, float* target)
    {
        var (low, high) = Vector128.Widen(values);
        StoreScaled(low.AsInt16() - Vector128.Create(zero), scale, minimum, target);
        StoreScaled(high.AsInt16() - Vector128.Create(zero), scale, minimum, target + Vector128<short>.Count);
    }

    private static void StoreScaled(Vector128<short> values, float scale, float minimum, float* target)
    {
        var (low, high) = Vector128.Widen(values);
        ((Vector128.ConvertToSingle(low) * scale) + Vector128.Create(minimum)).Store(target);
        ((Vector128.ConvertToSingle(high) * scale) + Vector128.Create(minimum)).Store(target + Vector128<float>.Count);
    }
}
