using System.IO.MemoryMappedFiles;
using Beear.Kernels;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>A file's bytes, read-only and mapped into memory: nothing is read before it is touched.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private const long CopyChunk = 16 << 20;
    private readonly MemoryMappedFile? mapping;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* start;
    private bool disposed;

    private MappedFile(string path, FileStream file)
    {
        Path = path;
        Length = file.Length;
        if (Length == 0) return;                                             // an empty file cannot be mapped
        mapping = MemoryMappedFile.CreateFromFile(file, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The file's size in bytes.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="BeearException">There is no such file, or it cannot be read.</exception>
    public static MappedFile Open(string path)
    {
        if (!File.Exists(path)) throw new BeearException($"The file '{path}' does not exist.");
        try
        {
            FileContent.RefusePointer(path);
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            return new MappedFile(path, file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BeearException($"'{path}' cannot be read: {failure.Message.TrimEnd('.')}.", failure);
        }
    }

    /// <summary>The bytes from <paramref name="offset"/> on, without a copy; valid until the file is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length) => new(Address(offset, length), length);

    /// <summary>The address of bytes that lie in the file; valid until the file is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    public byte* Address(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return start + offset;
    }

    /// <summary>A new tensor whose elements are copied from the file as they are stored there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    public Tensor ReadTensor(long offset, IReadOnlyList<long> shape, ScalarType type)
    {
        TorchRuntime.Load();
        var tensor = empty([.. shape], dtype: type);
        var bytes = tensor.numel() * tensor.element_size();
        var source = Address(offset, bytes);
        if (bytes == 0) return tensor;
        var target = (byte*)TensorMemory.Address(tensor);
        Chunks.Run(Chunks.Count(bytes, CopyChunk), chunk =>
        {
            var first = chunk * CopyChunk;
            var length = Math.Min(CopyChunk, bytes - first);
            Buffer.MemoryCopy(source + first, target + first, length, length);
        });
        GC.KeepAlive(tensor);
        return tensor;
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        if (start is not null) view!.SafeMemoryMappedViewHandle.ReleasePointer();
        view?.Dispose();
        mapping?.Dispose();
    }
}
