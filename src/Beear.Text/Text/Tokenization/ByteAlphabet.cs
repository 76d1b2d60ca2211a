using System.Buffers;
using System.Text;

namespace Beear.Text.Tokenization;

/// <summary>
/// The alphabet of byte-level tokenizers (GPT-2): each byte is written as one printable character, so that a vocabulary of strings can
/// hold any bytes. Printable Latin-1 bytes stand for themselves; the other 68 are written as U+0100, U+0101, … in order.
/// </summary>
internal static class ByteAlphabet
{
    private const int FirstSubstitute = 0x100;

    private static readonly char[] Characters = new char[256];
    private static readonly short[] Bytes = new short[FirstSubstitute + 68];

    static ByteAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        char substitute = (char)FirstSubstitute;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            char character = printable ? (char)value : substitute++;
            Characters[value] = character;
            Bytes[character] = (short)value;
        }
    }

    /// <summary>The character that stands for a byte.</summary>
    public static char Write(byte value) => Characters[value];

    /// <summary>The text's UTF-8 bytes, one character each.</summary>
    public static string Write(ReadOnlySpan<char> text)
    {
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        int count = Encoding.UTF8.GetBytes(text, utf8);
        string written = string.Create(count, utf8, static (characters, source) =>
        {
            for (int i = 0; i < characters.Length; i++) characters[i] = Characters[source[i]];
        });
        ArrayPool<byte>.Shared.Return(utf8);
        return written;
    }

    /// <summary>Appends the bytes that a token stands for; the token's own UTF-8 if it is not written in this alphabet.</summary>
    public static void Read(string token, IBufferWriter<byte> output)
    {
        var bytes = output.GetSpan(Encoding.UTF8.GetMaxByteCount(token.Length));
        for (int i = 0; i < token.Length; i++)
        {
            int value = token[i] < Bytes.Length ? Bytes[token[i]] : -1;
            if (value < 0)
            {
                output.Advance(Encoding.UTF8.GetBytes(token, bytes));
                return;
            }
            bytes[i] = (byte)value;
        }
        output.Advance(token.Length);
    }
}
