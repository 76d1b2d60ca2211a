namespace Beear.Checkpoints.Gguf.Blocks;

/// <summary>How GGUF packs a run of one row's elements: scales first or last, then as many bits an element as the name says.</summary>
/// <remarks>The layouts are ggml's, all numbers little-endian; "scale" and "minimum" are float16 unless said otherwise.</remarks>
internal unsafe interface IBlockFormat
{
    /// <summary>Elements of one block.</summary>
    static abstract int Elements { get; }

    /// <summary>Bytes of one block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Unpacks one block into <see cref="Elements"/> float32 numbers.</summary>
    static abstract void Dequantise(byte* block, float* target);
}

/// <summary>A format that models can also be written in.</summary>
internal unsafe interface IWritableBlockFormat : IBlockFormat
{
    /// <summary>Packs <see cref="IBlockFormat.Elements"/> finite numbers into one block.</summary>
    static abstract void Quantise(float* source, byte* block);
}
