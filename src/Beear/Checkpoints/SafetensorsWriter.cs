using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beear.Kernels;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>Writes safetensors files. Equal tensors give equal bytes, in whatever order they come.</summary>
internal static class SafetensorsWriter
{
    private const int HeaderAlignment = 8;
    private const int WriteChunk = 16 << 20;

    /// <summary>Writes a file as a whole; one that exists is replaced. Values are written as they are, NaN included.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="tensors">Unique names and their values, on any device and in any layout.</param>
    /// <param name="metadata">Strings about the file, e.g. format → pt.</param>
    /// <exception cref="ArgumentException">A name comes twice or is not allowed, or a type has no safetensors form.</exception>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void Write(
        string path, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var entries = Sorted(tensors);
        var header = Header(entries, metadata);
        AtomicOutput.WriteFile(path, stream =>
        {
            Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var entry in entries) WriteElements(stream, entry.Value);
        });
    }

    /// <summary>The widest types first, so that every tensor lies aligned; by name among equals.</summary>
    private static List<Entry> Sorted(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<Entry>(tensors.Count);
        foreach (var (name, value) in tensors)
        {
            if (name == SafetensorsHeader.MetadataName || !names.Add(name))
                throw new ArgumentException($"The name '{name}' is not allowed or comes twice.", nameof(tensors));
            var type = ElementType.Of(value.dtype)
                ?? throw new ArgumentException($"Tensor '{name}' is of type {value.dtype}, which safetensors lack.", nameof(tensors));
            entries.Add(new Entry(name, value, type));
        }
        return [.. entries.OrderByDescending(entry => entry.Type.Size).ThenBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    private static byte[] Header(List<Entry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataName);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            var position = 0L;
            foreach (var entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.Name);
                WriteNumbers(json, "shape", entry.Value.shape);
                WriteNumbers(json, "data_offsets", position, position + entry.Bytes);
                json.WriteEndObject();
                position += entry.Bytes;
            }
            json.WriteEndObject();
        }
        var padding = (HeaderAlignment - (buffer.WrittenCount % HeaderAlignment)) % HeaderAlignment;
        return [.. buffer.WrittenSpan, .. Enumerable.Repeat((byte)' ', padding)];
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, params long[] numbers)
    {
        json.WriteStartArray(key);
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>Writes the elements as they are.</summary>
    internal static unsafe void WriteElements(FileStream stream, Tensor value)
    {
        using var scope = NewDisposeScope();
        var plain = value.detach().cpu().contiguous();
        var bytes = plain.numel() * plain.element_size();
        if (bytes == 0) return;
        var source = (byte*)TensorMemory.Address(plain);
        for (var first = 0L; first < bytes; first += WriteChunk)
            stream.Write(new ReadOnlySpan<byte>(source + first, (int)Math.Min(WriteChunk, bytes - first)));
        GC.KeepAlive(plain);
    }

    private sealed record Entry(string Name, Tensor Value, ElementType Type)
    {
        public long Bytes => Value.numel() * Type.Size;
    }
}
