namespace Beear.Checkpoints;

/// <summary>What a checkpoint's header says about one tensor.</summary>
/// <param name="Name">Its name in the file, or the Hugging Face name where the header belongs to a <see cref="Checkpoint"/>.</param>
/// <param name="DType">How its elements are stored: "F32", "BF16", "Q4_1" …</param>
/// <param name="Shape">Its sizes, slowest dimension first; empty for a scalar.</param>
/// <param name="Offset">Where its first byte lies in the file.</param>
/// <param name="Bytes">How many bytes it takes in the file.</param>
internal sealed record TensorInfo(string Name, string DType, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    /// <summary>The number of elements: the product of <see cref="Shape"/>.</summary>
    public long ElementCount => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>The shape as it is written in messages, such as (576, 1536).</summary>
    public string ShapeText => $"({string.Join(", ", Shape)})";
}
