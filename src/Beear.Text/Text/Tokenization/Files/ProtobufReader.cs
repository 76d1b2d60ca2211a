using System.Buffers.Binary;
using System.Text;

namespace Beear.Text.Tokenization.Files;

/// <summary>Walks through the fields of one protocol buffer message; nothing is allocated for lengths that the data do not have.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> message = message;
    private int position;
    private ulong number;
    private ReadOnlySpan<byte> content;
    private int wireType;

    /// <summary>The number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field; false at the end.</summary>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public bool Read()
    {
        if (position == message.Length) return false;
        ulong tag = ReadVarint();
        if (tag >> 3 is 0 or > int.MaxValue) throw new FormatException("a field has no valid number");
        (Field, wireType) = ((int)(tag >> 3), (int)(tag & 7));
        number = 0;
        content = default;
        switch (wireType)
        {
            case 0: number = ReadVarint(); break;
            case 1: content = Take(sizeof(ulong)); break;
            case 2: content = Take(ReadVarint()); break;
            case 5: content = Take(sizeof(uint)); break;
            default: throw new FormatException($"field {Field} has the unknown wire type {wireType}");
        }
        return true;
    }

    /// <summary>The current field as a whole number.</summary>
    public readonly int Integer() => wireType == 0 ? unchecked((int)number) : throw WrongType("a whole number");

    /// <summary>The current field as a truth value.</summary>
    public readonly bool Flag() => Integer() != 0;

    /// <summary>The current field as a float.</summary>
    public readonly float Float() => wireType == 5 ? BinaryPrimitives.ReadSingleLittleEndian(content) : throw WrongType("a float");

    /// <summary>The current field as bytes or as a message.</summary>
    public readonly ReadOnlySpan<byte> Bytes() => wireType == 2 ? content : throw WrongType("bytes");

    /// <summary>The current field as text.</summary>
    public readonly string Text() => Encoding.UTF8.GetString(Bytes());

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (position == message.Length) break;
            byte next = message[position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new FormatException("a number does not end");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(message.Length - position)) throw new FormatException("a field is longer than the data");
        var taken = message.Slice(position, (int)length);
        position += (int)length;
        return taken;
    }

    private readonly FormatException WrongType(string expected) => new($"field {Field} is not {expected}");
}
