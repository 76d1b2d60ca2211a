namespace Beear.Checkpoints.Gguf;

/// <summary>The types of GGUF metadata values, by their numbers in the file.</summary>
internal enum GgufValueType : uint
{
    UInt8 = 0, Int8 = 1, UInt16 = 2, Int16 = 3, UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, Text = 8, Array = 9, UInt64 = 10,
    Int64 = 11, Float64 = 12,
}

/// <summary>An array of GGUF metadata, read from the file only when it is asked for.</summary>
internal sealed class GgufArray
{
    private readonly BinaryFile file;
    private readonly long position;

    internal GgufArray(BinaryFile file, GgufValueType elementType, long count, long position)
    {
        this.file = file;
        this.position = position;
        ElementType = elementType;
        Count = count;
    }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    internal GgufValueType ElementType { get; }

    /// <summary>The elements, or null if they are not strings.</summary>
    public string[]? ToStrings() => ElementType == GgufValueType.Text ? Read(cursor => cursor.Text()) : null;

    /// <summary>The elements, or null if they are not float32 numbers.</summary>
    public float[]? ToReals() => ElementType == GgufValueType.Float32 ? Read(cursor => cursor.Number<float>()) : null;

    /// <summary>The elements, or null if they are not whole numbers; of truth values 1 for true.</summary>
    public long[]? ToIntegers() => ElementType switch
    {
        GgufValueType.Bool => Read(cursor => cursor.Number<byte>() != 0 ? 1L : 0),
        GgufValueType.UInt8 => Read(cursor => (long)cursor.Number<byte>()),
        GgufValueType.Int8 => Read(cursor => (long)cursor.Number<sbyte>()),
        GgufValueType.UInt16 => Read(cursor => (long)cursor.Number<ushort>()),
        GgufValueType.Int16 => Read(cursor => (long)cursor.Number<short>()),
        GgufValueType.UInt32 => Read(cursor => (long)cursor.Number<uint>()),
        GgufValueType.Int32 => Read(cursor => (long)cursor.Number<int>()),
        GgufValueType.UInt64 or GgufValueType.Int64 => Read(cursor => cursor.Number<long>()),
        _ => null,
    };

    /// <summary>Number and kind of the elements.</summary>
    public override string ToString() => $"[{Count} × {ElementType}]";

    private T[] Read<T>(Func<GgufCursor, T> element)
    {
        var cursor = new GgufCursor(file, position);
        var values = new T[Count];
        for (var i = 0; i < values.Length; i++) values[i] = element(cursor);
        return values;
    }
}

/// <summary>Reads metadata values of every type.</summary>
internal static class GgufMetadata
{
    private const int MaximumDepth = 4;

    /// <summary>One value: a number, a bool, a string, or a <see cref="GgufArray"/>.</summary>
    public static object ReadValue(BinaryFile file, GgufCursor cursor, string key)
    {
        var type = (GgufValueType)cursor.Number<uint>();
        return type switch
        {
            GgufValueType.UInt8 => cursor.Number<byte>(),
            GgufValueType.Int8 => cursor.Number<sbyte>(),
            GgufValueType.UInt16 => cursor.Number<ushort>(),
            GgufValueType.Int16 => cursor.Number<short>(),
            GgufValueType.UInt32 => cursor.Number<uint>(),
            GgufValueType.Int32 => cursor.Number<int>(),
            GgufValueType.UInt64 => cursor.Number<ulong>(),
            GgufValueType.Int64 => cursor.Number<long>(),
            GgufValueType.Float32 => cursor.Number<float>(),
            GgufValueType.Float64 => cursor.Number<double>(),
            GgufValueType.Bool => cursor.Number<byte>() != 0,
            GgufValueType.Text => cursor.Text(),
            GgufValueType.Array => ReadArray(file, cursor, key, depth: 1),
            _ => throw UnknownType(file, key, type),
        };
    }

    private static GgufArray ReadArray(BinaryFile file, GgufCursor cursor, string key, int depth)
    {
        var type = (GgufValueType)cursor.Number<uint>();
        var size = SizeOf(type) ?? throw UnknownType(file, key, type);
        var count = cursor.Count(size, $"the array '{key}'");
        var array = new GgufArray(file, type, count, cursor.Position);
        if (type == GgufValueType.Text)
        {
            for (var i = 0L; i < count; i++) cursor.Skip(cursor.Count(1, $"a string of '{key}'"));
        }
        else if (type == GgufValueType.Array)
        {
            if (depth == MaximumDepth) throw GgufFile.Error(file.Path, $"the array '{key}' is nested too deeply");
            for (var i = 0L; i < count; i++) ReadArray(file, cursor, key, depth + 1);
        }
        else
        {
            cursor.Skip(count * size);
        }
        return array;
    }

    /// <summary>Bytes of a value; of a string or an array the fewest it can take.</summary>
    private static int? SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 or GgufValueType.Text => 8,
        GgufValueType.Array => 12,
        _ => null,
    };

    private static BeearException UnknownType(BinaryFile file, string key, GgufValueType type) =>
        GgufFile.Error(file.Path, $"the value of '{key}' is of the unknown type {(uint)type}");

    /// <summary>The string at a key, or null.</summary>
    public static string? Text(this IReadOnlyDictionary<string, object> metadata, string key) => metadata.GetValueOrDefault(key) as string;

    /// <summary>The truth value at a key, or null.</summary>
    public static bool? Truth(this IReadOnlyDictionary<string, object> metadata, string key) => metadata.GetValueOrDefault(key) as bool?;

    /// <summary>The array at a key, or null.</summary>
    public static GgufArray? Array(this IReadOnlyDictionary<string, object> metadata, string key) =>
        metadata.GetValueOrDefault(key) as GgufArray;

    /// <summary>The whole number at a key, or null; also null where it does not fit.</summary>
    public static long? Integer(this IReadOnlyDictionary<string, object> metadata, string key) => metadata.GetValueOrDefault(key) switch
    {
        byte value => value,
        sbyte value => value,
        ushort value => value,
        short value => value,
        uint value => value,
        int value => value,
        ulong value when value <= long.MaxValue => (long)value,
        long value => value,
        _ => null,
    };

    /// <summary>
    /// The real number at a key, or null; a float32 becomes the shortest decimal that names it: 1e-05, not 9.99999975e-06.
    /// </summary>
    public static double? Real(this IReadOnlyDictionary<string, object> metadata, string key) => metadata.GetValueOrDefault(key) switch
    {
        float value => double.Parse(value.ToString("R")),
        double value => value,
        _ => metadata.Integer(key),
    };
}
