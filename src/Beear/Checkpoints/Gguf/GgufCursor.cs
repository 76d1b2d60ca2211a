using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Beear.Checkpoints.Gguf;

/// <summary>Reads a GGUF file's header from front to back; what would lie beyond the file's end is an error, never an allocation.</summary>
internal sealed class GgufCursor(BinaryFile file, long position = 0)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Where the next value begins.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Bytes between <see cref="Position"/> and the file's end.</summary>
    public long Remaining => file.Length - Position;

    /// <summary>A value of fixed size.</summary>
    public T Number<T>() where T : unmanaged => MemoryMarshal.Read<T>(Bytes(Unsafe.SizeOf<T>()));

    /// <summary>A string: its length in bytes, then UTF-8.</summary>
    public string Text()
    {
        try
        {
            return StrictUtf8.GetString(Bytes(Count(1, "a string")));
        }
        catch (DecoderFallbackException failure)
        {
            throw new BeearException(GgufFile.Sentence(file.Path, $"the string before byte {Position} is not UTF-8"), failure);
        }
    }

    /// <summary>A number of things of at least <paramref name="minimumBytes"/> each, which the rest of the file could hold.</summary>
    public long Count(int minimumBytes, string things)
    {
        var count = Number<ulong>();
        if (count > (ulong)(Remaining / minimumBytes))
            throw GgufFile.Error(file.Path, $"{things} at byte {Position} claims {count} items, more than the file has room for");
        return (long)count;
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(long bytes)
    {
        if (bytes > Remaining) throw GgufFile.Error(file.Path, $"it ends after {file.Length} bytes, inside its header");
        Position += bytes;
    }

    private ReadOnlySpan<byte> Bytes(long length)
    {
        var start = Position;
        if (length > int.MaxValue) throw GgufFile.Error(file.Path, $"a string of {length} bytes at byte {start} is not believable");
        Skip(length);
        return file.Slice(start, (int)length);
    }
}
