using System.Buffers.Binary;
using Parquet.Meta;

namespace Beear.Data.Readers;

/// <summary>
/// What a Parquet file may claim. A few bytes of it can stand for gigabytes, and the library allocates what they say; so they are read here
/// before it does. What is unpacked is bounded by the size of what is packed, and the number of rows by the size of the file.
/// </summary>
internal sealed class ParquetLimits
{
    private const long Free = 8 << 20, MostUnpacked = 100; // bytes of any page, and for each of its packed ones
    private const long FreeRows = 100_000, RowsPerByte = 8;
    private const int LongestHeader = 1 << 20, Tail = 8, MostSchemaDepth = 64;
    private static ReadOnlySpan<byte> Magic => "PAR1"u8;

    private readonly FileStream file;
    private readonly long length;

    /// <summary>Checks the metadata at the file's end.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public ParquetLimits(FileStream file)
    {
        (this.file, length) = (file, file.Length);
        var tail = ReadAt(Math.Max(0, length - Tail), Tail);
        if (tail.Length < Tail || !tail.AsSpan(4)
            .SequenceEqual(Magic)) throw new InvalidDataException("it does not end as a Parquet file does");
        int size = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (size < 0 || size > length - Tail - Magic.Length) throw new InvalidDataException("its metadata is cut off");
        RequireFlat(ThriftStruct.Read(ReadAt(length - Tail - size, size), out _).Structs(2));
    }

    /// <summary>Characters that all values of a column may have: one of them can stand in a file once, and in many rows.</summary>
    public long MostCharacters => Free + MostUnpacked * length;

    /// <summary>Checks a row group's number of rows, before there is one of them.</summary>
    /// <param name="rows">As the file says.</param>
    /// <exception cref="InvalidDataException">So many cannot be there.</exception>
    public void RequireRows(long rows)
    {
        if (rows < 0 || rows > FreeRows + RowsPerByte * length)
            throw new InvalidDataException($"it says that it has {rows} rows, and is too short for them");
    }

    /// <summary>Checks the pages of a part of a column.</summary>
    /// <exception cref="InvalidDataException">They do not hold what is said of them, or far too much for their size.</exception>
    public void RequirePages(ColumnMetaData column)
    {
        RequireRows(column.NumValues);
        long[] offsets = [column.DictionaryPageOffset ?? 0, column.DataPageOffset, column.IndexPageOffset ?? 0];
        long at = offsets.Where(offset => offset != 0).DefaultIfEmpty().Min();
        for (long values = 0; values < column.NumValues;)
        {
            if (at < Magic.Length || at >= length) throw new InvalidDataException("a page lies outside of it");
            var header = ThriftStruct.Read(ReadAt(at, LongestHeader), out int size);
            long packed = header.Number(3) ?? -1, unpacked = header.Number(2) ?? -1;
            at += size;
            if (packed < 0 || packed > length - at) throw new InvalidDataException("a page lies outside of it");
            var second = header.Struct(8);
            long levels = second is null ? 0 : (second.Number(5) ?? 0) + (second.Number(6) ?? 0);
            if (levels < 0 || levels > packed) throw new InvalidDataException("the levels of a page are longer than it");
            RequireSize(unpacked, packed);
            RequireSize(Unpacked(column.Codec, ReadAt(at + levels, 32)), packed);
            long entries = header.Struct(7)?.Number(1) ?? 0;
            if (entries < 0 || entries > unpacked) throw new InvalidDataException("a dictionary is shorter than it says");
            long count = second?.Number(1) ?? header.Struct(5)?.Number(1) ?? 0;
            if (count < 0 || count > column.NumValues - values) throw new InvalidDataException("a page has more values than its column");
            values += count;
            at += packed;
        }
    }

    /// <summary>What the packed bytes themselves say of their length, which the library believes; 0 where they do not say.</summary>
    private static long Unpacked(CompressionCodec codec, ReadOnlySpan<byte> packed)
    {
        if (codec == CompressionCodec.SNAPPY)
        {
            long value = 0;
            for (int i = 0; i < Math.Min(5, packed.Length); i++)
            {
                value |= (long)(packed[i] & 0x7F) << (7 * i);
                if (packed[i] < 0x80) break;
            }
            return value;
        }
        if (codec != CompressionCodec.ZSTD || packed.Length < 18) return 0;
        int descriptor = packed[4], flag = descriptor >> 6;
        bool isSingle = (descriptor & 0x20) != 0;
        var size = packed[(5 + (isSingle ? 0 : 1) + ((descriptor & 3) switch { 3 => 4, var bytes => bytes }))..];
        return flag switch
        {
            0 => isSingle ? size[0] : 0,
            1 => BinaryPrimitives.ReadUInt16LittleEndian(size) + 256,
            2 => BinaryPrimitives.ReadUInt32LittleEndian(size),
            _ => BinaryPrimitives.ReadInt64LittleEndian(size),
        };
    }

    private static void RequireSize(long unpacked, long packed)
    {
        if (unpacked < 0 || unpacked > Free + MostUnpacked * packed)
            throw new InvalidDataException($"a page of {packed} bytes says that it unpacks to {unpacked}");
    }

    /// <summary>The library walks down the schema by recursion.</summary>
    private static void RequireFlat(IReadOnlyList<ThriftStruct> schema)
    {
        var open = new Stack<long>();
        foreach (var element in schema)
        {
            while (open.TryPeek(out long left) && left == 0) open.Pop();
            if (open.TryPop(out long rest)) open.Push(rest - 1);
            if (element.Number(5) is > 0 and var children) open.Push(children);
            if (open.Count > MostSchemaDepth) throw new InvalidDataException("its columns are nested too deeply");
        }
    }

    private byte[] ReadAt(long offset, int most)
    {
        var bytes = new byte[Math.Min(most, Math.Max(0, length - offset))];
        int read = 0;
        for (int count; read < bytes.Length
            && (count = RandomAccess.Read(file.SafeFileHandle, bytes.AsSpan(read), offset + read)) > 0;) read += count;
        return read == bytes.Length ? bytes : bytes[..read];
    }
}
