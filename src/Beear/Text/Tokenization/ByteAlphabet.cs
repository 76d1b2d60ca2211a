using System.Buffers;
using System.Text;

namespace Beear.Text.Tokenization;

/// <summary>
/// The alphabet of byte-level BPE: each byte has a printable character, so that any text is a text of the vocabulary's characters
/// (as published with GPT-2).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = MakeCharacters();
    private static readonly Dictionary<char, byte> Bytes = Characters.Select((character, value) => (character, value)).ToDictionary(pair => pair.character, pair => (byte)pair.value);

    /// <summary>The text's UTF-8 bytes in the alphabet. A lone surrogate becomes U+FFFD.</summary>
    public static string Encode(ReadOnlySpan<char> text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = ArrayPool<byte>.Shared.Rent(most);
        int count = Encoding.UTF8.GetBytes(text, rented);
        var result = string.Create(count, rented, static (characters, bytes) =>
        {
            for (int i = 0; i < characters.Length; i++) characters[i] = Characters[bytes[i]];
        });
        ArrayPool<byte>.Shared.Return(rented);
        return result;
    }

    /// <summary>The character that stands for a byte.</summary>
    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>Adds the bytes that a token stands for; characters outside the alphabet stand for themselves.</summary>
    public static void Decode(string token, List<byte> bytes)
    {
        if (token.All(Bytes.ContainsKey))
        {
            foreach (char character in token) bytes.Add(Bytes[character]);
            return;
        }
        bytes.AddRange(Encoding.UTF8.GetBytes(token));
    }

    private static char[] MakeCharacters()
    {
        var characters = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[value] = printable ? (char)value : (char)next++;
        }
        return characters;
    }
}
