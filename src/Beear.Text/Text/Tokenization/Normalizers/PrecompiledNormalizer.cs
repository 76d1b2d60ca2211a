using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Beear.Text.Tokenization.Normalizers;

/// <summary>
/// SentencePiece's precompiled map of characters: a double-array trie over UTF-8 and, behind it, the replacements, each ended by a zero
/// byte. As in the reference, a grapheme of fewer than six bytes is looked up first and then each of its characters, and the shortest entry
/// counts.
/// </summary>
internal sealed class PrecompiledNormalizer : INormalizer
{
    private const int LongestGrapheme = 5;

    private readonly uint[] units;
    private readonly byte[] replacements;

    /// <summary>Reads the map.</summary>
    /// <exception cref="BeearException">It is damaged.</exception>
    public PrecompiledNormalizer(ReadOnlySpan<byte> map)
    {
        if (map.Length < sizeof(uint)) throw Damaged();
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (size % sizeof(uint) != 0 || size == 0 || size > map.Length - sizeof(uint)) throw Damaged();
        units = new uint[size / sizeof(uint)];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map[((i + 1) * sizeof(uint))..]);
        replacements = map[(sizeof(uint) + (int)size)..].ToArray();
    }

    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        var written = new StringBuilder(text.Length);
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            int length = StringInfo.GetNextTextElementLength(rest);
            var grapheme = rest[..length];
            rest = rest[length..];
            if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme && Find(grapheme) is { } whole)
            {
                budget.Charge(whole.Length);
                written.Append(whole);
                continue;
            }
            foreach (var rune in grapheme.EnumerateRunes())
            {
                var character = grapheme[..rune.Utf16SequenceLength];
                grapheme = grapheme[rune.Utf16SequenceLength..];
                if (Find(character) is not { } replacement)
                {
                    written.Append(character);
                    continue;
                }
                budget.Charge(replacement.Length);
                written.Append(replacement);
            }
        }
        return written.ToString();
    }

    /// <summary>The replacement of the shortest entry that the text begins with; null if there is none.</summary>
    private string? Find(ReadOnlySpan<char> text)
    {
        Span<byte> key = stackalloc byte[LongestGrapheme];
        key = key[..Encoding.UTF8.GetBytes(text, key)];
        uint node = Offset(units[0]);
        foreach (byte next in key)
        {
            if (next == 0) return null;
            node ^= next;
            uint unit = UnitAt(node);
            if ((unit & 0x800000FF) != next) return null;
            node ^= Offset(unit);
            if ((unit & 0x100) != 0) return ReplacementAt(UnitAt(node) & 0x7FFFFFFF);
        }
        return null;
    }

    private string ReplacementAt(uint start)
    {
        if (start > replacements.Length) throw Damaged();
        var rest = replacements.AsSpan((int)start);
        int length = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(length < 0 ? rest : rest[..length]);
    }

    private uint UnitAt(uint index) => index < units.Length ? units[index] : throw Damaged();

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    private static BeearException Damaged() => new("The precompiled map of the tokenizer's normalizer is damaged; fetch the file again.");
}
