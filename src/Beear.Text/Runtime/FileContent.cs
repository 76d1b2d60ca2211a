namespace Beear.Runtime;

/// <summary>What may stand at the beginning of a file: a pointer in place of the content, a byte order mark, another encoding.</summary>
internal static class FileContent
{
    private static ReadOnlySpan<byte> Pointer => "version https://git-lfs.github.com/spec/"u8;

    private const long LargestText = 64 << 20;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>
    /// A file's bytes: as many as it has by its folder. A device or a pipe has none there, so it is not opened, and cannot go on for ever.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Bytes that such a file may have.</param>
    /// <exception cref="BeearException">It has more.</exception>
    public static byte[] Read(string path, long most = LargestText)
    {
        long length = Length(path);
        if (length > most)
            throw new BeearException($"'{path}' has {length} bytes, far more than the {most} that such a file can need; check what it is.");
        return length == 0 ? [] : File.ReadAllBytes(path);
    }

    /// <summary>A file's bytes by its folder, behind all links; 0 for a device or a pipe.</summary>
    public static long Length(string path)
    {
        var file = new FileInfo(path);
        return ((FileInfo?)file.ResolveLinkTarget(returnFinalTarget: true) ?? file).Length;
    }

    /// <summary>The text of a small file, in the encoding of its byte order mark, or else UTF-8.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <exception cref="BeearException">It has more.</exception>
    public static string ReadText(string path, long most = LargestText)
    {
        using var reader = new StreamReader(new MemoryStream(Read(path, most)));
        return reader.ReadToEnd();
    }

    /// <summary>Refuses what Git leaves in place of a large file that was not fetched.</summary>
    /// <param name="start">The file's first bytes, or all of them.</param>
    /// <param name="path">What to call it.</param>
    /// <exception cref="BeearException">It is such a pointer.</exception>
    public static void RefusePointer(ReadOnlySpan<byte> start, string path)
    {
        if (start.StartsWith(Pointer))
            throw new BeearException($"'{path}' is a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'.");
    }

    /// <summary>The same for a file that is not read as a whole.</summary>
    public static void RefusePointer(string path)
    {
        if (Length(path) == 0) return;
        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[Pointer.Length];
        RefusePointer(start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)], path);
    }

    /// <summary>The bytes of a text without its byte order mark.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">What to call it.</param>
    /// <exception cref="BeearException">It is a pointer, or UTF-16.</exception>
    public static ReadOnlyMemory<byte> Utf8(ReadOnlyMemory<byte> bytes, string path)
    {
        var span = bytes.Span;
        RefusePointer(span, path);
        if (IsUtf16(span)) throw new BeearException($"'{path}' is UTF-16; save it as UTF-8.");
        return span.StartsWith(ByteOrderMark) ? bytes[ByteOrderMark.Length..] : bytes;
    }

    /// <summary>By its mark, or by the zero beside a first letter of ASCII.</summary>
    private static bool IsUtf16(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 2 && ((bytes[0], bytes[1]) is (0xFF, 0xFE) or (0xFE, 0xFF) || (bytes[0] == 0) != (bytes[1] == 0));
}
