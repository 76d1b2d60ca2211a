using System.Text;
using Beear.Kernels;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Checkpoints.Gguf;

/// <summary>A tensor that is to be written.</summary>
/// <param name="Name">Its GGUF name.</param>
/// <param name="Type">How its elements are stored.</param>
/// <param name="Shape">Slowest dimension first.</param>
/// <param name="Read">Gives its elements as a new tensor when their turn comes.</param>
internal sealed record GgufTensor(string Name, GgufType Type, IReadOnlyList<long> Shape, Func<Tensor> Read)
{
    /// <summary>Bytes in the file.</summary>
    public long Bytes => Shape.Aggregate(1L, (count, size) => count * size) / Type.BlockElements * Type.BlockBytes;
}

/// <summary>Writes a GGUF file (version 3): as a whole or not at all, one tensor in memory at a time.</summary>
internal static class GgufWriter
{
    private const uint Magic = 0x46554747, Version = 3;                      // "GGUF"
    private const int Alignment = 32;
    private const long ChunkElements = 1 << 22;
    private const double LargestHalf = 65504;

    /// <summary>Writes a file; one that exists is replaced.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="metadata">Numbers (uint, float), truth values, strings, and arrays of these.</param>
    /// <param name="tensors">Unique names; rows of whole blocks.</param>
    /// <param name="progress">Hears of every tensor.</param>
    /// <param name="cancellation">Looked at before every tensor.</param>
    /// <exception cref="BeearException">A value is beyond what its type can hold, or the system refuses to write.</exception>
    public static void Write(string path, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensor> tensors,
        IProgress<RunProgress>? progress, CancellationToken cancellation) => AtomicOutput.WriteFile(path, stream =>
        {
            stream.Write(Header(metadata, tensors));
            for (var i = 0; i < tensors.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                Pad(stream);
                using (var scope = NewDisposeScope()) WriteElements(stream, tensors[i]);
                progress?.Report(new RunProgress("exporting", i + 1, tensors.Count));
            }
            Pad(stream);
        });

    private static byte[] Header(IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensor> tensors)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        foreach (var (key, value) in metadata)
        {
            Text(writer, key);
            writer.Write((uint)TypeOf(value));
            Value(writer, value);
        }
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            Text(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            foreach (var size in tensor.Shape.Reverse()) writer.Write((ulong)size);
            writer.Write(tensor.Type.Id);
            writer.Write((ulong)offset);
            offset += (tensor.Bytes + Alignment - 1) / Alignment * Alignment;
        }
        return bytes.ToArray();
    }

    private static GgufValueType TypeOf(object value) => value switch
    {
        uint => GgufValueType.UInt32,
        int => GgufValueType.Int32,
        float => GgufValueType.Float32,
        bool => GgufValueType.Bool,
        string => GgufValueType.Text,
        Array => GgufValueType.Array,
        _ => throw new NotSupportedException(value.GetType().Name),
    };

    private static void Value(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool truth: writer.Write(truth); break;
            case string text: Text(writer, text); break;
            case string[] texts: Elements(writer, GgufValueType.Text, texts, text => Text(writer, text)); break;
            case int[] numbers: Elements(writer, GgufValueType.Int32, numbers, writer.Write); break;
            case float[] numbers: Elements(writer, GgufValueType.Float32, numbers, writer.Write); break;
            case bool[] truths: Elements(writer, GgufValueType.Bool, truths, writer.Write); break;
            default: throw new NotSupportedException(value.GetType().Name);
        }
    }

    private static void Elements<T>(BinaryWriter writer, GgufValueType type, T[] elements, Action<T> write)
    {
        writer.Write((uint)type);
        writer.Write((ulong)elements.Length);
        foreach (var element in elements) write(element);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)utf8.Length);
        writer.Write(utf8);
    }

    private static void Pad(FileStream stream)
    {
        var missing = (int)((Alignment - (stream.Position % Alignment)) % Alignment);
        stream.Write(new byte[missing]);
    }

    private static void WriteElements(FileStream stream, GgufTensor tensor)
    {
        using var guard = no_grad();
        var values = tensor.Read().detach().to(ScalarType.Float32).cpu().contiguous();
        if (!values.shape.SequenceEqual(tensor.Shape)) throw new InvalidOperationException($"{tensor.Name} is not of its shape.");
        if (tensor.Type.Name is not ("F32" or "BF16")) CheckRange(tensor, values);
        switch (tensor.Type.Name)
        {
            case "F32": SafetensorsWriter.WriteElements(stream, values); break;
            case "F16": SafetensorsWriter.WriteElements(stream, values.to(ScalarType.Float16)); break;
            case "BF16": SafetensorsWriter.WriteElements(stream, values.to(ScalarType.BFloat16)); break;
            default: WriteBlocks(stream, tensor.Type, values); break;
        }
    }

    private static void CheckRange(GgufTensor tensor, Tensor values)
    {
        if (values.numel() == 0) return;
        double largest = values.abs().max().item<float>();
        if (largest <= LargestHalf) return;
        throw new BeearException(
            $"Tensor '{tensor.Name}' holds {largest:G6}, and {tensor.Type.Name} cannot hold more than {LargestHalf}; write the "
                + "file as bf16 or f32.");
    }

    private static unsafe void WriteBlocks(FileStream stream, GgufType type, Tensor values)
    {
        var source = (float*)TensorMemory.Address(values);
        var (all, chunk) = (values.numel() / type.BlockElements, ChunkElements / type.BlockElements);
        var buffer = new byte[Math.Min(all, chunk) * type.BlockBytes];
        for (var first = 0L; first < all; first += chunk)
        {
            var blocks = Math.Min(chunk, all - first);
            fixed (byte* target = buffer) type.Quantise!(source + (first * type.BlockElements), target, blocks);
            stream.Write(buffer, 0, (int)(blocks * type.BlockBytes));
        }
        GC.KeepAlive(values);
    }
}
