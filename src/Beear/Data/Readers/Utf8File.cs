using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Beear.Runtime;

namespace Beear.Data.Readers;

/// <summary>The bytes of a text file, known to be UTF-8.</summary>
internal static class Utf8File
{
    /// <summary>Reads a file, without its byte order mark.</summary>
    public static ReadOnlyMemory<byte> Read(string path)
    {
        var bytes = FileContent.Utf8(File.ReadAllBytes(path), path);
        if (Utf8.IsValid(bytes.Span)) return bytes;
        var (line, column) = Position(bytes.Span, FirstInvalid(bytes.Span));
        throw new BeearException($"'{path}', line {line}, column {column}: this is not UTF-8; save the file as UTF-8.");
    }

    /// <summary>The line and the column, in bytes, of an offset; both counted from 1.</summary>
    public static (int Line, int Column) Position(ReadOnlySpan<byte> bytes, int offset) =>
        (bytes[..offset].Count((byte)'\n') + 1, offset - bytes[..offset].LastIndexOf((byte)'\n'));

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        var offset = 0;
        while (Rune.DecodeFromUtf8(bytes[offset..], out _, out var length) == OperationStatus.Done) offset += length;
        return offset;
    }
}
