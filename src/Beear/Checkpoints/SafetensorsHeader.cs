using System.Buffers.Binary;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Checkpoints;

/// <summary>
/// The header of a safetensors file: an 8-byte little-endian length, then that many bytes of JSON which name each tensor with its
/// type, shape and place in the data that follow. Everything it claims is checked against the file's size.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const int MaximumLength = 100_000_000;

    /// <summary>The bytes before the JSON: its length.</summary>
    public const int LengthBytes = sizeof(ulong);

    /// <summary>The name that is not a tensor: strings about the file.</summary>
    public const string MetadataName = "__metadata__";

    private const int MaximumDimensions = 16;
    private readonly string path;
    private readonly long dataStart;
    private readonly long dataBytes;
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private bool hasMetadata;

    private SafetensorsHeader(string path, long dataStart, long dataBytes)
    {
        this.path = path;
        this.dataStart = dataStart;
        this.dataBytes = dataBytes;
    }

    /// <summary>The tensors by name; <see cref="TensorInfo.Offset"/> counts from the file's start.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>The file's own strings, e.g. format → pt.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Reads and checks a header.</summary>
    /// <exception cref="BeearException">The file is not safetensors, is cut off, or its header contradicts itself or the file.</exception>
    public static SafetensorsHeader Parse(BinaryFile file)
    {
        if (file.Length < LengthBytes) throw Error(file.Path, $"it has only {file.Length} bytes");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, LengthBytes));
        if (length > MaximumLength) throw Error(file.Path, $"its header claims {length} bytes, more than the {MaximumLength} allowed");
        if (length > (ulong)(file.Length - LengthBytes))
            throw Error(file.Path, $"its header claims {length} bytes, but the file ends after {file.Length}");
        var json = file.Slice(LengthBytes, (int)length);
        if (json.IsEmpty || json[0] != (byte)'{') throw Error(file.Path, "its header is not a JSON object");

        var headerEnd = LengthBytes + (long)length;
        var header = new SafetensorsHeader(file.Path, headerEnd, file.Length - headerEnd);
        try
        {
            StrictJson.Check(json);
            header.ReadObject(json);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException)
        {
            throw new BeearException(Sentence(file.Path, "its header is not valid JSON"), failure);
        }
        header.CheckLayout();
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == MetadataName) ReadMetadata(ref reader);
            else if (!tensors.TryAdd(name, ReadTensor(ref reader, name))) throw Error($"its header names the tensor '{name}' twice");
        }
        if (reader.Read()) throw new JsonException();                        // throws by itself where more than spaces follows
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (hasMetadata) throw Error($"its header has '{MetadataName}' twice");
        hasMetadata = true;
        Expect(reader.TokenType == JsonTokenType.StartObject, MetadataName);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            Expect(reader.TokenType == JsonTokenType.String, MetadataName);
            if (!metadata.TryAdd(key, reader.GetString()!)) throw Error($"its metadata have the key '{key}' twice");
        }
    }

    private TensorInfo ReadTensor(ref Utf8JsonReader reader, string name)
    {
        Expect(reader.TokenType == JsonTokenType.StartObject, name);
        string? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            switch (key)
            {
                case "dtype" when type is null && reader.TokenType == JsonTokenType.String: type = reader.GetString(); break;
                case "shape" when shape is null: shape = ReadNumbers(ref reader, name); break;
                case "data_offsets" when offsets is null: offsets = ReadNumbers(ref reader, name); break;
                default: throw Error($"its header has an unknown, repeated or mistyped field '{key}' at tensor '{name}'");
            }
        }
        Expect(type is not null && shape is not null && offsets is { Count: 2 }, name);
        var element = ElementType.Named(type!)
            ?? throw Error($"tensor '{name}' is of type {type}, which is none of {string.Join(", ", ElementType.All.Select(t => t.Name))}");
        var (begin, end) = (offsets![0], offsets[1]);
        if (begin > end || end > dataBytes) throw Error($"tensor '{name}' claims bytes {begin} to {end} of {dataBytes}");
        if (!ElementType.TryCount(shape!, element.Size, out var count) || count * element.Size != end - begin)
            throw Error($"tensor '{name}' of type {type} and shape ({string.Join(", ", shape!)}) does not take the {end - begin} bytes "
                + "that it claims");
        return new TensorInfo(name, element.Name, shape!, dataStart + begin, end - begin);
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string name)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray, name);
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            Expect(reader.TryGetInt64(out var number) && number >= 0 && numbers.Count < MaximumDimensions, name);
            numbers.Add(number);
        }
        Expect(reader.TokenType == JsonTokenType.EndArray, name);
        return numbers;
    }

    /// <summary>The tensors must cover the data exactly: no gap in which something hides, no byte that belongs to two.</summary>
    private void CheckLayout()
    {
        var position = dataStart;
        foreach (var tensor in tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Bytes))
        {
            if (tensor.Offset != position)
            {
                var fault = tensor.Offset < position ? "overlaps the tensor before it" : "leaves a gap before it";
                throw Error($"tensor '{tensor.Name}' {fault}");
            }
            position += tensor.Bytes;
        }
        if (position != dataStart + dataBytes)
            throw Error($"its tensors end at byte {position}, but the file has {dataStart + dataBytes}");
    }

    private void Expect(bool condition, string name)
    {
        if (!condition) throw Error($"its header's entry '{name}' is malformed");
    }

    private BeearException Error(string fault) => Error(path, fault);

    private static BeearException Error(string path, string fault) => new(Sentence(path, fault));

    private static string Sentence(string path, string fault) => $"'{path}' is not a valid safetensors file: {fault}; fetch it again.";
}
