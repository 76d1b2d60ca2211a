using System.Collections;
using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>A Python dictionary: keys in the order in which they came; numbers that are equal are the same key.</summary>
internal sealed class Mapping : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly OrderedDictionary<MappingKey, object?> _entries = [];

    public int Count => _entries.Count;

    public IEnumerable<object?> Keys => _entries.Keys.Select(key => key.Value);

    public IEnumerable<object?> Values => _entries.Values;

    /// <summary>The characters in all keys that are strings; what a copy has to read.</summary>
    public long KeyLength { get; private set; }

    public object? this[object? key]
    {
        set
        {
            if (key is string text) KeyLength += text.Length;
            _entries[new MappingKey(key)] = value;
        }
    }

    public bool TryGet(object? key, out object? value) => _entries.TryGetValue(new MappingKey(key), out value);

    public bool Contains(object? key) => _entries.ContainsKey(new MappingKey(key));

    /// <summary>Takes over all entries of another mapping.</summary>
    public void AddAll(Mapping other)
    {
        KeyLength += other.KeyLength;
        foreach (var (key, value) in other._entries) _entries[key] = value;
    }

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator() =>
        _entries.Select(entry => KeyValuePair.Create(entry.Key.Value, entry.Value)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A value by Python's equality and hash; only scalars, and tuples of scalars, can be keys.</summary>
internal readonly struct MappingKey : IEquatable<MappingKey>
{
    public MappingKey(object? value)
    {
        if (!IsScalar(value) && !(value is TupleValue tuple && tuple.TrueForAll(IsScalar)))
            throw new TemplateException($"{Templates.Values.Describe(value)} cannot be a key");
        Value = value;
    }

    public object? Value { get; }

    public bool Equals(MappingKey other) => AreEqual(Value, other.Value);

    public override bool Equals(object? obj) => obj is MappingKey other && Equals(other);

    public override int GetHashCode() => Value is TupleValue tuple
        ? tuple.Aggregate(17, (hash, item) => HashCode.Combine(hash, Hash(item)))
        : Hash(Value);

    private static bool IsScalar(object? value) => value is not (List<object?> or Mapping);

    private static bool AreEqual(object? left, object? right) => (left, right) switch
    {
        (string a, string b) => a == b,
        (TupleValue a, TupleValue b) => a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
        (Undefined, Undefined) => true,
        _ => Numbers.IsNumber(left) && Numbers.IsNumber(right) ? Numbers.Compare(left, right) == 0 : Equals(left, right),
    };

    private static int Hash(object? value) => value switch
    {
        null => 0,
        bool flag => flag ? 1 : 0,
        long number => number.GetHashCode(),
        BigInteger number => ((double)number).GetHashCode(),
        double number when number == Math.Floor(number) && Math.Abs(number) < 9e18 => ((long)number).GetHashCode(),
        Undefined => 1,
        _ => value.GetHashCode(),
    };
}
