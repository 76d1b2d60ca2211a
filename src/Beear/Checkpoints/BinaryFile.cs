using Beear.Kernels;
using Beear.Runtime;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>
/// A file's bytes, read when they are asked for. It is not mapped into memory: a mapped file that becomes shorter ends the process.
/// </summary>
internal sealed unsafe class BinaryFile : IDisposable
{
    private const long Chunk = 16 << 20;
    private const int WindowBytes = 1 << 20;
    private readonly SafeFileHandle? handle;
    private volatile Window window = new(0, []); // never changed, only replaced: what was handed out stays as it is

    private BinaryFile(string path, SafeFileHandle? handle)
    {
        Path = path;
        this.handle = handle;
        Length = handle is null ? 0 : RandomAccess.GetLength(handle);
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The file's size in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="BeearException">There is no such file, or it cannot be read.</exception>
    public static BinaryFile Open(string path)
    {
        if (!File.Exists(path)) throw new BeearException($"The file '{path}' does not exist.");
        try
        {
            FileContent.RefusePointer(path);
            return new BinaryFile(path, FileContent.Length(path) == 0
                ? null : File.OpenHandle(path, share: FileShare.Read | FileShare.Delete));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BeearException($"'{path}' cannot be read: {failure.Reason()}.", failure);
        }
    }

    /// <summary>The bytes from <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    /// <exception cref="BeearException">The file has become shorter.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        RequireInside(offset, length);
        if (window is var seen && offset >= seen.Start && offset + length <= seen.Start + seen.Bytes.Length)
            return seen.Bytes.AsSpan((int)(offset - seen.Start), length);
        var bytes = new byte[Math.Max(length, Math.Min(WindowBytes, Length - offset))];
        Fill(offset, bytes);
        if (bytes.Length <= WindowBytes) window = new Window(offset, bytes);
        return bytes.AsSpan(0, length);
    }

    /// <summary>Reads bytes to where the caller has room for them, with several threads.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    /// <exception cref="BeearException">The file has become shorter.</exception>
    public void Read(long offset, byte* target, long length)
    {
        RequireInside(offset, length);
        try
        {
            Chunks.Run(Chunks.Count(length, Chunk), chunk =>
            {
                long first = chunk * Chunk;
                Fill(offset + first, new Span<byte>(target + first, (int)Math.Min(Chunk, length - first)));
            });
        }
        catch (AggregateException failures) when (failures.InnerExceptions.FirstOrDefault(one => one is BeearException) is { } failure)
        {
            throw new BeearException(failure.Message, failures);
        }
    }

    /// <summary>A new tensor whose elements are read from the file as they are stored there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie in the file.</exception>
    /// <exception cref="BeearException">The file has become shorter.</exception>
    public Tensor ReadTensor(long offset, IReadOnlyList<long> shape, ScalarType type)
    {
        TorchRuntime.Load();
        var tensor = empty([.. shape], dtype: type);
        try
        {
            long bytes = tensor.numel() * tensor.element_size();
            if (bytes > 0) Read(offset, (byte*)TensorMemory.Address(tensor), bytes);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => handle?.Dispose();

    private void Fill(long offset, Span<byte> target)
    {
        try
        {
            while (!target.IsEmpty)
            {
                int count = RandomAccess.Read(handle!, target, offset);
                if (count == 0)
                    throw new BeearException($"'{Path}' has become shorter while it was read; fetch it again, and leave it "
                        + "alone until this is done.");
                target = target[count..];
                offset += count;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"'{Path}' cannot be read: {failure.Reason()}.", failure);
        }
    }

    private void RequireInside(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(handle is { IsClosed: true }, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
    }

    private sealed record Window(long Start, byte[] Bytes);
}
