using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Unicode;
using Beear.Runtime;

namespace Beear.Data.Readers;

/// <summary>The bytes of a text file, known to be UTF-8; what is packed by gzip (.gz) is unpacked.</summary>
internal static class Utf8File
{
    /// <summary>Most bytes that a packed file may hold: a small one can unpack to far more than any memory.</summary>
    private const long MaximumUnpacked = 1L << 30;

    /// <summary>Reads a file, without its byte order mark.</summary>
    public static ReadOnlyMemory<byte> Read(string path, long maximumUnpacked = MaximumUnpacked)
    {
        var bytes = FileContent.Utf8(IsPacked(path) ? Unpack(path, maximumUnpacked) : FileContent.Read(path, Array.MaxLength), path);
        if (Utf8.IsValid(bytes.Span)) return bytes;
        var offset = FirstInvalid(bytes.Span);
        var (line, column) = Position(bytes.Span, offset);
        throw new BeearException($"'{path}', line {line}, column {column}: this is not UTF-8 (the byte 0x{bytes.Span[offset]:X2}; "
            + "perhaps the file is in Windows-1252 or another old encoding); save the file as UTF-8.");
    }

    /// <summary>Whether a file is packed by gzip, by its name.</summary>
    public static bool IsPacked(string path) => Path.GetExtension(path).Equals(".gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The line and the column, in bytes, of an offset; both counted from 1.</summary>
    public static (int Line, int Column) Position(ReadOnlySpan<byte> bytes, int offset) =>
        (bytes[..offset].Count((byte)'\n') + 1, offset - bytes[..offset].LastIndexOf((byte)'\n'));

    private static ReadOnlyMemory<byte> Unpack(string path, long maximum)
    {
        if (FileContent.Length(path) == 0) return ReadOnlyMemory<byte>.Empty;
        using var file = File.OpenRead(path);
        Span<byte> magic = stackalloc byte[2];
        if (file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) < 2 || magic is not [0x1F, 0x8B])
            throw new BeearException($"'{path}' ends in '.gz' but is not gzip; give it the name of what it holds.");
        file.Position = 0;
        using var unpacked = new MemoryStream();
        try
        {
            using var gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
            var buffer = new byte[1 << 20];
            for (int read; (read = gzip.Read(buffer)) > 0;)
            {
                if (unpacked.Length + read > maximum)
                    throw new BeearException($"'{path}' unpacks to more than {maximum >> 20} MiB; give a part of it.");
                unpacked.Write(buffer, 0, read);
            }
        }
        catch (InvalidDataException failure)
        {
            throw Damaged(failure);
        }
        if (LastLength(file) > unpacked.Length) throw Damaged(new InvalidDataException("The stream ends early."));
        return unpacked.GetBuffer().AsMemory(0, (int)unpacked.Length);

        BeearException Damaged(Exception cause) => new($"'{path}' is damaged: gzip cannot unpack it; fetch it again.", cause);
    }

    /// <summary>The length that the last member of a gzip file ends with; of a file that was cut off, some other bytes.</summary>
    private static uint LastLength(FileStream file)
    {
        Span<byte> last = stackalloc byte[sizeof(uint)];
        file.Seek(-last.Length, SeekOrigin.End);
        file.ReadExactly(last);
        return BinaryPrimitives.ReadUInt32LittleEndian(last);
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        var offset = 0;
        while (Rune.DecodeFromUtf8(bytes[offset..], out _, out var length) == OperationStatus.Done) offset += length;
        return offset;
    }
}
