using System.Text;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>Writes small GGUF files, right ones and wrong ones.</summary>
internal sealed class GgufBuilder
{
    public const uint F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q8_0 = 8, BF16 = 30;

    private readonly MemoryStream values = new();
    private readonly MemoryStream infos = new();
    private readonly MemoryStream data = new();
    private ulong valueCount, tensorCount;

    public uint Version { get; init; } = 3;

    public int Alignment { get; init; } = 32;

    public ulong? ClaimedValues { get; init; }

    public ulong? ClaimedTensors { get; init; }

    public GgufBuilder Value(string key, object value)
    {
        Text(values, key);
        Typed(value);
        valueCount++;
        return this;
    }

    /// <summary>A value whose bytes after the key are given: its type and whatever it claims.</summary>
    public GgufBuilder RawValue(string key, params byte[] bytes)
    {
        Text(values, key);
        values.Write(bytes);
        valueCount++;
        return this;
    }

    /// <summary>A tensor with its elements.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its type's number.</param>
    /// <param name="shape">Slowest dimension first.</param>
    /// <param name="bytes">Its elements as stored.</param>
    /// <param name="offset">A lie about its place; null for the truth.</param>
    public GgufBuilder Tensor(string name, uint type, ulong[] shape, byte[] bytes, ulong? offset = null)
    {
        while (data.Length % Math.Max(Alignment, 1) != 0) data.WriteByte(0);
        Text(infos, name);
        Write(infos, (uint)shape.Length);
        foreach (var size in shape.Reverse()) Write(infos, size);
        Write(infos, type);
        Write(infos, offset ?? (ulong)data.Length);
        data.Write(bytes);
        tensorCount++;
        return this;
    }

    public byte[] ToBytes()
    {
        using var file = new MemoryStream();
        file.Write("GGUF"u8);
        Write(file, Version);
        Write(file, ClaimedTensors ?? tensorCount);
        Write(file, ClaimedValues ?? valueCount);
        values.WriteTo(file);
        infos.WriteTo(file);
        while (file.Length % Math.Max(Alignment, 1) != 0) file.WriteByte(0);
        data.WriteTo(file);
        return file.ToArray();
    }

    public string WriteTo(string folder, string name = "model.gguf")
    {
        var path = Path.Combine(folder, name);
        File.WriteAllBytes(path, ToBytes());
        return path;
    }

    private void Typed(object value)
    {
        switch (value)
        {
            case uint number: Write(values, 4u); Write(values, number); break;
            case int number: Write(values, 5u); Write(values, number); break;
            case float number: Write(values, 6u); Write(values, number); break;
            case bool truth: Write(values, 7u); Write(values, truth); break;
            case string text: Write(values, 8u); Text(values, text); break;
            case ulong number: Write(values, 10u); Write(values, number); break;
            case double number: Write(values, 12u); Write(values, number); break;
            case byte number: Write(values, 0u); Write(values, number); break;
            case sbyte number: Write(values, 1u); Write(values, number); break;
            case ushort number: Write(values, 2u); Write(values, number); break;
            case short number: Write(values, 3u); Write(values, number); break;
            case long number: Write(values, 11u); Write(values, number); break;
            case string[] texts:
                ArrayHead(8, texts.Length);
                foreach (var text in texts) Text(values, text);
                break;
            case int[] numbers:
                ArrayHead(5, numbers.Length);
                foreach (var number in numbers) Write(values, number);
                break;
            default: throw new NotSupportedException(value.GetType().Name);
        }
    }

    private void ArrayHead(uint type, int count)
    {
        Write(values, 9u);
        Write(values, type);
        Write(values, (ulong)count);
    }

    private static void Text(Stream stream, string text)
    {
        Write(stream, (ulong)Encoding.UTF8.GetByteCount(text));
        stream.Write(Encoding.UTF8.GetBytes(text));
    }

    private static void Write<T>(Stream stream, T number) where T : unmanaged =>
        stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in number)));
}
