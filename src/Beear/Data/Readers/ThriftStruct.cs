namespace Beear.Data.Readers;

/// <summary>
/// A structure of Thrift's compact protocol, in which Parquet keeps its metadata: read only to check what it claims before anything is
/// allocated for it. Integers are kept, and structures with the lists of them; of texts the length.
/// </summary>
internal sealed class ThriftStruct
{
    private const int MostDepth = 32;
    private readonly Dictionary<int, object> fields = [];

    private ThriftStruct() { }

    /// <summary>A field that is an integer or the length of a text; null if it is not there.</summary>
    public long? Number(int field) => fields.GetValueOrDefault(field) as long?;

    /// <summary>A field that is a structure.</summary>
    public ThriftStruct? Struct(int field) => fields.GetValueOrDefault(field) as ThriftStruct;

    /// <summary>A field that is a list of structures.</summary>
    public IReadOnlyList<ThriftStruct> Structs(int field) => fields.GetValueOrDefault(field) as List<ThriftStruct> ?? [];

    /// <summary>Reads one.</summary>
    /// <param name="bytes">What it begins.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="InvalidDataException">It does not end within the bytes, or is not such a structure.</exception>
    public static ThriftStruct Read(ReadOnlySpan<byte> bytes, out int length)
    {
        var cursor = new Cursor(bytes);
        var read = cursor.Struct(0);
        length = cursor.Position;
        return read;
    }

    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> bytes = bytes;

        public int Position { get; private set; }

        public ThriftStruct Struct(int depth)
        {
            if (depth > MostDepth) throw Damaged();
            var read = new ThriftStruct();
            for (long field = 0; Byte() is not 0 and var header;)
            {
                field = header >> 4 is > 0 and var step ? field + step : Integer();
                if (field is < 0 or > short.MaxValue) throw Damaged();
                if (Value(header & 0xF, depth) is { } value) read.fields[(int)field] = value;
            }
            return read;
        }

        private object? Value(int type, int depth)
        {
            switch (type)
            {
                case 1 or 2: return (long)(type & 1);
                case 3: return (long)Byte();
                case >= 4 and <= 6: return Integer();
                case 7: Skip(sizeof(double)); return null;
                case 8:
                    ulong length = Variable();
                    Skip(length);
                    return (long)length;
                case 9 or 10: return List(depth);
                case 12: return Struct(depth + 1);
                default: throw Damaged();
            }
        }

        private List<ThriftStruct>? List(int depth)
        {
            int header = Byte(), type = header & 0xF;
            ulong count = header >> 4 is < 15 and var few ? (ulong)few : Variable();
            if (count > (ulong)(bytes.Length - Position)) throw Damaged();       // every item has a byte at least
            var structs = type == 12 ? new List<ThriftStruct>() : null;
            for (ulong i = 0; i < count; i++)
            {
                if (type is 1 or 2) Byte();
                else if (Value(type, depth + 1) is ThriftStruct item) structs?.Add(item);
            }
            return structs;
        }

        private int Byte() => Position < bytes.Length ? bytes[Position++] : throw Damaged();

        private void Skip(ulong count)
        {
            if (count > (ulong)(bytes.Length - Position)) throw Damaged();
            Position += (int)count;
        }

        private ulong Variable()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                int next = Byte();
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80) return value;
            }
            throw Damaged();
        }

        private long Integer()
        {
            ulong value = Variable();
            return (long)(value >> 1) ^ -(long)(value & 1);
        }

        private static InvalidDataException Damaged() => new("its metadata is damaged");
    }
}
