using System.Numerics;
using Beear.Kernels;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Checkpoints.Gguf;

/// <summary>
/// A GGUF file (versions 2 and 3): opening reads only the header, and every claim of that header is checked.
/// </summary>
internal sealed class GgufFile : IDisposable
{
    private const uint Magic = 0x46554747;                                   // "GGUF"
    private const int MaximumDimensions = 4;
    private const long DefaultAlignment = 32;
    private const long MaximumAlignment = 1 << 20;

    private readonly BinaryFile file;
    private readonly Dictionary<string, object> metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);

    private GgufFile(BinaryFile file) => this.file = file;

    /// <summary>The path as it was given.</summary>
    public string Path => file.Path;

    /// <summary>Everything the header says but the tensors: numbers, bools, strings, and <see cref="GgufArray"/>s.</summary>
    public IReadOnlyDictionary<string, object> Metadata => metadata;

    /// <summary>The tensors by GGUF name; shapes slowest dimension first (the file has them the other way round).</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens a file.</summary>
    /// <exception cref="BeearException">There is no such file, it is no valid GGUF file, or a tensor's type cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        var opened = new GgufFile(BinaryFile.Open(path));
        try
        {
            opened.ReadHeader();
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A new float32 CPU tensor, dequantised where the file's elements are.</summary>
    /// <exception cref="BeearException">There is no tensor of that name.</exception>
    public Tensor Read(string name)
    {
        if (!tensors.TryGetValue(name, out var info)) throw new BeearException($"'{Path}' has no tensor '{name}'.");
        return info.DType switch
        {
            "F32" => file.ReadTensor(info.Offset, info.Shape, ScalarType.Float32),
            "F16" => ReadHalf(info, ScalarType.Float16),
            "BF16" => ReadHalf(info, ScalarType.BFloat16),
            _ => ReadBlocks(info),
        };
    }

    /// <summary>Closes the file; tensors that were read stay valid, arrays of the metadata do not.</summary>
    public void Dispose() => file.Dispose();

    /// <summary>A real number of the metadata, or null if there is none.</summary>
    /// <exception cref="BeearException">It is infinite or not a number.</exception>
    internal double? Real(string key) =>
        metadata.Real(key) is not { } value ? null : double.IsFinite(value) ? value : throw Error($"its {key} is {value}");

    internal static BeearException Error(string path, string fault) => new(Sentence(path, fault));

    internal static string Sentence(string path, string fault) => $"'{path}' is not a valid GGUF file: {fault}; fetch it again.";

    private Tensor ReadHalf(TensorInfo info, ScalarType type)
    {
        using var stored = file.ReadTensor(info.Offset, info.Shape, type);
        return stored.to_type(ScalarType.Float32);
    }

    private unsafe Tensor ReadBlocks(TensorInfo info)
    {
        TorchRuntime.Load();
        var type = GgufType.Named(info.DType);
        using var stored = file.ReadTensor(info.Offset, [info.Bytes], ScalarType.Byte);
        var tensor = empty([.. info.Shape], dtype: ScalarType.Float32);
        if (info.Bytes > 0)
            type.Dequantise!((byte*)TensorMemory.Address(stored), (float*)TensorMemory.Address(tensor), info.Bytes / type.BlockBytes);
        GC.KeepAlive(tensor);
        GC.KeepAlive(stored);
        return tensor;
    }

    private void ReadHeader()
    {
        var cursor = new GgufCursor(file);
        if (cursor.Number<uint>() != Magic) throw Error("it does not begin with GGUF");
        var version = cursor.Number<uint>();
        if (version is not (2 or 3))
        {
            throw new BeearException(
                $"'{Path}' is GGUF of version {version}, and only little-endian files of versions 2 and 3 can be read; convert "
                    + "the model again.");
        }
        var tensorCount = cursor.Number<ulong>();
        var valueCount = cursor.Count(sizeof(ulong) + sizeof(uint) + 1, "the metadata");
        for (var i = 0L; i < valueCount; i++)
        {
            var key = cursor.Text();
            if (!metadata.TryAdd(key, GgufMetadata.ReadValue(file, cursor, key))) throw Error($"its metadata have the key '{key}' twice");
        }
        // A name, the number of dimensions, no dimension, type and offset.
        if (tensorCount > (ulong)(cursor.Remaining / 24)) throw Error($"it claims {tensorCount} tensors, more than the file has room for");
        var alignment = Alignment();
        for (var i = 0ul; i < tensorCount; i++)
        {
            var info = ReadTensorInfo(cursor, alignment);
            if (!tensors.TryAdd(info.Name, info)) throw Error($"it names the tensor '{info.Name}' twice");
        }
        PlaceTensors((cursor.Position + alignment - 1) / alignment * alignment);
    }

    private long Alignment()
    {
        if (!metadata.ContainsKey("general.alignment")) return DefaultAlignment;
        var alignment = metadata.Integer("general.alignment") ?? 0;
        return alignment is > 0 and <= MaximumAlignment && BitOperations.IsPow2(alignment)
            ? alignment
            : throw Error($"its alignment {metadata["general.alignment"]} is not a power of two up to {MaximumAlignment}");
    }

    /// <summary>One entry; its offset still counts from where the data begin.</summary>
    private TensorInfo ReadTensorInfo(GgufCursor cursor, long alignment)
    {
        var name = cursor.Text();
        var dimensions = cursor.Number<uint>();
        if (dimensions > MaximumDimensions) throw Error($"tensor '{name}' claims {dimensions} dimensions, more than {MaximumDimensions}");
        var shape = new long[dimensions];
        for (var i = shape.Length - 1; i >= 0; i--) shape[i] = (long)Math.Min(cursor.Number<ulong>(), long.MaxValue);
        var type = GgufType.Of(cursor.Number<uint>());
        var offset = cursor.Number<ulong>();

        if (!type.CanBeRead)
        {
            throw new BeearException(
                $"Tensor '{name}' of '{Path}' is of type {type.Name}, and only {GgufType.ReadableNames} can be read; use a file of "
                    + "one of these.");
        }
        if (!ElementType.TryCount(shape, type.BlockBytes, out var count))
            throw Error($"the shape ({string.Join(", ", shape)}) of tensor '{name}' is too large");
        if (type.BlockElements > 1 && (shape.Length == 0 || shape[^1] % type.BlockElements != 0))
            throw Error($"the rows of tensor '{name}' are not whole blocks of {type.BlockElements} as {type.Name} needs");
        if (offset > (ulong)file.Length || (long)offset % alignment != 0)
            throw Error($"the offset {offset} of tensor '{name}' is not a multiple of {alignment} in the file");
        return new TensorInfo(name, type.Name, shape, (long)offset, count / type.BlockElements * type.BlockBytes);
    }

    private void PlaceTensors(long dataStart)
    {
        var position = dataStart;
        foreach (var info in tensors.Values.OrderBy(info => info.Offset).ThenBy(info => info.Bytes).ToList())
        {
            var offset = dataStart + info.Offset;
            if (offset > file.Length || info.Bytes > file.Length - offset)
                throw Error($"tensor '{info.Name}' ends beyond the file's {file.Length} bytes");
            if (offset < position) throw Error($"tensor '{info.Name}' overlaps the one before it");
            position = offset + info.Bytes;
            tensors[info.Name] = info with { Offset = offset };
        }
    }

    private BeearException Error(string fault) => Error(Path, fault);
}
