using Beear.Checkpoints.Gguf.Blocks;
using Beear.Kernels;

namespace Beear.Checkpoints.Gguf;

/// <summary>Unpacks blocks that lie one after the other.</summary>
internal unsafe delegate void BlockReader(byte* source, float* target, long blocks);

/// <summary>Packs blocks that lie one after the other.</summary>
internal unsafe delegate void BlockWriter(float* source, byte* target, long blocks);

/// <summary>How a GGUF file stores the elements of a tensor: in blocks of a row.</summary>
/// <param name="Id">Its number in the file.</param>
/// <param name="Name">Its name as llama.cpp writes it.</param>
/// <param name="BlockElements">Elements of one block; 0 if the type cannot be read here.</param>
/// <param name="BlockBytes">Bytes of one block; 0 if the type cannot be read here.</param>
/// <param name="Dequantise">Unpacks blocks of more than one element; null for plain numbers.</param>
/// <param name="Quantise">Packs blocks of finite numbers; null for plain numbers and for formats that are only read.</param>
internal sealed record GgufType(
    uint Id, string Name, int BlockElements = 0, int BlockBytes = 0, BlockReader? Dequantise = null, BlockWriter? Quantise = null)
{
    private const long ChunkElements = 1 << 17;

    private static readonly GgufType[] Known =
    [
        new(0, "F32", 1, 4), new(1, "F16", 1, 2), new(30, "BF16", 1, 2),
        Of<Q4_0>(2), Of<Q4_1>(3), Writable<Q5_0>(6), Of<Q5_1>(7), Writable<Q8_0>(8), Of<Q2_K>(10), Of<Q3_K>(11), Writable<Q4_K>(12),
        Of<Q5_K>(13), Writable<Q6_K>(14), Of<IQ4_NL>(20), Of<IQ4_XS>(23),
        new(9, "Q8_1"), new(15, "Q8_K"), new(16, "IQ2_XXS"), new(17, "IQ2_XS"), new(18, "IQ3_XXS"), new(19, "IQ1_S"), new(21, "IQ3_S"),
        new(22, "IQ2_S"), new(24, "I8"), new(25, "I16"), new(26, "I32"), new(27, "I64"), new(28, "F64"), new(29, "IQ1_M"),
        new(34, "TQ1_0"), new(35, "TQ2_0"), new(39, "MXFP4"), new(40, "NVFP4"),
    ];

    /// <summary>Whether tensors of this type can be read.</summary>
    public bool CanBeRead => BlockElements > 0;

    /// <summary>The names of the types that can be read.</summary>
    public static string ReadableNames => string.Join(", ", Known.Where(type => type.CanBeRead).Select(type => type.Name));

    /// <summary>The type of a number; one without a name if the number is unknown.</summary>
    public static GgufType Of(uint id) => Array.Find(Known, type => type.Id == id) ?? new GgufType(id, $"number {id}");

    /// <summary>The readable type of a name.</summary>
    public static GgufType Named(string name) => Known.Single(type => type.Name == name);

    private static unsafe GgufType Of<T>(uint id) where T : struct, IBlockFormat =>
        new(id, typeof(T).Name, T.Elements, T.Bytes, DequantiseAll<T>);

    private static unsafe GgufType Writable<T>(uint id) where T : struct, IWritableBlockFormat =>
        Of<T>(id) with { Quantise = QuantiseAll<T> };

    private static unsafe void DequantiseAll<T>(byte* source, float* target, long blocks) where T : struct, IBlockFormat =>
        InChunks(blocks, T.Elements, block => T.Dequantise(source + (block * T.Bytes), target + (block * T.Elements)));

    private static unsafe void QuantiseAll<T>(float* source, byte* target, long blocks) where T : struct, IWritableBlockFormat =>
        InChunks(blocks, T.Elements, block => T.Quantise(source + (block * T.Elements), target + (block * T.Bytes)));

    private static void InChunks(long blocks, int elements, Action<long> body)
    {
        var chunkBlocks = ChunkElements / elements;
        Chunks.Run(Chunks.Count(blocks, chunkBlocks), chunk =>
        {
            var last = Math.Min((chunk + 1) * chunkBlocks, blocks);
            for (var block = chunk * chunkBlocks; block < last; block++) body(block);
        });
    }
}
